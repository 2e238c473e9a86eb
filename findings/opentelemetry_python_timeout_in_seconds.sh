#!/bin/sh
# OpenTelemetry's exporters of OTLP over HTTP, Python 1.45.2 and Node 0.223.0: the unit of OTEL_EXPORTER_OTLP_TIMEOUT.
#
# Expected: milliseconds in both, so that 500 gives a collector half a second. The specification has every duration in
# an environment variable in milliseconds
# (https://opentelemetry.io/docs/specs/otel/configuration/common/#duration).
# Observed: Node reads milliseconds; Python reads seconds, as its documentation says: with 500, its exporter waits more
# than 8 minutes for a collector that does not answer.
# Why it matters: one environment is often given to programs in several languages. Set to 10000, the specification's
# default, it has a Python process keep a dead collector's connection for hours, and a shutdown that flushes waits for
# it; set to 10, Node gives up on a healthy collector. Set it for each program apart.
#
# It takes some seconds and listens on 127.0.0.1 alone; needs python3 and npm.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
mkdir "$place/node"
(cd "$place/node" && npm install --silent --no-audit --no-fund @opentelemetry/exporter-trace-otlp-http@0.223.0 \
    @opentelemetry/sdk-trace@2.12.0 @opentelemetry/api@1.9.1 > /dev/null)
cat > "$place/export.py" <<'PYTHON'
import logging

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

logging.disable()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
provider.get_tracer("finding").start_span("span").end()
PYTHON
cat > "$place/node/export.js" <<'NODE'
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-http");
const { BasicTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace");

const processor = new SimpleSpanProcessor(new OTLPTraceExporter());
new BasicTracerProvider({ spanProcessors: [processor] }).getTracer("finding").startSpan("span").end();
processor.forceFlush();
NODE
found=$(timeout 120 python3 - "$place" <<'PYTHON'
import os
import socket
import subprocess
import sys
import time

place = sys.argv[1]
# it accepts connections, and never answers
silent = socket.create_server(("127.0.0.1", 0))
environment = {
    **os.environ,
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "500",
}
for name, command in (
    ("Python", [f"{place}/venv/bin/python", f"{place}/export.py"]),
    ("Node", ["node", f"{place}/node/export.js"]),
):
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    began = time.monotonic()
    try:
        process.wait(15)
        print(name, "has given up within 15 seconds")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print(name, "still waits after 15 seconds")
    print(name, round(time.monotonic() - began, 1), "s", file=sys.stderr)
PYTHON
)
echo "$found"
[ "$found" = "Python still waits after 15 seconds
Node has given up within 15 seconds" ] || { echo "This has changed." >&2; exit 1; }
