"""Writes the bundled catalogue from a directory of published configs.

Run as `python -m mixvllm.models.build_catalogue CONFIG_DIR`. The directory has an `INDEX.jsonl`
with `model`, `file`, `params_total` and `weights_bytes` a line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixvllm.errors import ModelError
from mixvllm.models.catalogue_corrections import CORRECTED, LEFT_OUT, RENAMED
from mixvllm.models.from_config import describe
from mixvllm.models.sources import catalogue_file
from mixvllm.models.sources.catalogue import CatalogueEntry, packed
from mixvllm.models.weights.formula import weights_by_formula
from mixvllm.models.weights.groups import WeightFacts

# Sources dropped keys from these configs; of some only keys that nothing here hangs on.
ABRIDGED = "abridged/"
WHOLE_ENOUGH = frozenset(
    {
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "poolside/Laguna-S-2.1-FP8",
        "poolside/Laguna-XS.2-FP8",
        "Qwen/Qwen3-VL-235B-A22B-Thinking",
        "Qwen/Qwen3-VL-8B-Instruct",
        "zai-org/GLM-4.7-Flash",
    }
)
# What the source dropped and another checkpoint of the same encoder has.
ENCODER_OF = dict.fromkeys(
    (
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    ),
    "RedHatAI__Llama-4-Scout-17B-16E-Instruct-FP8-dynamic.json",
)
# Private copies of other models.
PRIVATE = frozenset(
    {
        "harmonicdata/Gemma3-SD-v0.2",
        "jeevanchaps/Meta-Llama3.1-8B-Instruct-assessment",
        "minchyeom/letta",
    }
)


def index_rows(directory: Path) -> Iterator[dict[str, Any]]:
    """The rows of the index for the catalogue, each under its model's published name."""
    for line in (directory / "INDEX.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if belongs(row["file"], row["model"]):
            yield row | {"model": RENAMED.get(row["model"], row["model"])}


def entries(directory: Path) -> Iterator[tuple[str, CatalogueEntry | ModelError]]:
    """Every model for the catalogue with its entry, or with why it has none."""
    for row in index_rows(directory):
        try:
            yield row["model"], entry(directory, row)
        except ModelError as error:
            yield row["model"], error


def entry(directory: Path, row: Mapping[str, Any]) -> CatalogueEntry:
    """The entry of one row of the index.

    Raises:
        ModelError: the config is broken, or not known here.
    """
    path = directory / row["file"]
    beside = path.with_name(f"{path.stem}.hf_quant_config.json")
    quantized = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else None
    config = whole_config(directory, row)
    model = describe(row["model"], config, quantized)
    weights = weights_by_formula(config, quantized)
    if weights is not None:
        model = replace(model, parameters=weights.parameters)
    elif row["params_total"] is not None:
        model = replace(model, parameters=row["params_total"])
        if model.quantization is None:
            weights = WeightFacts(2 * row["params_total"], "published", {})
    return CatalogueEntry(model, weights)


def whole_config(directory: Path, row: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a row as it is published: corrected, and with the encoder that was dropped."""
    config: dict[str, Any] = json.loads((directory / row["file"]).read_text(encoding="utf-8"))
    if row["model"] in ENCODER_OF and "vision_config" not in config:
        other = json.loads((directory / ENCODER_OF[row["model"]]).read_text(encoding="utf-8"))
        config["vision_config"] = other["vision_config"]
    if (correction := CORRECTED.get(row["model"])) is not None:
        config |= correction.values
    return config


def belongs(row_file: str, name: str) -> bool:
    """Whether a model is one for the catalogue."""
    is_whole = not row_file.startswith(ABRIDGED) or name in WHOLE_ENOUGH
    return is_whole and name not in PRIVATE and name not in LEFT_OUT


def write(directory: Path, target: Path) -> int:
    """Write the catalogue; the number of its models."""
    found = {
        name: packed(value)
        for name, value in entries(directory)
        if isinstance(value, CatalogueEntry)
    }
    lines = (
        f"{json.dumps(name)}: {json.dumps(found[name], separators=(',', ':'))}"
        for name in sorted(found, key=str.lower)
    )
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return len(found)


if __name__ == "__main__":
    sys.stdout.write(
        f"{write(Path(sys.argv[1]), catalogue_file.FILE)} models in {catalogue_file.FILE.name}\n"
    )
