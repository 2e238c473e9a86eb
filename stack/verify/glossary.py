"""The words of the project: docs/glossary.toml lists which are not used, and what is written instead.

`python -m stack.verify.glossary [FILE…]` lists where they are used: in texts, comments and identifiers, and in names of
files.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.layout import PROJECT

GLOSSARY = PROJECT / "docs" / "glossary.toml"

# where a sentence goes on in the next line: of prose, a comment or a string
_LINE_BREAK = re.compile(r"""[ \t]*["']?[ \t]*\n[ \t]*(?:[#*>]|//|--|[fr]?["'])?[ \t]*""")
_WORD_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


@dataclass(frozen=True)
class Term:
    """A term to avoid: a pattern that finds it in lower case, a pattern of allowed uses, and the replacement."""

    unused: re.Pattern[str]
    right: re.Pattern[str]
    use: str


@dataclass(frozen=True)
class Hit:
    """A term in a file, by its line; line 0 is the name of the file."""

    path: str
    line: int
    found: str
    use: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}: use {self.use}"


def read(path: Path = GLOSSARY) -> tuple[list[Term], re.Pattern[str]]:
    """Return the terms of the glossary, and what finds the paths of files that are not checked."""
    content = tomllib.loads(path.read_text())
    terms = [Term(_words(row["not"]), _words(row.get("except", [])), row["use"]) for row in content["terms"]]
    return terms, re.compile("|".join(content["files"]["unchecked"]))


def hits(path: str, text: str, terms: Iterable[Term]) -> Iterator[Hit]:
    """Yield the terms in the name of a file and in its text."""
    for first, content in ((0, path), (1, text)):
        words = _WORD_BREAK.sub(" ", _LINE_BREAK.sub("\n", content)).lower()
        for term in terms:
            for found in term.unused.finditer(words):
                around = (right.span() for right in term.right.finditer(words))
                if not any(start <= found.start() and found.end() <= end for start, end in around):
                    line = first + words.count("\n", 0, found.start())
                    yield Hit(path, line, " ".join(found[0].split()), term.use)


def check(paths: Iterable[str], project: Path = PROJECT) -> list[Hit]:
    """Return the terms that are used in files, by their paths in the project."""
    terms, unchecked = read()
    found: list[Hit] = []
    for path in paths:
        if not unchecked.search(path):
            found += hits(path, _text(project / path), terms)
    return found


def _text(path: Path) -> str:
    """Return the text of a file; of one that was deleted, of a link to a folder, and of what is not text, nothing."""
    try:
        return path.read_text() if path.is_file() else ""
    except UnicodeDecodeError:
        return ""


def _words(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of the phrases as whole words, also over the end of a line; without phrases, nothing."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases) or '(?!)'})(?!\w)".replace(" ", r"\s"))


def main() -> None:
    """Check the files that the arguments name, or all; end with 1 if a term is used."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    found = check(sys.argv[1:] or tracked.stdout.strip("\0").split("\0"))
    for hit in found:
        print(hit)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
