"""The style of the code, the addons and the prose, and the rules of Prometheus."""

import subprocess
import sys
from pathlib import Path

from stack.layout import ADDONS, PROJECT, Layout
from stack.services import prometheus


def lint(layout: Layout) -> bool:
    """Check the code, the addons, the prose and the rules of Prometheus; say whether all is well."""
    promtool = prometheus.executable("promtool")
    rules = sorted((PROJECT / "prometheus" / "rules").glob("*.yml"))
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [sys.executable, "-m", "pylint", *ADDONS],
        [sys.executable, "-m", "codespell_lib"],
        [sys.executable, "-m", "proselint", "check", *_prose()],
        [promtool, "check", "rules", *rules],
    ]
    statuses = [subprocess.run(command, cwd=PROJECT).returncode for command in commands]
    return not any(statuses)


def _prose() -> list[Path]:
    """Return the pages that people read, but not those that are generated or are the licenses of others."""
    folders = (PROJECT, PROJECT / "docs", *(PROJECT / "docs" / "runbooks").iterdir())
    return [page for folder in folders for page in sorted(folder.glob("*.md")) if page.name != "metrics.md"]
