"""modelinfo-cli: a weight file of one tensor beside config.json, which alone decides its cache."""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks.calculators.probes.asked import Answer, Question, run_probe

HEADER = {"model.norm.weight": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}


def ask(question: Question) -> Answer:
    """`modelinfo FILE --context N`, before it is printed."""
    header = json.dumps(HEADER).encode()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.safetensors")
        file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
        Path(folder, "config.json").write_bytes(question.config_file.read_bytes())
        analyzed = import_module("modelinfo.cli").analyze_model(str(file), question.tokens)
    return Answer(kv_bytes=analyzed["footprint"]["kv_cache_bytes"], is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
