"""Telemetry: can the figures of all other dashboards be relied on, and what do they cost?"""

from . import variables
from .frame import Page
from .palette import CRITICAL
from .panels import NONE, bars, figure, series
from .queries import BUSINESS, SYSTEM, Query, or_none

_OF_INSTANCE = 'instance=~"$instance"'
_NO_SPEC = "not in it; the risk of misleading metrics, and of what collecting them costs"

_FIRST = (
    figure(
        "Targets down",
        Query("count(up == 0) or 0 * max(up)", every=BUSINESS),
        "none",
        spec=_NO_SPEC,
        says="What Prometheus asks and gets no answer from. What it tells of is not seen, on any dashboard.",
        empty="Prometheus scrapes nothing: look at its log.",
        alerts=("TargetMissing",),
        words=NONE,
    ),
    figure(
        "Audit differences",
        Query("max(odoo_telemetry_audit_missing_rows + odoo_telemetry_audit_extra_rows)", every=BUSINESS),
        "none",
        spec=_NO_SPEC,
        says="Rows that are missing in the ledger or no longer in the database, of the fact with the most, by the "
        "last complete audit. Any row means that a table was changed without its triggers.",
        empty="Odoo is not scraped.",
        decimals=0,
        alerts=("TelemetryDisagreesWithDatabase",),
        words=NONE,
    ),
    figure(
        "Telemetry's errors",
        Query(
            or_none(f"sum(increase(odoo_telemetry_errors_total{{{_OF_INSTANCE}}}[15m]))", "influencegen-system"),
            every=SYSTEM,
        ),
        "none",
        spec=_NO_SPEC,
        says="In the last 15 minutes. Each costs a value, never a request. Odoo's log has one line a minute about "
        "them.",
        empty="Odoo is not scraped.",
        decimals=0,
        alerts=("TelemetryErrors",),
        words=NONE,
    ),
    figure(
        "Labels without room",
        Query(or_none("sum(increase(odoo_telemetry_labels_folded_total[1h]))", "influencegen-system"), every=SYSTEM),
        "none",
        spec=_NO_SPEC,
        says="How often a value became `other` in the last hour, because its label had too many. Find out below "
        "which label, and raise its limit in Settings, Telemetry, if its values are worth it.",
        empty="Odoo is not scraped.",
        decimals=0,
        alerts=("LabelOverflow",),
        words=NONE,
    ),
    figure(
        "Rules that fail",
        Query("sum(increase(prometheus_rule_evaluation_failures_total[5m]))", every=BUSINESS),
        "none",
        spec=_NO_SPEC,
        says="Evaluations that failed in the last 5 minutes: alerts that rest on them are blind.",
        empty="Prometheus does not scrape itself.",
        decimals=0,
        alerts=("RuleEvaluationFailing",),
        words=NONE,
    ),
    figure(
        "Undelivered alerts",
        Query("sum(increase(alertmanager_notifications_failed_total[5m]))", every=BUSINESS),
        "none",
        spec=_NO_SPEC,
        says="Notifications that failed in the last 5 minutes. Nobody may know what is wrong: look at the receivers.",
        empty="Alertmanager is not scraped.",
        decimals=0,
        alerts=("NotificationsFailing",),
        runbooks=("AlertmanagerUnreachable",),
        words=NONE,
    ),
)

_COST = (
    bars(
        "Which scrapes take longest?",
        [Query("topk(5, max by (job) (avg_over_time(scrape_duration_seconds[10m])))", "{{job}}", BUSINESS)],
        "s",
        spec=_NO_SPEC,
        says="The five jobs whose scrapes took longest, on average over 10 minutes. Odoo's workers answer meanwhile. "
        "If it grows with time, or with the number of workers that ever ran, something is wrong with the shared "
        "values.",
        empty="Prometheus scrapes nothing: look at its log.",
        alerts=("ScrapeSlow",),
    ),
    bars(
        "Which jobs have the most series?",
        [Query("topk(5, sum by (job) (scrape_samples_post_metric_relabeling))", "{{job}}", BUSINESS)],
        "none",
        spec=_NO_SPEC,
        says="What Prometheus holds in memory grows with it. A sudden rise: a label took many values, see below which.",
        empty="Prometheus scrapes nothing: look at its log.",
        runbooks=("LabelOverflow",),
    ),
    bars(
        "Which labels have the most values?",
        [Query("topk(5, max by (label) (odoo_telemetry_label_values))", "{{label}}", SYSTEM)],
        "none",
        spec=_NO_SPEC,
        says="The five labels that took most values, of any of Odoo's databases.",
        empty="Odoo is not scraped.",
        runbooks=("LabelOverflow",),
    ),
    series(
        "How large is each worker's answer?",
        [
            Query(f"max(odoo_telemetry_series{{{_OF_INSTANCE}}})", "values in the shared store", SYSTEM),
            Query(f"max(odoo_telemetry_slots{{{_OF_INSTANCE}}})", "slots of workers", SYSTEM),
        ],
        "none",
        width=12,
        spec=_NO_SPEC,
        says="Slots stay as many as workers run at once: if they grow as workers are recycled, one holds its slot.",
        empty="Odoo is not scraped.",
    ),
)

