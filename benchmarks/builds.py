"""Make `tests/models/vllm_builds.json` anew: what the installed vLLM builds of published configs.

`python -m benchmarks.builds FOLDER [PART_OF_A_NAME ...]` (`--check`, the default) ends
with 1 if vLLM builds a model of that file otherwise now; `--write` writes what it builds, and adds
the models of the catalogue that are not there. FOLDER has the models' config.json files and their
`INDEX.jsonl`. A model whose layers have no words here, or that this vLLM cannot build, is counted.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.oracle import Run, run_of
from mixvllm.models.build_catalogue import index_rows, whole_config
from mixvllm.models.sources import catalogue_file
from mixvllm.vllm_internals.planner import ENVIRONMENT
from mixvllm.vllm_internals.planner_capacity import PlannerSettings
from mixvllm.vllm_internals.planner_model import BuiltModel, built

BUILDS = Path(__file__).parents[1] / "tests" / "models" / "vllm_builds.json"

Row = dict[str, Any]


def runs(folder: Path, parts: list[str]) -> dict[str, Run]:
    """The documents of each model of the catalogue whose name has one of the parts."""
    known = set(catalogue_file.names())
    return {
        row["model"]: replace(run_of(folder / row["file"], {}), config=whole_config(folder, row))
        for row in index_rows(folder)
        if row["model"] in known and (not parts or any(part in row["model"] for part in parts))
    }


def row_of(run: Run) -> Row | None:
    """What vLLM builds; None where it cannot, or where a layer has no words here."""
    documents = {"config": run.config}
    if run.quantization is not None:
        documents["hf_quant_config"] = run.quantization
    model = attempted(documents)
    # Packed parameters cannot be counted, and some formats have been dropped.
    counted = model if model and model.parameters else attempted(plain(run.config))
    model = model or counted
    if model is None or counted is None:
        return None
    layers = Counter(map(words, model.stages[0].values()))
    if None in layers:
        return None
    layers.pop("", None)
    settled = model.config.model_config
    return {
        "layers": dict(layers),
        "length": settled.max_model_len,
        "dtype": str(settled.dtype).removeprefix("torch."),
        "parameters": counted.parameters,
        "vocabulary": settled.get_vocab_size(),
    }


def attempted(documents: dict[str, Any]) -> BuiltModel | None:
    """The model, or None: whatever vLLM and the libraries under it raise is their refusal."""
    try:
        return built(documents, PlannerSettings())
    except Exception:
        return None


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """The documents of the same model with plain weights."""
    kept = copy.deepcopy(config)
    for part in (kept, kept.get("text_config") or {}):
        for name in ("quantization_config", "compression_config"):
            part.pop(name, None)
    return {"config": kept}


def words(spec: Any) -> str | None:
    """A layer's cache in the words of the file, nothing for an index; None without words."""
    name = type(spec).__name__
    if str(getattr(spec, "cache_role", "")).endswith("INDEXER"):
        return ""
    if name == "MambaSpec":
        return f"state {json.dumps(spec.shapes, separators=(',', ':'))}".translate(PARENTHESES)
    if name == "MLAAttentionSpec":
        return f"latent {spec.head_size}"
    sizes = f"{spec.num_kv_heads} {spec.head_size} {spec.head_size_v}"
    return {
        "FullAttentionSpec": f"full {sizes}",
        "SlidingWindowSpec": f"window {sizes} {getattr(spec, 'sliding_window', '')}",
        "ChunkedLocalAttentionSpec": f"chunk {sizes} {getattr(spec, 'attention_chunk_size', '')}",
    }.get(name)


PARENTHESES = str.maketrans("[]", "()")


def written(rows: dict[str, Row]) -> str:
    """The rows as the file has them, a model on each line."""
    lines = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in rows.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Build, print what has moved, and say whether anything has."""
    arguments = [each for each in sys.argv[1:] if each not in ("--check", "--write")]
    if not arguments or not Path(arguments[0], "INDEX.jsonl").is_file():
        print("skipped: name a folder of published config.json files with an INDEX.jsonl")
        return 0
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    stored: dict[str, Row] = json.loads(BUILDS.read_text("utf-8"))
    known = runs(Path(arguments[0]), arguments[1:])
    now = {name: row_of(run) for name, run in known.items()}
    moved = [name for name in stored if name in known and now[name] != stored[name]]
    for name in moved:
        print(f"moved: {name}\n  was {stored[name]}\n  is {now[name]}")
    rows = {name: row for name, row in now.items() if row is not None}
    print(
        f"{len(rows)} models built of {len(known)}, {len(moved)} moved, "
        f"{len(rows.keys() - stored.keys())} not in the file, "
        f"{len(stored.keys() - known.keys())} of the file not asked"
    )
    if "--write" in sys.argv:
        kept = {name: row for name, row in stored.items() if name not in known}
        BUILDS.write_text(written(dict(sorted((kept | rows).items()))), encoding="utf-8")
        return 0
    return 1 if moved else 0


if __name__ == "__main__":
    sys.exit(main())
