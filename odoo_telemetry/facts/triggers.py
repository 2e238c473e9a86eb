"""The triggers that write the ledger: the SQL that the catalogue's ``rows`` amount to.

A table has one function, which looks at all rows of a statement at once (transition tables,
https://www.postgresql.org/docs/current/sql-createtrigger.html), and compares each before and after: a row that became a
fact has an entry of +1, one that ceased to be a fact has one of -1, and one whose labels, value or moment changed has
both. So the entries of one row in one transaction add up to what the transaction made of it.

The function never fails the statement: an error is a warning in PostgreSQL's log, and the audit finds what is missing.
"""

import hashlib
from collections import defaultdict
from zlib import crc32

PREFIX = "telemetry_"
ENTRY = f"{PREFIX}entry"
FUNCTION = f"{PREFIX}note_"
"""What the names of the functions of tables begin with."""
INDEX = f"{PREFIX}at_"
"""What the names of the indexes on moments begin with."""
FOUND = """
SELECT obj_description(to_regproc(%(function)s), 'pg_proc'),
       ARRAY(SELECT tgname::text FROM pg_trigger
             WHERE tgfoid = to_regproc(%(function)s) AND tgrelid = to_regclass(quote_ident(%(table)s))
               AND tgenabled != 'D' ORDER BY 1)
"""
"""The definition that a function was made from, and the names of its triggers on a table that are enabled."""
_LONGEST_NAME = 63
_EVENTS = {"insert": "NEW TABLE AS new_rows", "delete": "OLD TABLE AS old_rows",
           "update": "NEW TABLE AS new_rows OLD TABLE AS old_rows"}  # fmt: skip
_COLUMNS = "(metric, amount, counts, res_id, labels, value, at)"
_SIGNATURE = "Telemetry, definition "


def condition(domain, alias):
    """Return the SQL for ``domain``, conditions on columns of the row ``alias`` that all hold; never NULL.

    :param domain: tuple of (column, operator, constant); the operators are ``=``, ``!=`` and ``in``, and False stands
        for no value, as in Odoo's domains
    :raises ValueError: for another operator
    """
    return " AND ".join(_condition(f'{alias}."{column}"', *rest) for column, *rest in domain) or "true"


def _condition(column, operator, value):
    if operator == "in":
        return f"coalesce({column} IN ({', '.join(map(_literal, value))}), false)"
    if operator not in ("=", "!="):
        raise ValueError(f"{operator} can't be a condition of a fact: use =, != or in")
    if value is False:
        return f"{column} IS NULL" if operator == "=" else f"{column} IS NOT NULL"
    return f"{column} IS {'NOT ' if operator == '=' else ''}DISTINCT FROM {_literal(value)}"


def _literal(value):
    """Return a constant of the catalogue as SQL."""
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))


def labels(rows, alias, table_of):
    """Return the SQL for the label values of the row ``alias`` as the text of a JSON list of texts.

    :param rows: the :class:`..metrics.catalogue.Rows`
    :param table_of: function that returns the table of a model, or that which a column of it refers to
    """
    values = (_label(name, alias, rows.model, table_of) for name in rows.labels)
    return f"json_build_array({', '.join(values)})::text" if rows.labels else "'[]'"


def _label(name, alias, model, table_of):
    if not name.startswith("."):
        return f"{_literal(name)}::text"
    column, _, related = name[1:].partition(".")
    value = f'{alias}."{column}"'
    if related:
        value = f'(SELECT r."{related}" FROM "{table_of(model, column)}" r WHERE r.id = {value})'
    return f"coalesce({value}::text, '')"


def _value(rows, alias):
    if isinstance(rows.value, tuple):
        begun, ended = rows.value
        return f'extract(epoch FROM {alias}."{ended}" - {alias}."{begun}")::float8'
    return f'{alias}."{rows.value}"::float8' if rows.value else "NULL::float8"


def moment(rows, alias):
    """Return the SQL for when the fact of the row ``alias`` happened (timestamp, UTC); NULL without ``at``."""
    if not rows.at:
        return "NULL::timestamp"
    columns = [f'{alias}."{column}"' for column in rows.at]
    # a single column without coalesce, so that Odoo's searches by the column can use the index, too
    return f"coalesce({', '.join(columns)})" if len(columns) > 1 else columns[0]


