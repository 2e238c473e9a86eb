"""Polls of the web client, which must not keep the session of an idle user alive.

OCA's ``auth_session_timeout`` ends idle sessions, by the modification time of the session file. It can ignore
requests by their path. Without that addon, nothing is changed.
"""

import functools

POLLS = (
    "/web/dataset/call_kw/telemetry.alert/read_firing",
    "/web/dataset/call_kw/telemetry.overview/read_tiles",
    "/web/dataset/call_kw/telemetry.overview/read_monitoring",
)
"""What pages request each minute, whether or not their user is active."""
_IGNORED = "_auth_timeout_get_ignored_urls"


def ignore_polls(registry):
    """Have ``auth_session_timeout`` ignore polls in ``registry``, where it is installed."""
    users = registry["res.users"]
    ignored = getattr(users, _IGNORED, None)
    if ignored is None or hasattr(ignored, "telemetry_original"):
        return

    @functools.wraps(ignored)
    def with_polls(self):
        return [*with_polls.telemetry_original(self), *POLLS]

    with_polls.telemetry_original = ignored
    setattr(users, _IGNORED, with_polls)


def is_ignored(registry, path):
    """Return whether a request for ``path`` (str) is a poll, and the database of ``registry`` ends idle sessions."""
    return path in POLLS and hasattr(registry["res.users"], _IGNORED)
