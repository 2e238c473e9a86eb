"""Where a transaction ends, and how a row is claimed inside one."""

from contextlib import contextmanager

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo.modules import module


def commit(cr):
    """Commit ``cr``; the cursor that a running test rolls back at its end is only flushed."""
    if _is_of_test(cr):
        cr.flush()
    else:
        cr.commit()  # pylint: disable=invalid-commit


@contextmanager
def apart(env):
    """Have the block do its work with a cursor of its own, committed at its end; a running test has but one."""
    if _is_of_test(env.cr):
        yield env.cr
    else:
        with env.registry.cursor() as cr:
            yield cr


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
