"""Serves what NVIDIA's library NVML says about the GPUs of this machine to Prometheus."""
