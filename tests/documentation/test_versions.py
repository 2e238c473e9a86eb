"""docs/versions.md has the pins of Compose, and the versions that the tests pin."""

import json
import re

import pytest

from stack.layout import PROJECT
from stack.services import n8n

TEXT = (PROJECT / "docs" / "versions.md").read_text()
COMPOSE = "\n".join(
    path.read_text()
    for path in (PROJECT / "docker-compose.yml", *(PROJECT / "deploy" / "compose").glob("*.Dockerfile"))
)
# Written once: in the package.json that the tests install it by.
N8N = "its package.json"


def table():
    """Compose's pin, what is tested, and the reason, by image."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:2] == "| "]
    return {row[1].strip("`"): (row[2], row[3], row[5]) for row in rows if len(row) == 6 and row[1].startswith("`")}


def pins():
    """The tags of the images that Compose runs or builds on, by image; those that it builds itself left out."""
    found = {}
    for image, tag in re.findall(r"(?:image: |FROM |--from=)([\w./-]+):(\S+)", COMPOSE):
        if not image.startswith("influencegen-"):
            found.setdefault(image, set()).add(tag)
    return found


def test_it_has_the_pin_of_each_image():
    version = json.loads((n8n.PACKAGE / "package.json").read_text())["dependencies"]["n8n"]
    assert pins() == {image: {version if pin == N8N else pin} for image, (pin, _, _) in table().items()}


@pytest.mark.parametrize(
    "image, package, dependency",
    [
        ("grafana/grafana", "tests/dashboards/schema", "@grafana/schema"),
        ("postgres", "tests/exporters/postgres_versions", "postgres-17"),
        ("postgres", "tests/exporters/postgres_versions", "postgres-18"),
    ],
)
def test_it_has_what_npm_provides(image, package, dependency):
    pinned = json.loads((PROJECT / package / "package.json").read_text())["dependencies"][dependency]
    [version] = re.findall(r"(\d+(?:\.\d+)+)(?:-beta.*)?$", pinned)
    # the packages of PostgreSQL add a third number to its two
    assert (version.removesuffix(".0") if image == "postgres" else version) in table()[image][1]


def test_what_is_tested_and_pinned_alike_says_so():
    for image, (pin, tested, why) in table().items():
        if why == "as tested":
            assert pin.removeprefix("v") == tested.split()[0], image
