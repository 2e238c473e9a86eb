from importlib.util import find_spec

from . import (
    test_access,
    test_alert,
    test_audit,
    test_browser,
    test_copies,
    test_declarations,
    test_facts,
    test_health,
    test_instrumentation_api,
    test_instrumentation_cron,
    test_instrumentation_errors,
    test_instrumentation_http,
    test_instrumentation_logs,
    test_instrumentation_orm_cache,
    test_instrumentation_patch,
    test_instrumentation_presence,
    test_instrumentation_queue,
    test_instrumentation_retries,
    test_instrumentation_routes,
    test_instrumentation_tracing,
    test_kill,
    test_ledger,
    test_metric,
    test_metrics_endpoint,
    test_overview,
    test_own_counters,
    test_own_metric,
    test_own_scrape,
    test_reading,
    test_settings,
    test_tour,
    test_translations,
)

if find_spec("hypothesis"):
    from . import test_hostile_requests
