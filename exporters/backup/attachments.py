"""Odoo's attachments: which of them should be in the filestore, and whether they are."""

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import psycopg2

from exporters.backup import files
from exporters.backup.errors import Failed

# Odoo names a file after the SHA-1 digest of its content.
DIGEST = re.compile(r"[0-9a-f]{40}")
# The content of the others is a column of their row, or there is none. Addons for object stores write s3://… into the
# column of the file's name; Odoo's own for clouds has a type of attachments.
STORED = """
    SELECT DISTINCT CASE WHEN type = 'cloud_storage' THEN type || '://' || id ELSE store_fname END, checksum
    FROM public.ir_attachment WHERE store_fname <> '' OR type = 'cloud_storage'
"""


def check(cursor: psycopg2.extensions.cursor, filestore: Path, elsewhere: Collection[str]) -> int:
    """Return how many attachments are in stores that `elsewhere` names; raise Failed if one is in yet another.

    Raise Failed too, naming a file, unless all others are in the folder with the content they should have: that of the
    checksum in the database or, if there is none, of the file's name. A file that has neither need only be there.
    """
    cursor.execute(STORED)
    wrong: list[str] = []
    stores: Counter[str] = Counter()
    for name, checksum in cursor.fetchall():
        store, separator, _key = name.partition("://")
        path = filestore / name
        if separator:
            stores[store] += 1
        elif not path.is_file():
            wrong.append(f"{name} is missing")
        elif files.digest(path, "sha1") != _digest(path, checksum):
            wrong.append(f"the content of {name} is not the one that the database has the checksum of")
    if unknown := stores.keys() - elsewhere:
        told = ", ".join(f"{stores[store]} in {store}" for store in sorted(unknown))
        raise Failed(
            f"attachments are in stores that this backup does not reach ({told}): back those up by other "
            "means, and name them in `elsewhere`"
        )
    if wrong:
        raise Failed(f"{len(wrong)} attachments are not in the filestore as they should be: {wrong[0]}")
    return stores.total()


def _digest(path: Path, checksum: str | None) -> str:
    """Return the digest that the content of a file must have: its own, if nothing says which."""
    return checksum or (path.name if DIGEST.fullmatch(path.name) else files.digest(path, "sha1"))
