FROM odoo:18.0
USER root
RUN pip3 install --no-cache-dir --break-system-packages \
    prometheus_client==0.26.0 pybreaker==1.4.1 tenacity==9.2.1
USER odoo
