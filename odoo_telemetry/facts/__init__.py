"""Facts: database records that a metric counts, in the transaction that writes them.

Triggers on the tables of what is measured (``triggers.py``) write an entry to the ledger for each row that becomes a
fact, or ceases to be one. Entry and fact are of one transaction: PostgreSQL commits both or neither, whatever
savepoints there were, and whichever program wrote the row. A roll-up (``rollup.py``) moves entries into totals, once; a
reading adds the totals and the entries that are not rolled up yet, in one snapshot.
"""
