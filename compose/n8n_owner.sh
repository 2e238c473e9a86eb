# Makes n8n's owner, once n8n has made its tables and before it listens. May be run again at any time.
set -eu
export PGHOST=postgres PGUSER=n8n PGPASSWORD="$(cat /run/secrets/n8n_db_password)"
export PGOPTIONS=--client-min-messages=warning
psql --dbname=n8n --quiet --set=ON_ERROR_STOP=1 --set=owner="$(cat /run/secrets/n8n_owner_password)" <<'END'
SELECT set_config('influencegen.owner', :'owner', false) \g /dev/null
\i /srv/owner.sql
END
