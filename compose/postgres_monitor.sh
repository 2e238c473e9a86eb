# Makes the role that PostgreSQL's exporter logs in as, and gives it its password. May be run again at any time.
set -eu
export PGHOST=postgres PGUSER=odoo PGPASSWORD="$(cat /run/secrets/postgres_password)"
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 --set=password="$(cat /run/secrets/monitoring_password)" <<'END'
SELECT 'CREATE ROLE monitoring LOGIN IN ROLE pg_monitor'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitoring') \gexec
ALTER ROLE monitoring PASSWORD :'password';
END
