"""Alerts that are silent because another one says it better; every pair is tried on a real Alertmanager."""

import signal

import pytest
import yaml

from stack.services import prometheus
from tests.waiting import until

pytestmark = pytest.mark.servers

HOST = {"host": "db-1"}


DECLARED = {
    rule["alert"]: rule["labels"]
    for path in (prometheus.FOLDER / "rules").glob("*.yml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
"""The labels that each alert has from its rule, by name."""


def alert(name, severity="critical", **labels):
    """The labels of an alert as Prometheus sends it; `labels` are those that its expression gives."""
    return {"alertname": name, "team": "platform", **DECLARED.get(name, {}), "severity": severity, **labels}


def silenced(oncall, source, targets, others=()):
    """Raise all alerts, and return which of `targets` Alertmanager inhibits; it must notify of all others."""
    oncall.raise_alerts(source, *targets, *others)
    for notified in (source, *others):
        until(
            lambda notified=notified: oncall.notifications(notified["alertname"]),
            f"{notified['alertname']} is notified",
        )
    until(lambda: not oncall.alerts("unprocessed"), "Alertmanager has looked at all")
    return {labels["alertname"] for labels in oncall.alerts("suppressed") if labels in targets} - oncall.names()


CASES = {
    "a host, and what runs on it": (
        alert("HostDown", host="db-1", service_name="postgresql"),
        [
            alert("PostgresDown", db_instance="x", **HOST),
            alert("DiskSpaceCritical", **HOST),
            alert("TargetMissing", job="process", **HOST),
            alert("SomethingElse", service_name="postgresql"),
        ],
        [alert("HostCpuCritical", host="web-1"), alert("BackupMissing", backup="n8n")],
    ),
    "a host of several services, and what has its name": (
        alert("HostDown", host="db-1", service_name="shared"),
        [alert("OdooDown", service_name="odoo", **HOST)],
        [alert("N8nDown", service_name="n8n", host="web-1")],
    ),
    "an outage in another cluster": (
        alert("PostgresDown", db_instance="x", cluster="eu"),
        [alert("OdooRequestQueueLong", "warning", cluster="eu")],
        [alert("OdooApplicationErrors", "warning", cluster="us"), alert("PostgresDeadlocks", db_instance="x")],
    ),
    "one Odoo of several, each a cluster of its own": (
        alert("OdooDown", service_name="odoo", cluster="shop"),
        [
            alert("OdooWorkersMissing", instance="shop:8069", cluster="shop"),
            alert("TargetMissing", job="odoo", cluster="shop"),
        ],
        [
            alert("OdooRequestQueueLong", "warning", instance="branch:8069", cluster="branch"),
            alert("PlatformAvailabilityBudgetBurnFast", cluster="branch"),
        ],
    ),
    "a GPU that is gone": (
        alert("GpuMissing", host="gpu-1"),
        [alert("GpuHot", "warning", host="gpu-1"), alert("GpuErrors", "warning", host="gpu-1")],
        [alert("GpuSaturated", host="gpu-2")],
    ),
    "PostgreSQL": (
        alert("PostgresDown", db_instance="db-1"),
        [
            alert(name)
            for name in (
                "OdooDown",
                "N8nDown",
                "OdooRequestsRefused",
                "CallbackUnavailable",
                "PlatformAvailabilityBudgetBurnFast",
            )
        ]
        + [
            alert("PostgresConnectionsCritical", db_instance="db-1"),
            alert("TargetMissing", job="influencegen-n8n"),
            alert("RegistrationSuccessRateLow", "warning"),
            alert("TelemetryErrors", "warning"),
            alert("TelemetryReadingStale", "warning", instance="odoo-1", database="influencegen"),
        ],
        [alert("BackupMissing"), alert("AiServiceDown"), alert("PostgresSlowQueries", "warning", db_instance="db-2")],
    ),
    "Odoo": (
        alert("OdooDown"),
        [
            alert("OdooWorkersMissing"),
            alert("CallbackSlow", "warning"),
            alert("AiImagesPending", "warning"),
            alert("TargetMissing", job="influencegen-fast"),
            # as docs/rules.md has it for any Odoo
            alert("TargetMissing", job="odoo"),
            # as docs/scaling.md has it for discovered servers
            alert("TargetMissing", job="odoo-by-dns"),
            alert("PlatformAvailabilityBudgetBurnFast"),
            alert("TelemetryReadingStale", "warning", instance="odoo-1", database="influencegen"),
        ],
        [alert("N8nDown"), alert("HostDown", host="web-1")],
    ),
    "n8n": (
        alert("N8nDown"),
        [
            alert("N8nQueueLong", "warning"),
            alert("WebhookUnavailable"),
            alert("CallbackUnavailable"),
            alert("WebhookErrorBudgetBurnFast"),
            alert("AiImageSuccessRateLow", "warning"),
            alert("TargetMissing", job="n8n"),
            alert("CircuitBreakerOpen", "warning", dependency="n8n_webhook"),
        ],
        [alert("OdooDown"), alert("KycServiceErrors", "warning")],
    ),
    "the queue of n8n": (
        alert("RedisDown"),
        [
            alert("N8nDown"),
            alert("N8nWorkersMissing"),
            alert("WebhookUnavailable"),
            alert("CallbackUnavailable"),
            alert("AiImageSuccessRateLow", "warning"),
            alert("TargetMissing", job="influencegen-n8n"),
        ],
        [alert("OdooDown"), alert("AiServiceDown")],
    ),
    "the AI service": (
        alert("AiServiceDown"),
        [
            alert("AiServiceErrorRateHigh"),
            alert("AiServiceSlow", "warning"),
            alert("AiImageGenerationP95High", "warning"),
            alert("AiServiceErrorBudgetBurnFast"),
            alert("CircuitBreakerOpen", "warning", dependency="aiservice"),
        ],
        [alert("N8nDown"), alert("GpuMissing", host="gpu-1")],
    ),
    "the KYC service": (
        alert("KycServiceDown", "warning"),
        [alert("KycServiceSlow", "warning"), alert("CircuitBreakerOpen", "warning", dependency="kyc")],
        [alert("KycQueueOld", "warning")],
    ),
    "failing calls, and what they do to the circuit and the budget": (
        alert("AiServiceErrorRateHigh"),
        [
            alert("CircuitBreakerOpen", "warning", dependency="aiservice"),
            alert("AiServiceErrorBudgetBurnFast", slo="aiservice"),
            alert("AiServiceUnavailable", "warning", slo="aiservice"),
        ],
        [alert("AiImageSuccessRateLow", "warning")],
    ),
    "the fast burn of a budget, and the availability it is of": (
        alert("WebhookErrorBudgetBurnFast"),
        [alert("WebhookUnavailable")],
        [alert("CallbackUnavailable")],
    ),
    "no connections, and none soon": (
        alert("PostgresConnectionsCritical", db_instance="db-1"),
        [alert("PostgresConnectionsRunOutSoon", "warning", db_instance="db-1")],
        [alert("PostgresDeadlocks", "warning", db_instance="db-1")],
    ),
    "a full disk, and one that will be": (
        alert("DiskSpaceCritical", mount_point="/", **HOST),
        [alert("DiskFullSoon", "warning", mount_point="/", **HOST)],
        [alert("PostgresConnectionsRunOutSoon", "warning", db_instance="db-1")],
    ),
}


@pytest.mark.parametrize("source, targets, others", CASES.values(), ids=CASES)
def test_a_cause_silences_its_consequences_alone(oncall, source, targets, others):
    assert silenced(oncall, source, targets, others) == {target["alertname"] for target in targets}


def test_the_circuit_of_another_dependency_is_notified(oncall):
    payment = alert("CircuitBreakerOpen", "warning", dependency="payment")
    assert silenced(oncall, alert("AiServiceDown"), [], [payment]) == set()


def test_what_was_silent_is_notified_when_the_cause_is_gone(oncall):
    down, wrong = alert("OdooDown"), alert("OdooWorkersMissing")
    assert silenced(oncall, down, [wrong])
    oncall.raise_alerts(down, resolved=True)
    oncall.wait_for("OdooWorkersMissing", ("pager", "chat"))


PAIRS = [
    ("HostCpuHigh", "HostCpuCritical", {"host": "db-1"}, {"host": "web-1"}),
    ("HostMemoryHigh", "HostMemoryCritical", {"host": "db-1"}, {"host": "web-1"}),
    (
        "DiskSpaceLow",
        "DiskSpaceCritical",
        {"host": "db-1", "mount_point": "/"},
        {"host": "db-1", "mount_point": "/srv"},
    ),
    ("DiskBusy", "DiskSaturated", {"host": "db-1", "device": "sda"}, {"host": "db-1", "device": "sdb"}),
    ("NetworkBusy", "NetworkSaturated", {"host": "db-1", "device": "eth0"}, {"host": "db-1", "device": "eth1"}),
    ("GpuBusy", "GpuSaturated", {"host": "gpu-1", "gpu": "0"}, {"host": "gpu-1", "gpu": "1"}),
    ("GpuMemoryHigh", "GpuMemoryCritical", {"host": "gpu-1", "gpu": "0"}, {"host": "gpu-1", "gpu": "1"}),
    ("PostgresConnectionsHigh", "PostgresConnectionsCritical", {"db_instance": "db-1"}, {"db_instance": "db-2"}),
    *(
        (f"{name}BudgetBurnSlow", f"{name}BudgetBurnFast", {}, None)
        for name in ("WebhookError", "CallbackError", "AiServiceError", "PlatformAvailability", "AiImageLatency")
    ),
]


IDENTITY = ("alertname", "host", "mount_point", "device", "gpu", "db_instance")


def identity(labels):
    return tuple(labels.get(name, "") for name in IDENTITY)


def fire(oncall, alerts):
    """Let a Prometheus with the project's configuration fire alerts, and wait until Alertmanager has them all."""
    folder = oncall.layout.state
    path = folder / "rules.yml"
    configuration = yaml.safe_load((folder / "prometheus.yml").read_text())
    configuration |= {"rule_files": [str(path)], "scrape_configs": []}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    server = oncall.start("prometheus")
    # what fires before Prometheus has found Alertmanager is sent a minute later
    until(lambda: oncall.found_by_prometheus(), "Prometheus has found Alertmanager")
    rules = [
        {
            "alert": labels["alertname"],
            "expr": "vector(1)",
            "labels": {name: value for name, value in labels.items() if name != "alertname"},
        }
        for labels in alerts
    ]
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "interval": "1s", "rules": rules}]}))
    server.send_signal(signal.SIGHUP)
    until(lambda: len(oncall.alerts()) == len(alerts), "Prometheus has sent all alerts")


