"""Asks calculators of GPU memory what vLLM's own planner was asked, and prints their answers.

    python -m benchmarks.calculators FOLDER [ENVIRONMENTS]

FOLDER has the models' config.json files (`owner__name.json`), ENVIRONMENTS is where the
calculators are installed. The question: the KV cache in bfloat16 of one request of 32,768 tokens
on one GPU (prefix caching, async scheduling and batches of 8,192 tokens, as vLLM serves on an 80
GB GPU), and the weights.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.calculators.environments import CannotInstallError, ask, interpreter
from benchmarks.calculators.hub import HubModel, stand_in_hub
from benchmarks.calculators.ours import our_answer, parameters
from benchmarks.calculators.probes.asked import Answer, Question
from benchmarks.calculators.question import SUBJECTS, TOKENS, Subject
from benchmarks.calculators.table import OURS, TRUTH, Row, tables
from benchmarks.calculators.tools import CALCULATORS
from benchmarks.oracle import Run, asked
from mixvllm.vllm_internals.installed import require_engine

Configs = dict[str, dict[str, object]]


def truth(configs: Configs) -> Row:
    """What vLLM's planner says."""
    runs = [
        Run(
            subject.name,
            configs[subject.name],
            None,
            {"max_model_len": TOKENS, "tensor_parallel_size": subject.ranks},
        )
        for subject in SUBJECTS
    ]
    answers = {
        run.name: Answer(
            said.get("bytes_per_request"), said.get("weights_bytes"), error=said.get("error")
        )
        for run, said in zip(runs, asked(runs), strict=True)
    }
    return Row(f"{TRUTH} {require_engine().version}", answers)


def counted(answer: Answer, subject: Subject) -> int | None:
    """Parameters of a model in 16 bits, from its weights on one rank."""
    return None if answer.weights_bytes is None else int(answer.weights_bytes * subject.ranks / 2)


def questions(configs: Configs, folder: Path) -> Iterator[Question]:
    """The question of each model, with its config.json in a folder of its own."""
    for subject in SUBJECTS:
        config = configs[subject.name]
        directory = folder / subject.name.replace("/", "--")
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps(config), "utf-8")
        quantized = config.get("quantization_config")
        method = quantized["quant_method"] if isinstance(quantized, dict) else "bf16"
        yield Question(
            subject.name, subject.own_names, str(directory), TOKENS, subject.ranks, method
        )


def rows(all_questions: Sequence[Question], hub: str, environments: Path) -> Iterator[Row]:
    """The calculators that can be installed."""
    for calculator in CALCULATORS:
        try:
            python = interpreter(calculator, environments)
        except CannotInstallError as error:
            print(f"{calculator.name} {calculator.version} is not installed: {error}")
            continue
        settings = {"HF_ENDPOINT": hub, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0"}
        settings["HF_HOME"] = str(Path(all_questions[0].directory).parent / "hub-cache")
        answers = {
            question.name: ask(calculator, python, question, settings) for question in all_questions
        }
        print(f"asked {calculator.name}", file=sys.stderr, flush=True)
        yield Row(f"{calculator.name} {calculator.version}", answers)


def main() -> int:
    """Ask all, print the tables, and say whether our cache is vLLM's."""
    if len(sys.argv) not in (2, 3):
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    default = Path(tempfile.gettempdir(), "mixvllm-calculators")
    environments = Path(sys.argv[2]) if len(sys.argv) > 2 else default
    try:
        configs: Configs = {subject.name: subject.config(folder) for subject in SUBJECTS}
    except FileNotFoundError as error:
        print(error)
        return 2
    right = truth(configs)
    ours = Row(OURS, {subject.name: our_answer(subject) for subject in SUBJECTS})
    models = {
        subject.name: HubModel(
            configs[subject.name],
            parameters(subject) or counted(right.answers[subject.name], subject),
            ours.answers[subject.name].weights_bytes,
        )
        for subject in SUBJECTS
    }
    with tempfile.TemporaryDirectory() as scratch, stand_in_hub(models) as hub:
        others = list(rows(list(questions(configs, Path(scratch))), hub, environments))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {TOKENS:,} tokens\n")
    print(tables(SUBJECTS, right, ours, others))
    caches = [(row.answers[subject.name].kv_bytes for subject in SUBJECTS) for row in (right, ours)]
    return 0 if all(theirs == our for theirs, our in zip(*caches, strict=True)) else 1


if __name__ == "__main__":
    sys.exit(main())
