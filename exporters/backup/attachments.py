"""Odoo's attachments: which of them should be in the filestore, and whether they are."""

import logging
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import psycopg2

from exporters.backup import files
from exporters.backup.errors import BackupError

log = logging.getLogger(__name__)

# Odoo names a file after the SHA-1 digest of its content.
DIGEST = re.compile(r"[0-9a-f]{40}")
# The attachments with a file: all others have their content in a column of the row, or have none. Addons for object
# stores write s3://… into the column of the file's name; Odoo's own addon for cloud storage sets the type of the
# attachment.
STORED = """
    SELECT DISTINCT CASE WHEN type = 'cloud_storage' THEN type || '://' || id ELSE store_fname END, checksum
    FROM public.ir_attachment WHERE store_fname <> '' OR type = 'cloud_storage'
"""


class Elsewhere(NamedTuple):
    """Attachments in other stores than the filestore: how many there are, and how many of them are not listed."""

    total: int
    unlisted: int


def check(cursor: psycopg2.extensions.cursor, filestore: Path, listed: Collection[str]) -> Elsewhere:
    """Return how many attachments are in other stores, and how many of them `listed` lacks; their stores are logged.

    Raise BackupError, naming a file, unless each of the remaining attachments is in `filestore` with the right content:
    its digest is the checksum in the database or, without one, the digest in the file's name. A file with neither only
    has to exist.
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
            wrong.append(f"the content of {name} does not match its checksum")
    if wrong:
        raise BackupError(f"missing or damaged attachment files in the filestore: {len(wrong)}, such as: {wrong[0]}")
    unlisted = {store: number for store, number in sorted(stores.items()) if store not in listed}
    if unlisted:
        log.warning(
            "Attachments are in stores that this backup does not reach (%s): back those up by other means, and name "
            "them in `elsewhere`",
            ", ".join(f"{number} in {store}" for store, number in unlisted.items()),
        )
    return Elsewhere(stores.total(), sum(unlisted.values()))


def _digest(path: Path, checksum: str | None) -> str:
    """Return the digest that a file must have: that of its row, else that in its name, else its current one."""
    return checksum or (path.name if DIGEST.fullmatch(path.name) else files.digest(path, "sha1"))
