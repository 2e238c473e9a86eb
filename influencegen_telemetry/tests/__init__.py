from importlib.util import find_spec

from . import (
    test_access,
    test_audit,
    test_copies,
    test_custom_metric,
    test_facts,
    test_hook_api,
    test_interactions,
    test_kill,
    test_ledger,
    test_metric,
    test_migrations,
    test_n8n_health,
    test_overview,
    test_reading,
    test_settings,
    test_translations,
    test_uninstall,
)

if find_spec("hypothesis"):
    from . import test_hostile_requests
