# Makes n8n's database and what the workflows keep in it. May be run again at any time.
set -eu
export PGHOST=postgres PGUSER=odoo PGPASSWORD="$(cat /run/secrets/postgres_password)"
export PGOPTIONS=--client-min-messages=warning
psql --list --tuples-only --no-align | grep -q "^n8n|" || createdb n8n
psql --dbname=n8n --quiet --set=ON_ERROR_STOP=1 --file=/srv/schema.sql --file=/srv/metrics.sql
