# pg_dump and pg_restore must be of the server's version: this is the server's image
FROM postgres:18.6
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/* \
    && pip3 install --no-cache-dir --break-system-packages \
    prometheus_client==0.26.0 psycopg2-binary==2.9.10 PyYAML==6.0.3 requests==2.34.2
COPY --from=prom/prometheus:v3.13.3 /bin/promtool /usr/local/bin/
WORKDIR /srv
ENV PYTHONDONTWRITEBYTECODE=1
