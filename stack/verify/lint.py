"""The style of the code, the addons and the prose, the glossary, the rules of Prometheus, and Compose."""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from stack.layout import ADDONS, PROJECT, Layout
from stack.services import prometheus

COMPOSE = PROJECT / "deploy" / "compose"


def lint(layout: Layout) -> bool:
    """Check the code, the addons, the prose, the rules of Prometheus and Compose; return whether no check failed."""
    promtool = prometheus.executable("promtool")
    rules = sorted((PROJECT / "prometheus" / "rules").glob("*.yml"))
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [sys.executable, "-m", "pylint", *ADDONS],
        [sys.executable, "-m", "codespell_lib"],
        [sys.executable, "-m", "stack.verify.glossary"],
        [sys.executable, "-m", "proselint", "check", *_prose()],
        [promtool, "check", "rules", *rules],
        [_beside("shellcheck"), "--shell=sh", *sorted(COMPOSE.glob("*.sh"))],
        [_beside("compose-lint"), "check", "--config", COMPOSE / "lint.yml", "--strict-config", "--fail-on=low",
         "--skip-suppressed", "--quiet", "docker-compose.yml"],
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        commands.append([_beside("hadolint"), "--config", COMPOSE / "hadolint.yaml", *_dockerfiles(Path(folder))])
        statuses = [subprocess.run(command, cwd=PROJECT).returncode for command in commands]
    return not any(statuses)


def _beside(program: str) -> Path:
    """Return a program that PyPI's packages put beside the interpreter."""
    return Path(sys.executable).parent / program


def _dockerfiles(folder: Path) -> list[Path]:
    """Return the Dockerfiles of Compose; those that are in docker-compose.yml itself are written into the folder."""
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        inline = service.get("build", {}).get("dockerfile_inline")
        if inline:
            (folder / f"{name}.Dockerfile").write_text(inline.replace("$$", "$"))
    return [*sorted(COMPOSE.glob("*.Dockerfile")), *sorted(folder.iterdir())]


def _prose() -> list[Path]:
    """Return the pages that people read, but not those that are generated or are the licenses of others."""
    folders = (PROJECT, PROJECT / "docs", *(PROJECT / "docs" / "runbooks").iterdir())
    return [page for folder in folders for page in sorted(folder.glob("*.md")) if page.name != "metrics.md"]
