#!/bin/sh
# CPython 3.11.7 (and 3.13.0): what a process reads of shared memory while another writes to it with
# struct.pack_into().
#
# Expected: the former number or the new one. The documentation has pack_into() "write the packed bytes into the
# writable buffer" (https://docs.python.org/3/library/struct.html#struct.pack_into), and a processor writes an aligned
# number of eight bytes at once.
# Observed: 0 in between. pack_into() fills the place with zero bytes before it packs the values into it. An assignment
# to a memoryview of the same memory shows no 0.
# Why it matters: where processes share counters through a mapped file, as the workers of a server do for Prometheus, a
# counter falls to 0 and comes back. rate() takes that for a reset, and adds the whole counter again. prometheus-client
# met it, and assigns bytes to a slice instead (https://github.com/prometheus/client_python/pull/315).
#
# It takes ten seconds, and two processors at least. Another Python can be named: PYTHON=python3.13.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
found=$(timeout 60 "${PYTHON:-python3}" - "$place/counter" <<'PYTHON'
import mmap
import multiprocessing
import struct
import sys
import time

SECONDS = 5


def pack_into(memory):
    pack = struct.Struct("q").pack_into
    number = 1
    while True:
        number += 1
        pack(memory, 0, number)


def memoryview_assignment(memory):
    view = memoryview(memory).cast("q")
    number = 1
    while True:
        number += 1
        view[0] = number


with open(sys.argv[1], "w+b") as file:
    file.write(struct.pack("q", 1))
    file.flush()
    memory = mmap.mmap(file.fileno(), 8)
view = memoryview(memory).cast("q")
print(sys.implementation.name, sys.version, file=sys.stderr)
for write in (pack_into, memoryview_assignment):
    view[0] = 1
    writer = multiprocessing.get_context("fork").Process(target=write, args=(memory,), daemon=True)
    writer.start()
    reads = zeros = 0
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for _ in range(1000):
            reads += 1
            zeros += view[0] == 0
    writer.kill()
    writer.join()
    print(f"{write.__name__}: {zeros} of {reads} reads gave 0", file=sys.stderr)
    print(write.__name__, "shows 0" if zeros else "shows no 0")
PYTHON
)
echo "$found"
[ "$found" = "pack_into shows 0
memoryview_assignment shows no 0" ] || { echo "This has changed." >&2; exit 1; }
