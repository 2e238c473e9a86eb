#!/bin/sh
# prometheus-client 0.26.0: what its two parsers make of an exposition that has one series twice.
#
# Expected: both parsers give both samples, or refuse the exposition. The OpenMetrics specification allows a metric only
# once in an exposition (https://prometheus.io/docs/specs/om/open_metrics_spec/#metric), so a duplicate is an error
# there.
# Observed: the parser of the text format gives both samples; the parser of OpenMetrics gives the first one alone, and
# says nothing.
# Why it matters: a test that looks for duplicate series through the OpenMetrics parser passes whatever the exporter
# does. Look for duplicates in the text format, or in the lines themselves.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0
found=$("$place/venv/bin/python" - <<'PYTHON'
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

EXPOSITION = '# TYPE jobs gauge\njobs{queue="a"} 1\njobs{queue="a"} 2\n'
for name, parse, exposition in (("text", text, EXPOSITION), ("OpenMetrics", openmetrics, EXPOSITION + "# EOF\n")):
    try:
        values = [sample.value for family in parse(exposition) for sample in family.samples]
    except ValueError as error:
        values = f"refused: {error}"
    print(name, values)
PYTHON
)
echo "$found"
[ "$found" = "text [1, 2]
OpenMetrics [1]" ] || { echo "This has changed." >&2; exit 1; }
