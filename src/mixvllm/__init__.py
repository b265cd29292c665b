"""mixvllm: the developer toolkit for serving language models with vLLM."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Read the version when it is asked for: package metadata costs time that `--help` saves."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("mixvllm")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
