# Creates the role of each service, and sets its rights and its password. Can be run again at any time.
set -eu
PGPASSWORD=$(cat /run/secrets/postgres_password)
export PGHOST=postgres PGUSER=postgres PGPASSWORD
for role in odoo n8n backup monitoring; do
  set -- "$@" --set="$role=$(cat "/run/secrets/${role}_db_password")"
done
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 "$@" <<'END'
SELECT set_config('influencegen.odoo', :'odoo', false), set_config('influencegen.n8n', :'n8n', false),
    set_config('influencegen.backup', :'backup', false), set_config('influencegen.monitoring', :'monitoring', false)
\g /dev/null
\i /srv/postgres_roles.sql
END
psql --dbname=postgres --list --tuples-only --no-align | grep -q "^n8n|" || createdb --owner=n8n n8n
