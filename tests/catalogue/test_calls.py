"""Each call that records a value passes the labels that its metric declares: else the value would be dropped."""

import ast
from pathlib import Path

from influencegen_telemetry.business import metrics
from odoo_telemetry.metrics import catalogue
from odoo_telemetry.metrics.metric import Metric

ROOT = Path(__file__).parents[2]
VERBS = {"inc", "set", "add", "observe", "exemplify", "sample", "start", "follow"}
DECLARED = {**vars(catalogue), **vars(metrics), "catalogue": catalogue}
FEWEST = 25
"""There are more calls than this; fewer would mean that they are not found."""


def counted(call):
    """Return the metric that ``call`` (ast.Call) counts, None if it does something else."""
    match call.func:
        case ast.Attribute(value=metric, attr=verb) if verb in VERBS:
            pass
        case ast.Attribute(value=ast.Name(id="attempts"), attr="count"):
            metric = call.args[0]
        case _:
            return None
    try:
        found = eval(ast.unparse(metric), dict(DECLARED))
    except (AttributeError, KeyError, NameError):
        return None
    return found if isinstance(found, Metric) else None


def labels(call):
    """Return the names of the labels that ``call`` gives, None if they are a dictionary."""
    names = [argument.arg for argument in call.keywords]
    return None if None in names else sorted({*names} - {"database"})


def wrong(source):
    """Return (number of calls that count, [(line, metric, labels)] of those that give other labels than its own)."""
    number, found = 0, []
    for node in ast.walk(ast.parse(source)):
        metric = counted(node) if isinstance(node, ast.Call) else None
        if metric is not None and (given := labels(node)) is not None:
            number += 1
            if given != sorted(metric.label_names):
                found.append((node.lineno, metric.name, given))
    return number, found


def test_a_wrong_label_is_found():
    number, found = wrong(
        "CRON_RUNS.inc(database=name, cron='a')\n"
        "CRON_RUNS.inc(database=name, job='a')\n"
        "catalogue.CRON_DURATION.observe(1.0, database=name)\n"
        "N8N_WEBHOOK.errors.inc(endpoint='image')\n"
        "attempts.count(REGISTRATION_ATTEMPTS, source='web')\n"
        "names.add(1)\n"
    )
    assert number == 5
    assert [line for line, _metric, _labels in found] == [2, 3, 4, 5]


def test_all_calls_give_the_labels_of_their_metric():
    number, found = 0, []
    for addon in ("odoo_telemetry", "influencegen_telemetry"):
        for path in ROOT.joinpath(addon).rglob("*.py"):
            calls, offenders = wrong(path.read_text())
            number += calls
            found += [(path.relative_to(ROOT), *offender) for offender in offenders]
    assert found == []
    assert number > FEWEST
