"""Where a transaction ends, and how a row is claimed inside one."""

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo.modules import module


def commit(cr):
    """Commit ``cr``; the cursor that a running test rolls back at its end is only flushed."""
    test = module.current_test
    if test and getattr(test, "cr", None) is cr:
        cr.flush()
    else:
        cr.commit()


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