_TRUTH = (
    bars(
        "Audit progress",
        [
            Query(
                "100 * min by (fact) (max by (database, fact) (odoo_telemetry_audit_progress_ratio))",
                "{{fact}}",
                BUSINESS,
            )
        ],
        "percent",
        width=8,
        most=100,
        spec=_NO_SPEC,
        says="Share of the rows that the current audit of each fact has compared with the ledger, in the database "
        "that is furthest behind. The audit takes a second of each minute, begins again when it has completed, "
        "and must complete within days.",
        empty="Odoo is not scraped.",
        runbooks=("TelemetryAuditStale",),
    ),
    series(
        "Ledger",
        [
            Query("sum(max by (database) (odoo_telemetry_ledger_backlog))", "backlog", BUSINESS),
            Query("sum(telemetry:facts_carried_over:increase_1h)", "carried over (1 h)", BUSINESS, CRITICAL),
        ],
        "none",
        spec=_NO_SPEC,
        says="Backlog: entries that are not rolled up; a scrape rolls up what it finds, so it stays near 0. Carried "
        "over: facts that counters include although a restore removed them from the database, in the hour before "
        "each moment.",
        empty="Odoo is not scraped.",
        alerts=("TelemetryLedgerBacklog",),
        runbooks=("TelemetryDatabaseRestored",),
    ),
    series(
        "Age of the database reading",
        [
            Query(f"max(odoo_telemetry_database_read_age_seconds{{{_OF_INSTANCE}}})", "age", BUSINESS),
            Query(f"max(odoo_telemetry_database_read_duration_seconds{{{_OF_INSTANCE}}})", "duration", BUSINESS),
        ],
        "s",
        spec=_NO_SPEC,
        says="Age of the values that are read from the database, and the time that the last reading took. It is read "
        "again after 25 s when Odoo is scraped; older values mean that the reading fails or takes too long.",
        empty="Odoo is not scraped.",
        alerts=("TelemetryReadingStale",),
    ),
    series(
        "Is the long-term storage up to date?",
        [
            Query('sum(prometheus_remote_storage_samples_pending{remote_name="5m"})', "for 90 days", BUSINESS),
            Query('sum(prometheus_remote_storage_samples_pending{remote_name="1h"})', "for 2 years", BUSINESS),
        ],
        "none",
        spec=_NO_SPEC,
        says="Samples that wait to be sent to each tier. They come all at once, every 5 minutes and every hour, and "
        "must be gone soon after. Prometheus holds what waits for two hours.",
        empty="Prometheus does not scrape itself, or has no long-term storage.",
        runbooks=("LongTermStorageBehind",),
    ),
    series(
        "What goes wrong in telemetry?",
        [
            Query(
                f"sum by (reason) (increase(odoo_telemetry_errors_total{{{_OF_INSTANCE}}}[15m])) > 0",
                "{{reason}}",
                SYSTEM,
                CRITICAL,
            ),
        ],
        "none",
        spec=_NO_SPEC,
        says="Errors in the 15 minutes before each moment, by their kind.",
        empty="No error in this time.",
        runbooks=("TelemetryErrors",),
    ),
    bars(
        "Which rules take longest?",
        [
            Query(
                "topk(5, sum by (rules) (label_replace(prometheus_rule_group_last_duration_seconds, "
                '"rules", "$1", "rule_group", ".*/([^/;]+)[.]yml;.*")))',
                "{{rules}}",
                BUSINESS,
            )
        ],
        "s",
        width=8,
        spec=_NO_SPEC,
        says="The five files of rules whose groups took longest in all when they were last evaluated. "
        "It must stay well below their interval.",
        empty="Prometheus does not scrape itself.",
        runbooks=("RuleEvaluationFailing",),
    ),
)

PAGE = Page(
    uid="telemetry",
    title="Telemetry Self-Health",
    audience="Platform Administrators, Operations Team",
    answers="Can the figures of all other dashboards be relied on, and what do they cost?",
    refresh="1m",
    shows="6h",
    team="platform",
    choices=(variables.instance,),
    rows={"Is it all right?": _FIRST, "What does it cost?": _COST, "Are the figures true?": _TRUTH},
)
