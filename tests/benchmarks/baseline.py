"""The build that the working tree is compared with, checked out beside it, and how a comparison ends."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMIT = "7a6684de83354756ddde35ce4953a2eeecac9335"
"""The last build that counted facts after a transaction's commit, and read each sample of the store by itself."""

ROOT = Path(__file__).parents[2]


@contextmanager
def checkout() -> Iterator[Path]:
    """Yield a folder with the files of ``COMMIT``, deleted with the block.

    :raises subprocess.CalledProcessError: when the repository has not that commit: a shallow clone must be deepened.
    """
    archive = subprocess.run(["git", "-C", ROOT, "archive", COMMIT], check=True, stdout=subprocess.PIPE).stdout
    with tempfile.TemporaryDirectory(prefix="influencegen-baseline-") as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(place, filter="data")
        yield Path(place)


def bar(name: str, value: float, limit: float) -> None:
    """Print ``value`` beside the ``limit`` that it must not exceed, in a form that a script can judge."""
    print(f"bar: {name} {value:.4g} <= {limit:g}")
