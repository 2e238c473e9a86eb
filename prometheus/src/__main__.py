"""`make rules`: write prometheus/rules/ anew, or say what is wrong with thresholds.yml and leave all as it is."""

from pathlib import Path

from . import recording
from .rules import render

RULES = Path(__file__).parents[1] / "rules"


def main():
    texts = {name: render(groups) for name, groups in recording.files(125e6).items()}
    for path in RULES.glob("*.yml"):
        path.unlink()
    for name, text in texts.items():
        (RULES / f"{name}.yml").write_text(text)


if __name__ == "__main__":
    main()
