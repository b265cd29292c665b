"""vLLM behind FastAPI: gateway, supervisor, phases."""
