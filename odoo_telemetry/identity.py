"""The identity of a database: it survives renaming and restoring, and differs in a copy.

Odoo gives a copy that it makes another ``database.uuid``. A copy that PostgreSQL makes keeps the uuid, but has another
place (cluster and OID) and another name. A renamed database keeps its place, a restored one its name. A copy on another
server under the same name can't be distinguished from the original, because a restored original looks the same.
"""

NOW = """
SELECT uuid.value || ' ' || system_identifier || '/' || pg_database.oid || ' ' || datname
  FROM pg_control_system(), pg_database, ir_config_parameter uuid
 WHERE datname = current_database() AND uuid.key = 'database.uuid'
"""
"""The query for the identity of the database as it is now: uuid, place and name, separated by spaces."""


def is_same(noted, now):
    """Return whether a database whose identity was ``noted`` (str) is the one whose identity is ``now`` (str)."""
    noted, now = noted.split(" ", 2), now.split(" ", 2)
    return noted[0] == now[0] and (noted[1:2] == now[1:2] or noted[2:] == now[2:])
