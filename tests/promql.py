"""PromQL in tests: promtool finds what is wrong with expressions, and promql_parser takes them apart."""

import json
import subprocess

import promql_parser
from promql_parser import Matcher, MatchOp, VectorSelector

from stack.services import prometheus


def errors(expressions: dict[str, str]) -> str:
    """Return what Prometheus' own parser says of each wrong one of these expressions, by name; or nothing."""
    rules = [{"alert": name, "expr": expression} for name, expression in expressions.items()]
    done = subprocess.run(
        [prometheus.executable("promtool"), "check", "rules", "--lint=none"],
        input=json.dumps({"groups": [{"name": "all", "rules": rules}]}), capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout + done.stderr if done.returncode else ""


def nodes(expression: str) -> list[tuple]:
    """Return the nodes of an expression, each with those that it is in, the outermost first."""
    found, above = [], []

    def enter(node):
        found.append((node, tuple(above)))
        above.append(node)

    def leave(node):
        del above[-1]

    promql_parser.walk(promql_parser.parse(expression), enter, leave)
    return found


def function(node) -> str:
    """Return the name of the function that a node calls, or nothing if it calls none."""
    return node.func.name if isinstance(node, promql_parser.Call) else ""


def selectors(expression: str) -> list[VectorSelector]:
    """Return the selectors of series in an expression."""
    return [node for node, above in nodes(expression) if isinstance(node, VectorSelector)]


def matchers(selector: VectorSelector) -> list[Matcher]:
    """Return all matchers of a selector, that of the name included."""
    name = [Matcher(MatchOp.Equal, "__name__", selector.name)] if selector.name else []
    return name + selector.matchers.matchers
