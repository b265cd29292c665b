"""The models of the bundled catalogue, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from mixvllm.models.description import ModelDescription
from mixvllm.render.theme import NAME
from mixvllm.render.units import parameters_text


def catalogue_as_json(models: Sequence[ModelDescription]) -> dict[str, Any]:
    """`estimate-kv --list --json`."""
    return {
        "models": [
            {
                "name": model.name,
                "architecture": model.architecture,
                "parameters": model.parameters,
                "context_length": model.context_length,
                "quantization": model.quantization,
            }
            for model in models
        ]
    }


def catalogue_table(models: Sequence[ModelDescription]) -> Table:
    """`estimate-kv --list`."""
    table = Table(box=None, pad_edge=False, header_style=NAME)
    table.add_column("model", no_wrap=True)
    for name in ("parameters", "context"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("quantization")
    for model in models:
        context = "-" if model.context_length is None else f"{model.context_length:,}"
        parameters = parameters_text(model.parameters)
        table.add_row(model.name, parameters, context, model.quantization or "-")
    return table
