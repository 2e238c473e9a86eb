"""Facts: counted once, after the commit of the transaction that made them true.

A transaction's facts wait in a journal that its cursor drops when the transaction is rolled back, and that is cut back
to where it was when a savepoint is rolled back (``instrumentation/savepoints.py`` tells it). While they wait they are
*pending* in the shared store. A process that dies between the commit and the count leaves a fact uncounted; because
its pending ones end with it, :func:`missing` can tell such a fact from one that is about to be counted.
"""

from collections import Counter

from . import catalogue, store

_KEY = "influencegen_telemetry.facts"
_PENDING = "influencegen_telemetry_facts_pending"


class Journal:
    """The facts of one transaction, in order.

    Odoo drops it with the cursor's post-commit data however the transaction ends, which ends what was pending.
    """

    def __init__(self, database):
        self._database = database
        self._entries = []

    def __len__(self):
        return len(self._entries)

    def count(self, name, labels, amount):
        """Note that ``amount`` facts of the counter ``name`` became true."""
        self._entries.append((name, labels, amount, ()))
        store.add(_PENDING, amount, (name,), self._database)

    def observe(self, name, labels, value):
        """Note an observation of the histogram ``name``."""
        self._entries.append((name, labels, 0, (value,)))

    def cut(self, length):
        """Forget all but the first ``length`` facts."""
        while len(self._entries) > length:
            name, _labels, amount, _observed = self._entries.pop()
            if amount:
                store.add(_PENDING, -amount, (name,), self._database)

    def settle(self):
        """Count all facts: the transaction is committed."""
        for name, labels, amount, observed in self._entries:
            if observed:
                store.observe(name, *observed, labels, self._database)
            else:
                store.inc(name, labels, amount, self._database)
        self.cut(0)

    def __del__(self):
        self.cut(0)


def count(cr, name, labels=(), amount=1):
    """Count ``amount`` facts once the transaction of ``cr`` is committed, and not at all if it is not.

    :param cr: an Odoo cursor
    :param str name: a counter of the catalogue that has rows
    :param tuple labels: label values in the catalogue's order
    """
    _journal(cr).count(name, labels, amount)


def observe(cr, name, value, labels=()):
    """Observe ``value`` once the transaction of ``cr`` is committed; parameters as for :func:`count`."""
    _journal(cr).observe(name, labels, value)


def observe_between(cr, name, begun, ended):
    """Observe the seconds between two datetimes once the transaction of ``cr`` is committed.

    A missing one (None or False) is no error of the business: the observation is dropped and counted as an error.
    """
    observe(cr, name, (ended - begun).total_seconds() if begun and ended else None)


def journal_length(cr):
    """Return how many facts wait for the commit of ``cr``."""
    journal = cr.postcommit.data.get(_KEY)
    return len(journal) if journal else 0


def cut_journal(cr, length):
    """Forget all but the first ``length`` facts that wait for the commit of ``cr``."""
    journal = cr.postcommit.data.get(_KEY)
    if journal:
        journal.cut(length)


def missing(database, rows):
    """Tell which committed facts have not been counted, and surely will not be.

    :param str database: where the rows were read
    :param dict rows: {counter name: {labels: number of rows}}, read before this call
    :return: {(counter name, labels): number of facts to count}. A fact in ``rows`` was pending before it was committed,
        so it is counted, or still pending, or lost. Pending is read before counted: the result is never too large.
    """
    pending = store.read()[0]
    counted = store.read()[0]
    gaps = {}
    for name, numbers in rows.items():
        expected = Counter()
        for labels, number in numbers.items():
            expected[store.bounded(catalogue.METRICS[name], labels, database, count=False)] += number
        open_facts = pending.get((_PENDING, database, (name,), ""), 0.0)
        for labels, number in expected.items():
            gap = number - counted.get((name, database, labels, ""), 0.0) - open_facts
            if gap > 0:
                gaps[name, labels] = gap
    return gaps


def _journal(cr):
    journal = cr.postcommit.data.get(_KEY)
    if journal is None:
        journal = cr.postcommit.data[_KEY] = Journal(cr.dbname)
        cr.postcommit.add(journal.settle)
    return journal
