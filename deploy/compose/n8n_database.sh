# Creates the workflows' schema in n8n's database. Can be run again at any time.
set -eu
PGPASSWORD=$(cat /run/secrets/n8n_db_password)
export PGHOST=postgres PGUSER=n8n PGPASSWORD
export PGOPTIONS=--client-min-messages=warning
psql --dbname=n8n --quiet --set=ON_ERROR_STOP=1 --file=/srv/schema.sql --file=/srv/metrics.sql
