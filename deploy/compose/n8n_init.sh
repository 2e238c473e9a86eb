# Imports credentials and workflows into n8n's database, once per container: an import unpublishes the workflows of a
# running n8n, and Compose restarts n8n only if this container is recreated.
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
ids=$(sed -n 's/^  "id": "\(.*\)",$/\1/p' /srv/workflows/*.json | sort)
import() { n8n import:workflow --separate --input=/srv/workflows; }
# until its first start, n8n 2 refuses to import over workflows that were active in n8n 1
import || { for id in $ids; do n8n unpublish:workflow --id="$id"; done; import; }
for id in $ids; do n8n publish:workflow --id="$id"; done
# some commands of n8n exit with 0 although they did nothing
n8n list:workflow --active=true --onlyId > published
for id in $ids; do grep --quiet --word-regexp "$id" published; done
touch imported
