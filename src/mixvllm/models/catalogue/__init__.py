"""Data only: `models.json`, which `python -m mixvllm.models.build_catalogue` writes."""
