"""Compare the built-in memory rules with vLLM's own planner, over a folder of config.json files.

The cache must be equal to the byte, and the weights on a rank within half a percent, save where
`UNEVEN_WEIGHTS` says why they are not.

`python benchmarks/oracle.py FOLDER [PART_OF_A_NAME ...]`; `--every` also varies the settings. Each
file is `<name>.json`, with `<name>.hf_quant_config.json` beside it if there is one. Ends with 1 if
a number differs; what vLLM cannot build on a CPU is listed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixvllm.errors import EstimateError, MixvllmError
from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.weights import expert_padding, rank_weights
from mixvllm.models.from_config import describe
from mixvllm.models.weights.formula import weights_by_formula
from mixvllm.vllm_internals.installed import require_engine

POOL = 320 * 2**30
WEIGHTS_TOLERANCE = 0.005
# By a part of a model's name why its weights on a rank are further off.
UNEVEN_WEIGHTS = {
    "Qwen3-32B-FP8-Static": "the CPU build makes these matrices in 16 bits",
    "Nemotron-3-Super-120B-A12B-FP8": "its file excludes nothing, so the output has 8 bits",
}
# The kernels that the imitated server takes for MXFP4 experts are Marlin's.
MXFP4_STEPS = (128, 256)
USUAL: dict[str, Any] = {"max_model_len": 32768}
VARIANTS: tuple[dict[str, Any], ...] = (
    {"tensor_parallel_size": 2},
    {"tensor_parallel_size": 4, "kv_cache_dtype": "fp8"},
    {"tensor_parallel_size": 8, "max_model_len": 131072},
    {"tensor_parallel_size": 16, "max_model_len": 8192},
    {"max_num_batched_tokens": 2048},
    {"async_scheduling": False, "max_model_len": 4097},
    {"enable_prefix_caching": False},
    {"enable_prefix_caching": False, "mamba_ssm_cache_dtype": "float32"},
    {"hybrid_manager": False},
    {"block_size": 64},
    {"pipeline_parallel_size": 2},
)
COMPARED = (
    "block_size",
    "bytes_per_block",
    "num_blocks",
    "blocks_per_request",
    "bytes_per_request",
    "tokens",
    "max_concurrency",
)


@dataclass(frozen=True)
class Run:
    """One model with one set of settings."""

    name: str
    config: dict[str, Any]
    quantization: dict[str, Any] | None
    settings: dict[str, Any]
    available_bytes: int = POOL

    @property
    def request(self) -> dict[str, Any]:
        """What the oracle is asked."""
        request = {
            "config": self.config,
            "available_bytes": self.available_bytes,
            "serving": self.settings,
        }
        if self.quantization is not None:
            request["hf_quant_config"] = self.quantization
        return request


def config_files(folder: Path) -> list[Path]:
    """The config.json files of a folder."""
    return [path for path in sorted(folder.glob("*.json")) if ".hf_quant_config" not in path.name]


def run_of(path: Path, settings: dict[str, Any]) -> Run:
    """The model of a file under these settings and the usual ones."""
    beside = path.with_name(f"{path.stem}.hf_quant_config.json")
    quantization = json.loads(beside.read_text("utf-8")) if beside.is_file() else None
    if quantization is not None:
        # Without its maker, which collections of configs leave out, vLLM ignores the file.
        quantization.setdefault("producer", {"name": "modelopt"})
    return Run(path.stem, json.loads(path.read_text("utf-8")), quantization, USUAL | settings)


def runs(folder: Path, parts: list[str], *, every: bool) -> Iterator[Run]:
    """Every model of the folder whose name has one of the parts, with every set of settings."""
    for path in config_files(folder):
        if parts and not any(part in path.name for part in parts):
            continue
        for variant in ({}, *(VARIANTS if every else ())):
            yield run_of(path, variant)


def asked(all_runs: list[Run]) -> Iterator[dict[str, Any]]:
    """VLLM's answers, in order."""
    with subprocess.Popen(
        [sys.executable, "-m", "mixvllm.vllm_internals.planner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ),
    ) as planner:
        assert planner.stdin is not None
        assert planner.stdout is not None
        for run in all_runs:
            planner.stdin.write(json.dumps(run.request) + "\n")
            planner.stdin.flush()
            yield json.loads(planner.stdout.readline())
        planner.stdin.close()


def planned(run: Run) -> dict[str, Any]:
    """Our numbers.

    Raises:
        MixvllmError: what we refuse.
    """
    description = describe(run.name, run.config, run.quantization)
    rules = rules_of(require_engine().version)
    plan = plan_kv_cache(description, ServingFacts(rules=rules, **run.settings), POOL)
    return {name: getattr(plan, name) for name in COMPARED}


def verdict(run: Run, answer: dict[str, Any]) -> tuple[str, str]:
    """How the two compare: a word, and what to show."""
    theirs = {name: answer.get(name) for name in COMPARED}
    words = (answer.get("error") or answer.get("refusal") or "").replace("\n", " ")[:140]
    try:
        ours = planned(run)
    except EstimateError as error:
        return ("both refuse", "") if words else ("only we refuse", error.message)
    except MixvllmError as error:
        return ("both refuse", "") if words else ("not read", error.message)
    if words:
        return "vLLM cannot build it here", words
    if ours == theirs:
        return "equal", ""
    return "DIFFERENT", f"\n    ours {ours}\n    vLLM {theirs}"


def weights_error(run: Run, answer: dict[str, Any]) -> float | None:
    """By how much our weights on a rank are off, as a share; None where one side has none."""
    exact: int | None = answer.get("weights_bytes")
    facts = weights_by_formula(run.config, run.quantization)
    if exact is None or facts is None:
        return None
    description = describe(run.name, run.config, run.quantization)
    rules = rules_of(require_engine().version)
    serving = ServingFacts(rules=rules, mxfp4_steps=MXFP4_STEPS, **run.settings)
    # vLLM pads these experts when it makes them: of what comes beside parameters they alone count.
    padding = expert_padding(facts, description, serving)
    return (rank_weights(facts, description, serving).total_bytes + padding) / exact - 1


def explained(name: str) -> str | None:
    """Why the weights of this model may be off."""
    return next((reason for part, reason in UNEVEN_WEIGHTS.items() if part in name), None)


def weights_verdict(run: Run, answer: dict[str, Any]) -> list[str]:
    """How the weights compare, as words to count."""
    error = weights_error(run, answer)
    if error is None:
        return ["weights not compared"]
    if abs(error) <= WEIGHTS_TOLERANCE:
        return ["weights within 0.5 %"]
    reason = explained(run.name)
    ranks = run.settings.get("tensor_parallel_size", 1)
    word = "weights off, known" if reason else "WEIGHTS OFF"
    print(f"{word}: {run.name} TP{ranks} {100 * error:+.2f} %: {reason or ''}", flush=True)
    return [word]


def main() -> int:
    """Compare, print what is not equal and a count, and say whether all is well."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--every"]
    folder, *parts = arguments
    all_runs = list(runs(Path(folder), parts, every="--every" in sys.argv))
    counts: Counter[str] = Counter()
    models: set[str] = set()
    start = time.monotonic()
    for run, answer in zip(all_runs, asked(all_runs), strict=True):
        word, shown = verdict(run, answer)
        counts[word] += 1
        if word == "equal":
            models.add(run.name)
            counts.update(weights_verdict(run, answer))
        else:
            changed = {key: value for key, value in run.settings.items() if USUAL.get(key) != value}
            print(f"{word}: {run.name} {changed or ''} {shown}", flush=True)
    print(dict(counts), f"{len(models)} models equal, {time.monotonic() - start:.0f} s")
    return 1 if counts["DIFFERENT"] or counts["WEIGHTS OFF"] else 0


if __name__ == "__main__":
    sys.exit(main())
