# With the stub of NVIDIA's library, in a folder that is looked into only if LD_LIBRARY_PATH names it
FROM gcc:14.4.0 AS nvml
COPY nvml.c /
RUN gcc -shared -fPIC -o /libnvidia-ml.so.1 /nvml.c

FROM python:3.13-slim
RUN pip install --no-cache-dir nvidia-ml-py==13.615.71 prometheus_client==0.26.0
COPY --from=nvml /libnvidia-ml.so.1 /srv/nvml/
WORKDIR /srv
USER nobody
ENV PYTHONDONTWRITEBYTECODE=1
