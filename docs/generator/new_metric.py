"""`make new-metric`: write the draft of a metric's declaration; see CONTRIBUTING.md."""

import re
import sys
from pathlib import Path

from influencegen_telemetry.business import catalogue

ROOT = Path(__file__).parents[2]
_CATALOGUE, _BUSINESS = "odoo_telemetry/metrics/catalogue.py", "influencegen_telemetry/business/metrics.py"
_SECTIONS = {
    "odoo_telemetry_": (_CATALOGUE, "EXPORTER = ", 'scope="instance", group="system"'),
    "odoo_": (_CATALOGUE, "RUNTIME = ", 'group="system"'),
    "": (_BUSINESS, "BUSINESS = ", ""),
}
"""By prefix of the name: the file of the declarations, the text that follows them, and the options that they share."""
_KINDS = {"counter": "", "gauge": "", "histogram": "buckets=(0.1, 0.5, 1, 5, 10)"}
"""What a draft of each kind needs."""


def write(name: str, kind: str, root: Path = ROOT) -> Path:
    """Write the draft, and return the file that it is in.

    :raises ValueError: when the name does not fit the kind or is taken, or there is no such kind
    """
    if kind not in _KINDS or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name):
        raise ValueError(f"give NAME in lower case with underscores, and KIND as one of {', '.join(_KINDS)}")
    if (kind == "counter") != name.endswith("_total"):
        raise ValueError("names of counters must end in _total, other names must not")
    if name in catalogue.METRICS:
        raise ValueError(f"there is a metric {name}")
    prefix = next(prefix for prefix in _SECTIONS if name.startswith(prefix))
    file, after, common = _SECTIONS[prefix]
    constant = name.removeprefix(prefix).removesuffix("_total").upper()
    if re.search(rf"^{constant} = ", (root / file).read_text(), re.MULTILINE):
        raise ValueError(f"{file} has a {constant} already: declare {name} by hand")
    options = "".join(f", {option}" for option in (_KINDS[kind], common) if option)
    path = root / file
    text = path.read_text()
    place = text.index(f"\n{after}")
    draft = f'{constant} = {kind.capitalize()}("{name}", "What it counts or measures."{options})\n'
    path.write_text(text[:place].rstrip("\n") + f"\n{draft}" + text[place:])
    return path


def main() -> None:
    """Write the draft of the metric of the name and kind that the arguments give."""
    try:
        name, kind = sys.argv[1:]
        print(f"Complete the draft in {write(name, kind)}, then record its values and test it: see CONTRIBUTING.md")
    except ValueError as error:
        sys.exit(f"make new-metric NAME=… KIND=…: {error}")


if __name__ == "__main__":
    main()
