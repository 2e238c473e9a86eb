FROM odoo:18.0-20260817
USER root
RUN pip3 install --no-cache-dir --break-system-packages \
    prometheus_client==0.26.0 pybreaker==1.4.1 tenacity==9.2.1 \
    opentelemetry-exporter-otlp-proto-http==1.45.2 opentelemetry-instrumentation-requests==0.66b2 \
    opentelemetry-sdk==1.45.2 python-json-logger==4.2.0
USER odoo
