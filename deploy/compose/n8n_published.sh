# Waits until n8n has published the latest version of each active workflow.
set -eu
PGPASSWORD=$(cat /run/secrets/n8n_db_password)
export PGHOST=postgres PGUSER=n8n PGPASSWORD
waiting="SELECT count(*) FROM workflow_entity WHERE active AND NOT influencegen.published(id)"
until [ "$(psql --dbname=n8n --quiet --no-align --tuples-only --command="$waiting")" = 0 ]; do sleep 1; done
