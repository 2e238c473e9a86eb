# Creates n8n's owner account, after n8n's tables are created and before n8n listens. Can be run again at any time.
set -eu
PGPASSWORD=$(cat /run/secrets/n8n_db_password)
export PGHOST=postgres PGUSER=n8n PGPASSWORD
export PGOPTIONS=--client-min-messages=warning
psql --dbname=n8n --quiet --set=ON_ERROR_STOP=1 --set=owner="$(cat /run/secrets/n8n_owner_password)" <<'END'
SELECT set_config('influencegen.owner', :'owner', false) \g /dev/null
\i /srv/owner.sql
END
