#!/bin/sh
# Restores the database of this backup into a new database: restore.sh NAME [TEMPLATE]
#
# The server and the user are taken from libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD). A superuser restores
# owners, privileges and the settings of the database too; what another user restores belongs to that user. TEMPLATE is
# a database that has the extensions which only a superuser may create.
set -eu
backup=$(dirname "$0")
database=$1
template=${2:-template0}
# overrides the settings of the user
export PGOPTIONS="-c default_transaction_read_only=off -c statement_timeout=0 -c role=none -c client_min_messages=error"

execute() {
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=database="$database" --set=template="$template" "$@"
}

execute --dbname=postgres --file="$backup/restore/create.sql"
execute --dbname="$database" --file="$backup/restore/extensions.sql"
if [ "$(execute --dbname=postgres --tuples-only --no-align --command="SHOW is_superuser")" = on ]; then
    pg_restore --exit-on-error --use-list="$backup/restore/entries.list" --dbname="$database" "$backup/database.dump"
    execute --dbname=postgres --file="$backup/restore/properties.sql"
else
    pg_restore --exit-on-error --no-owner --no-privileges --use-list="$backup/restore/entries.list" \
        --dbname="$database" "$backup/database.dump"
fi
