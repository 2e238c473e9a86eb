"""A test notices each change that `make mutations` makes to the alerts of `SAMPLE`."""

import pytest

from . import mutations

SAMPLE = ("HostMemoryCritical", "PostgresConnectionsHigh", "OdooCacheHitRatioLow", "WebhookSlow", "BackupJobFailed")


@pytest.mark.parametrize("alert", SAMPLE)
def test_a_changed_threshold_or_duration_is_noticed(alert):
    changes = list(mutations.mutants(alert))
    assert len(changes) > 3
    assert not [what for what, rule in changes if mutations.survives(alert, rule)]
