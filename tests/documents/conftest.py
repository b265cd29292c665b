"""The real command line, in a directory of its own."""

from tests.cli.conftest import mixvllm

__all__ = ["mixvllm"]