class TableTrigger:
    """The triggers of one table.

    :param str table: its name
    :param facts: list of (metric name, :class:`..metrics.catalogue.Rows`)
    :param table_of: as for :func:`labels`
    """

    def __init__(self, table, facts, table_of):
        self.table = table
        self.function = _identifier(f"{FUNCTION}{table}")
        self._facts, self._table_of = facts, table_of
        # a user's logins are counted and never taken back: Odoo deletes old rows of its log itself
        self._events = ("insert",) if all(rows.distinct for _name, rows in facts) else tuple(_EVENTS)

    @property
    def signature(self):
        """What identifies this definition, as the comment of the function."""
        return _SIGNATURE + hashlib.sha256("".join(self.statements("")).encode()).hexdigest()[:16]

    @property
    def names(self):
        """The names of the triggers, sorted."""
        return sorted(f"{PREFIX}{event}" for event in self._events)

    def statements(self, signature=None):
        """Return the list of statements that create the triggers, in place of those that exist."""
        signature = self.signature if signature is None else signature
        return [
            # whoever may write the row may have it counted
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path FROM CURRENT AS $body$\n{self._body()}$body$",
            f"COMMENT ON FUNCTION {self.function}() IS '{signature}'",
            *(f'DROP TRIGGER IF EXISTS {PREFIX}{event} ON "{self.table}"' for event in _EVENTS),
            *(
                f'CREATE TRIGGER {PREFIX}{event} AFTER {event.upper()} ON "{self.table}" REFERENCING {_EVENTS[event]}'
                f" FOR EACH STATEMENT EXECUTE FUNCTION {self.function}()"
                for event in self._events
            ),
        ]

    def _body(self):
        old, new = self._rows("o"), self._rows("n")
        write = f"INSERT INTO {ENTRY} (metric, res_id, labels, amount, value, at)"
        return f"""
BEGIN
    IF TG_OP = 'INSERT' THEN
        {write}
        SELECT f.metric, f.res_id, f.labels, f.amount, f.value, f.at
        FROM new_rows n CROSS JOIN LATERAL (VALUES {new}) AS f {_COLUMNS}
        WHERE f.counts;
    ELSIF TG_OP = 'DELETE' THEN
        {write}
        SELECT f.metric, f.res_id, f.labels, -f.amount, f.value, f.at
        FROM old_rows o CROSS JOIN LATERAL (VALUES {old}) AS f {_COLUMNS}
        WHERE f.counts AND f.amount > 0;
    ELSE
        -- no join: a plan that was made for one row would compare each row of a later statement with all others
        {write}
        SELECT metric, res_id, labels, amount, value, at
        FROM (
            SELECT *, count(*) OVER (PARTITION BY metric, res_id, labels, value, at) AS sides
            FROM (
                SELECT f.metric, f.res_id, f.labels, -1 AS amount, f.value, f.at
                FROM old_rows o CROSS JOIN LATERAL (VALUES {old}) AS f {_COLUMNS}
                WHERE f.counts AND f.amount > 0
                UNION ALL
                SELECT f.metric, f.res_id, f.labels, 1, f.value, f.at
                FROM new_rows n CROSS JOIN LATERAL (VALUES {new}) AS f {_COLUMNS}
                WHERE f.counts AND f.amount > 0
            ) AS facts
        ) AS compared
        WHERE sides = 1;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'Telemetry did not count facts of %: %', TG_TABLE_NAME, SQLERRM;
    RETURN NULL;
END
"""

    def _rows(self, alias):
        """Return the VALUES rows of all facts, as the row ``alias`` has them."""
        return ",\n            ".join(
            f"({_literal(name)}, {0 if rows.starts else 1}, {self._side(rows, alias)})" for name, rows in self._facts
        )

    def _side(self, rows, alias):
        # what only starts a series is about no row of the fact
        identity = "NULL::integer" if rows.starts else f'{alias}."{rows.distinct or "id"}"'
        return ", ".join(
            (condition(rows.domain, alias), identity, labels(rows, alias, self._table_of), _value(rows, alias),
             moment(rows, alias))
        )  # fmt: skip


def triggers(metrics, table_of):
    """Return a list of :class:`TableTrigger` for all ``metrics`` (:class:`..metrics.catalogue.Metric`) with rows."""
    facts = defaultdict(list)
    for metric in metrics:
        for rows in metric.rows:
            facts[table_of(rows.model)].append((metric.name, rows))
    return [TableTrigger(table, found, table_of) for table, found in sorted(facts.items())]


def selection(metric, rows, table, table_of, where):
    """Return the SELECT of (metric, res_id, labels, amount, value, at) of the rows that are facts now.

    :param where: SQL for a condition on the table's row ``t``
    """
    return f"""
        SELECT {_literal(metric.name)}::text, t."{rows.distinct or "id"}", {labels(rows, "t", table_of)}, 1,
            {_value(rows, "t")}, {moment(rows, "t")}::timestamp
        FROM "{table}" t WHERE {condition(rows.domain, "t")} AND {where}"""


def indexes(metrics, table_of):
    """Return {name: (table, SQL of the expression)} of the indexes that find the facts of ``metrics`` by moment."""
    found = {}
    for metric in metrics:
        for rows in metric.rows:
            if rows.at and not rows.distinct:
                table = table_of(rows.model)
                found[_identifier(f"{INDEX}{table}_{'_'.join(rows.at)}")] = (
                    table,
                    "({})".format(moment(rows, f'"{table}"')),
                )
    return found


def _identifier(whole):
    """Return ``whole``, or if that is too long for PostgreSQL, its beginning and a hash, as Odoo names indexes."""
    return whole if len(whole) <= _LONGEST_NAME else f"{whole[: _LONGEST_NAME - 9]}_{crc32(whole.encode()):08x}"
