#!/bin/sh
# PostgreSQL 16.2 (as the package pgserver 0.1.4 from PyPI contains it): pg_dumpall --roles-only of a server whose first
# superuser is named `first`, restored by psql on a new server of the same version whose first superuser is `second`.
#
# Expected: a superuser of any name restores the roles and their memberships: "you will need superuser privileges to
# execute the saved script" is the only condition that https://www.postgresql.org/docs/16/app-pg-dumpall.html names.
# Observed: the membership is not restored. From PostgreSQL 16 on, the dump names who granted it, GRANTED BY first, and
# the new server refuses: `first` was restored as a superuser, but only the superuser of initdb may be named as the
# grantor without an ADMIN option of its own. psql goes on, and ends with 0.
# Why it matters: containers name their first superuser by an environment variable, so a move between two installations
# often changes the name. The roles are there, and nobody is a member of them: a monitoring user that has lost
# pg_monitor connects, and exports less. Look for `permission denied to grant privileges` after a restore, and grant
# the memberships again, or run initdb with the old name.
#
# It takes half a minute, with servers on sockets of their own. As root it runs the servers as nobody.
set -eu
place=$(mktemp -d)
chmod 711 "$place"
mkdir "$place/work"
as=
if [ "$(id -u)" = 0 ]; then
    chown nobody "$place/work"
    as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
fi
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --no-deps pgserver==0.1.4
bin=$(echo "$place"/venv/lib/python3*/site-packages/pgserver/pginstall/bin)
trap 'for data in "$place"/work/*/data; do
    $as "$bin/pg_ctl" -D "$data" -m immediate stop > /dev/null 2>&1 || true
done
rm -rf "$place"' EXIT
cd "$place/work"
export LC_ALL=C PGDATABASE=postgres
for name in first second; do
    $as mkdir $name
    $as "$bin/initdb" -D $name/data -U $name -A trust > /dev/null
    $as "$bin/pg_ctl" -D $name/data -o "-k $place/work/$name -c listen_addresses=" -l $name/log -w start > /dev/null
done
on() {
    PGHOST=$place/work/$1 PGUSER=$1
    export PGHOST PGUSER
    shift
    $as "$@"
}
members="SELECT count(*) FROM pg_auth_members WHERE member = 'monitoring'::regrole"
on first "$bin/psql" -qc "CREATE ROLE monitoring LOGIN IN ROLE pg_monitor"
on first "$bin/pg_dumpall" --roles-only > "$place/roles.sql"
found=$(
    status=0
    on second "$bin/psql" -qf - < "$place/roles.sql" 2> "$place/said" > /dev/null || status=$?
    grep -o 'ERROR: .*' "$place/said"
    echo "psql ends with $status"
    for name in first second; do
        echo "memberships of monitoring on $name: $(on $name "$bin/psql" -Atc "$members")"
    done
)
echo "$found"
[ "$found" = "ERROR:  permission denied to grant privileges as role \"first\"
psql ends with 0
memberships of monitoring on first: 1
memberships of monitoring on second: 0" ] || { echo "This has changed." >&2; exit 1; }
