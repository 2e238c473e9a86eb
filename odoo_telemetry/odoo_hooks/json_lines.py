"""A log record as one line of JSON, without secrets; imported only when the log is to be JSON."""

import logging
import re
import threading
from datetime import UTC, datetime

from pythonjsonlogger.json import JsonFormatter

from . import request_id, tracing
from .http_layer import current_request

_MASK = "***"
_SECRET_NAMES = (
    r"[\w-]*(?:token|secret|passw(?:or)?d|signature|api[_-]?key|access[_-]?key|authorization|cookie)"
    r"|session_?id|sid|key"
)
_SECRETS = (
    # Authorization: Bearer …; also as a value of a dictionary's text
    re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]+"),
    # token=…, "password": "…", X-InfluenceGen-Signature: …; `key` only as a parameter, PostgreSQL's texts have it too
    re.compile(
        rf"(?i)(?P<kept>(?<![\w-])(?:{_SECRET_NAMES})(?:=|(?<!key)[\"']?\s*[:=]\s*)[\"']?)(?!bearer\b|basic\b)[^\s\"'&,;)}}]+"
    ),
    # https://user:password@host
    re.compile(r"(?P<kept>://[^\s/:@]*:)[^\s/@]+(?=@)"),
    # sha256=…, and what is as long as a SHA-256 digest or longer
    re.compile(r"(?P<kept>\bsha\d+=|\b)[0-9a-fA-F]{64,}\b"),
)


def masked(text):
    """Return ``text`` (str) with the values of what looks like a secret replaced by ``***``."""
    for secret in _SECRETS:
        text = secret.sub(rf"\g<kept>{_MASK}", text)
    return text


def _database(record):
    """Return the database (str) that a record is about, or None; in a thread that a request began, the request's."""
    thread, request = threading.current_thread(), current_request()
    names = getattr(record, "dbname", None), getattr(thread, "dbname", None), getattr(request, "db", None)
    return next((name for name in names if name and name != "?"), None)


class JsonLines(JsonFormatter):
    """Formats records as JSON with the fields that docs/tracing.md lists."""

    def add_fields(self, log_data, record, message_dict):
        """Put the fields of ``record`` into ``log_data``; extra fields of the caller are left out."""
        context = tracing.current()
        log_data.update(
            {
                "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
                "level": logging.getLevelName(record.levelno),
                "logger": record.name,
                "message": masked(record.getMessage()),
                "pid": record.process,
                "database": _database(record),
                "trace_id": f"{context.trace_id:032x}" if context else None,
                "span_id": f"{context.span_id:016x}" if context else None,
                "request_id": request_id.current.get(),
            }
        )
        for field, source in (("exception", "exc_info"), ("stack", "stack_info")):
            if message_dict.get(source):
                log_data[field] = masked(str(message_dict[source]))
