# Brings credentials and workflows into n8n's database, once in the life of this container: an import switches the
# workflows off under an n8n that runs, and Compose restarts n8n only when it makes this container anew.
set -eu
cd ~
[ ! -e imported ] || exit 0
secret() { cat "/run/secrets/$1"; }
umask 077
cat > credentials.json <<END
[
  {
    "id": "influencegenState", "name": "InfluenceGen state", "type": "postgres",
    "data": {
      "host": "postgres", "port": 5432, "database": "n8n", "user": "n8n", "password": "$(secret n8n_db_password)",
      "ssl": "disable", "maxConnections": 20
    }
  },
  {
    "id": "influencegenScrapeToken", "name": "InfluenceGen scrape token", "type": "httpHeaderAuth",
    "data": {"name": "Authorization", "value": "Bearer $(secret scrape_token)"}
  },
  {
    "id": "influencegenAiService", "name": "InfluenceGen AI service", "type": "httpHeaderAuth",
    "data": {"name": "Authorization", "value": "Bearer $(secret ai_service_token)"}
  }
]
END
n8n import:credentials --input=credentials.json
rm credentials.json
n8n import:workflow --separate --input=/srv/workflows
n8n update:workflow --all --active=true
# n8n starts it after an error of another
n8n update:workflow --id=igErrors --active=false
touch imported
