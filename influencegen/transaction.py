"""Transactions of their own, and how a row is claimed inside one.

What must be committed although the rest is not done yet is committed on a cursor of its own. The caller's is never
committed: in a job of queue_job that is forbidden, and elsewhere the caller may have something else at stake.
"""

from contextlib import contextmanager

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo.modules import module


@contextmanager
def apart(env):
    """Have the block do its work with a cursor of its own, committed at its end; a running test has but one."""
    if _is_of_test(env.cr):
        yield env.cr
    else:
        with env.registry.cursor() as cr:
            yield cr


@contextmanager
def own(records):
    """Yield ``records`` on a cursor of their own: committed at the end of the block, rolled back when it raises."""
    # on one connection, as in tests, the block sees pending writes, and the caller what the block wrote
    records.env.flush_all()
    with apart(records.env) as cr:
        yield records.with_env(records.env(cr=cr))
    records.invalidate_recordset()


def _is_of_test(cr):
    test = module.current_test
    return bool(test) and getattr(test, "cr", None) is cr


def claim(record, wait=False):
    """Lock the row of ``record`` until the transaction ends.

    :param wait: wait for another holder to end, instead of giving up at once
    :return: True; False if another transaction holds the row, or changed it since this one began
    """
    cr = record.env.cr
    record.flush_recordset()
    query = f'SELECT 1 FROM "{record._table}" WHERE id = %s FOR UPDATE' + ("" if wait else " NOWAIT")
    try:
        with cr.savepoint(flush=False):
            cr.execute(query, [record.id], log_exceptions=False)
            locked = bool(cr.rowcount)
    except (LockNotAvailable, SerializationFailure):
        return False
    record.invalidate_recordset()
    return locked
