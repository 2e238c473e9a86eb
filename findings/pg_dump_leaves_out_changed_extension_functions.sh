#!/bin/sh
# PostgreSQL 15.18 (Debian's postgresql-15): pg_dump and pg_restore of a database in which a function of an extension was
# changed by ALTER FUNCTION, and an index uses the function.
#
# Expected: what pg_dump writes without an error, pg_restore restores without an error into an empty database of the
# same server: "pg_dump … makes consistent backups" (https://www.postgresql.org/docs/15/app-pgdump.html).
# Observed: pg_dump says nothing. pg_restore fails on the index, ends with 1, and the index is missing: the dump has
# CREATE EXTENSION alone, which makes the function as it is delivered, and not what ALTER FUNCTION changed
# (https://www.postgresql.org/docs/15/extend-extensions.html says that objects of an extension are not dumped one by one).
# Why it matters: a search that ignores accents has just this, unaccent() made IMMUTABLE and an index on unaccent(name),
# and Odoo makes both itself (its setting `unaccent`, and indexes of kind trigram). A backup of such a database looks
# good until someone restores it. Alter the function in the new database before the restore, and restore every backup
# once to know.
#
# It takes ten seconds and a server on a socket of its own; needs apt-get and dpkg on Debian 12, and takes the package
# from the mirror that the machine's own apt sources name. As root it runs the server as nobody.
set -eu
place=$(mktemp -d)
chmod 711 "$place"
mkdir "$place/work" "$place/apt"
as=
if [ "$(id -u)" = 0 ]; then
    chown nobody "$place/work"
    as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
fi
bin="$place/root/usr/lib/postgresql/15/bin"
trap '$as "$bin/pg_ctl" -D "$place/work/data" -m immediate stop > /dev/null 2>&1 || true; rm -rf "$place"' EXIT
(cd "$place/apt" && apt-get -qq -oAPT::Sandbox::User= download \
    postgresql-15=15.18-0+deb12u1 postgresql-client-15=15.18-0+deb12u1)
for package in "$place"/apt/*.deb; do dpkg -x "$package" "$place/root"; done
cd "$place/work"
export PGHOST="$place/work" PGUSER=postgres PGDATABASE=source LC_ALL=C
$as "$bin/initdb" -D data -U postgres -A trust -E UTF8 > /dev/null
$as "$bin/pg_ctl" -D data -o "-k $place/work -c listen_addresses=" -l log -w start > /dev/null
$as "$bin/createdb" source
$as "$bin/createdb" restored
$as "$bin/psql" -qc "CREATE EXTENSION unaccent" -c "ALTER FUNCTION unaccent(text) IMMUTABLE" \
    -c "CREATE TABLE person (name text)" -c "CREATE INDEX person_name ON person (unaccent(name))"
found=$(
    status=0
    $as "$bin/pg_dump" -Fc -f dump 2>&1 || status=$?
    echo "pg_dump ends with $status"
    status=0
    $as "$bin/pg_restore" --no-owner -d restored dump 2> "$place/said" || status=$?
    grep -o 'ERROR: .*' "$place/said"
    echo "pg_restore ends with $status"
    for database in source restored; do
        echo "indexes in $database: $($as "$bin/psql" -At -d "$database" -c "SELECT count(*) FROM pg_indexes WHERE tablename = 'person'")"
    done
)
echo "$found"
[ "$found" = "pg_dump ends with 0
ERROR:  functions in index expression must be marked IMMUTABLE
pg_restore ends with 1
indexes in source: 1
indexes in restored: 0" ] || { echo "This has changed." >&2; exit 1; }
