FROM python:3.13-slim
RUN pip install --no-cache-dir aiohttp==3.14.5 aiosmtpd==1.4.6 Pillow==13.0.0 tenacity==9.2.1 \
    opentelemetry-exporter-otlp-proto-http==1.45.2 opentelemetry-sdk==1.45.2
WORKDIR /srv
USER nobody
ENV PYTHONDONTWRITEBYTECODE=1