def test_the_critical_alert_silences_its_warning_on_the_same_thing_alone(oncall):
    """Prometheus sends these, with the labels of their rules."""
    silent = [alert(warning, "warning", **same) for warning, _, same, _ in PAIRS]
    notified = [alert(critical, **same) for _, critical, same, _ in PAIRS]
    notified += [alert(warning, "warning", **other) for warning, _, _, other in PAIRS if other]
    fire(oncall, [*silent, *notified])
    until(lambda: {labels["alertname"] for labels in notified} <= oncall.names(), "the others are notified")
    suppressed = {identity(labels) for labels in oncall.alerts("suppressed")}
    assert suppressed == {identity({"host": labels.get("db_instance", ""), **labels}) for labels in silent}


def test_a_database_is_inhibited_with_the_host_that_it_is_named_after(oncall):
    fire(
        oncall,
        [
            alert("HostDown", host="db-1", service_name="shared"),
            alert("PostgresDown", db_instance="db-1"),
            alert("PostgresReplicationLag", "warning", db_instance="db-2"),
        ],
    )
    until(lambda: {"HostDown", "PostgresReplicationLag"} <= oncall.names(), "the others are notified")
    assert {labels["alertname"] for labels in oncall.alerts("suppressed")} == {"PostgresDown"}


def test_each_pair_of_the_rules_is_tried():
    pairs = {}
    for name, labels in DECLARED.items():
        if "pair" in labels:
            pairs.setdefault(labels["pair"], {})[labels["severity"]] = name
    assert {(names["warning"], names["critical"]) for names in pairs.values()} == {
        (warning, critical) for warning, critical, *_ in PAIRS
    }
