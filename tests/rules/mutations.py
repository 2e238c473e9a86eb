"""Change each threshold and each duration of each alert a little, and see that a test of it fails.

`make mutations` runs it, and ends with 1 if a change survives. Thresholds and other numbers that something is compared
with are changed by 5%, zeros by one, durations by one evaluation.
"""

import copy
import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus.generator import generate, thresholds

from . import promtool
from .alert_cases import CASES

_COMPARISON = re.compile(r" (==|>=|<=|>|<) ((?:on \([^)]*\) )?(?:group_left \(\) )?)(\d[\d.]*)?")
_RESTRICTED = re.compile(r"\((.+?)\) and on \(\) influencegen:working_hours:")
_OPPOSITE = {"==": "!=", ">": "<", "<": ">", ">=": "<", "<=": ">"}
_NO_THRESHOLD = {"DeadMansSwitch"}


def mutants(alert: str) -> Iterator[tuple[str, dict]]:
    """Yield what is changed, in words, and the rule of the alert that this makes."""
    content = thresholds.read()
    original = _rule(alert, content)
    seen = [original]
    for what, rule in (
        *_other_thresholds(alert, content),
        *_other_comparisons(original),
        *_other_durations(alert, original),
    ):
        if rule not in seen:
            seen.append(rule)
            yield what, rule


def alerts() -> list[str]:
    """Return the names of all alerts but DeadMansSwitch, which always fires."""
    return [
        rule["alert"]
        for group in promtool.groups()
        for rule in group["rules"]
        if "alert" in rule and rule["alert"] not in _NO_THRESHOLD
    ]


def survives(alert: str, rule: dict) -> bool:
    """Return whether all cases of the alert hold with this rule in its place."""
    (group,) = promtool.needed_by(alert, promtool.groups())
    mutated = [{**group, "rules": [*group["rules"][:-1], rule]}]
    with tempfile.TemporaryDirectory() as folder:
        return not any(promtool.check(Path(folder), mutated, [case]) for case in CASES if case.alert == alert)


def _rule(alert, content):
    declared = generate.alerts_in(generate.files(thresholds.Thresholds(content)))
    return next(rule.content() for rule in declared if rule.name == alert)


def _other_thresholds(alert, content):
    for key, value in content["alerts"].get(alert, {}).items():
        for other in () if key == "for" else _around(value):
            changed = copy.deepcopy(content)
            changed["alerts"][alert][key] = other
            try:
                yield f"{key} {value:g} → {other:g}", _rule(alert, changed)
            except thresholds.ThresholdError:
                # more than 100%, or less than none
                continue


def _other_comparisons(rule):
    # the condition of one that starts in working hours is in its expression twice
    restricted = _RESTRICTED.match(rule["expr"])
    expression = restricted[1] if restricted else rule["expr"]
    for found in _COMPARISON.finditer(expression):
        before, after = expression[: found.start()], expression[found.end() :]
        operator, matching, number = found.groups()
        sides = [_OPPOSITE[operator] + f" {matching}{number or ''}"]
        if number:
            sides += [f"{operator} {matching}{other:.10g}" for other in _around(float(number))]
        else:
            sides += [f"{operator} {matching}{factor} * " for factor in (0.95, 1.05)]
        for side in sides:
            shown = f"{operator} {number or '…'} → {side.replace(matching, '')}".strip()
            yield shown, {**rule, "expr": rule["expr"].replace(expression, f"{before} {side}{after}")}


def _other_durations(alert, rule):
    tick = min(case.every for case in CASES if case.alert == alert)
    for key in ("for", "keep_firing_for"):
        duration = _seconds(rule.get(key, "0s"))
        for other in (duration - tick, duration + tick):
            if other >= 0:
                yield f"{key} {duration} s → {other} s", {**rule, key: f"{other}s"}


def _around(value):
    return (0.95 * value, 1.05 * value) if value else (-1, 1)


def _seconds(duration):
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhdw])", duration))


def main(pattern: str = "") -> int:
    """Print what became of each mutant of the alerts whose names match `pattern`; return how many survived."""
    survived = total = 0
    with ThreadPoolExecutor(2) as pool:
        for alert in filter(re.compile(pattern).search, alerts()):
            changes = list(mutants(alert))
            living = [
                what
                for (what, _), lives in zip(
                    changes, pool.map(lambda change, alert=alert: survives(alert, change[1]), changes), strict=True
                )
                if lives
            ]
            total += len(changes)
            survived += len(living)
            print(
                f"{alert:36} {len(changes) - len(living):3} of {len(changes):3} caught"
                f"{'; survived: ' if living else ''}{', '.join(living)}",
                flush=True,
            )
    print(f"{total - survived} of {total} mutations were detected.")
    return survived


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
