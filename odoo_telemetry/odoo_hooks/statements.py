"""SQL statements as spans show them: by OpenTelemetry's conventions for databases, and without any value.

Odoo passes most values apart from the statement, but not all: psycopg2's ``execute_values`` writes them into it, and so
do authors of SQL. Literals, comments, and how many values a list has are taken out of every statement.
"""

import functools
import re
from typing import NamedTuple

from odoo.tools import SQL

_LONGEST_READ = 10_000
_LONGEST_SHOWN = 1_000
_LITERALS = re.compile(
    r"""
    /\*.*?(?:\*/|\Z) | --[^\n]*                          # comments
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)              # $$text$$
    | \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)                   # E'text', in which a backslash escapes
    | (?:\b[bBxXnN])?'(?:[^']|'')*(?:'|\Z)
    | (?P<name>"(?:[^"]|"")*(?:"|\Z))                     # names stay
    | (?<![\w$.])\d[\w.]*(?:(?<=[eE])[+-]\d+)?
    | %s | %\(\w+\)s
    """,
    re.DOTALL | re.VERBOSE,
)
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")
_ROWS = re.compile(r"\(\?\)(?:\s*,\s*\(\?\))+")
_OPERATION = re.compile(r"[\s(]*([A-Za-z]+)")
_COLLECTION = re.compile(r"""\b(?:FROM|INTO|UPDATE)\s+(?:ONLY\s+)?"?([A-Za-z_]\w*)"?(?![\w(.]|\s*\()""", re.IGNORECASE)


class Statement(NamedTuple):
    """What a span shows of a statement: its name, and its attributes ({name: value}); both without values."""

    name: str
    attributes: dict


def describe(query):
    """Return the :class:`Statement` of ``query`` (str, bytes, :class:`odoo.tools.SQL` or psycopg2's Composable)."""
    if isinstance(query, SQL):
        query = query.code
    if isinstance(query, bytes):
        query = query[:_LONGEST_READ].decode(errors="replace")
    return _described(query[:_LONGEST_READ] if isinstance(query, str) else "")


@functools.lru_cache(512)
def _described(text):
    text = " ".join(_LITERALS.sub(lambda found: found["name"] or "?", text).split())
    text = _ROWS.sub("(?)", _LIST.sub("?", text))[:_LONGEST_SHOWN]
    operation, collection = _OPERATION.match(text), _COLLECTION.search(text)
    attributes = {"db.query.text": text}
    if operation:
        attributes["db.operation.name"] = operation[1].upper()
    if collection:
        attributes["db.collection.name"] = collection[1]
    name = " ".join(attributes[key] for key in ("db.operation.name", "db.collection.name") if key in attributes)
    return Statement(name or "SQL", attributes)
