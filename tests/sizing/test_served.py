"""What is said of a server before vllm is imported."""

from __future__ import annotations

import re
from pathlib import Path

from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.sizing.finding import MachineMemory
from mixvllm.sizing.served import Judgement, Server, judge
from mixvllm.vllm_internals.installed import InstalledEngine

GIB = 1 << 30
CPU = InstalledEngine("0.32.0", "cpu")
ROOM = MachineMemory(32 * GIB, 24 * GIB)


def judged(
    *flags: tuple[str, object], memory: MachineMemory = ROOM, config: Path | None = None
) -> Judgement:
    resolved = resolve(Sources(flags=[GivenFlag(*flag) for flag in flags], config=config))
    return judge(Server(resolved.settings, resolved.values, CPU, memory, {}))


def test_the_embedded_model_is_served_without_a_word() -> None:
    assert judged(("--model", "demo")) == Judgement(())


def test_a_problem_names_the_flag_that_is_at_fault() -> None:
    said = judged(("--model", "Qwen/Qwen3-0.6B"), ("--gpus", 3))

    (problem,) = said.problems
    assert (problem.key, problem.source, problem.severity) == ("--gpus", "command line", "error")


def test_a_problem_stands_where_the_file_has_the_value(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("model: {name: Qwen/Qwen3-0.6B}\ninference: {max_model_len: 99999}\n")

    (limit,) = (p for p in judged(config=file).problems if "allows" in p.message)

    assert (limit.line, limit.column, limit.key) == (2, 28, "inference.max_model_len")


def test_the_cache_of_a_cpu_build_is_told_with_the_size_that_would_do() -> None:
    long = [("--model", "Qwen/Qwen3-8B"), ("--max-model-len", 40_960)]
    (problem,) = judged(*long, ("--cpu-kv-cache-gib", 2.0)).problems
    enough = re.search(r"cpu_kv_cache_gib to at least ([\d.]+)", problem.suggestion or "")

    assert "one request of 40,960 tokens takes 5.62 GiB of KV cache" in problem.message
    assert "2.00 GiB (`inference.cpu_kv_cache_gib`)" in problem.message
    assert "--tensor-parallel-size" not in (problem.suggestion or "")
    assert enough is not None
    assert judged(*long, ("--cpu-kv-cache-gib", float(enough[1]))).problems == ()


def test_what_the_machine_cannot_hold_is_refused_and_what_it_may_not_is_a_doubt() -> None:
    model = ("--model", "Qwen/Qwen3-8B"), ("--max-model-len", 4096)

    (certain,) = judged(*model, memory=MachineMemory(16 * GIB, 15 * GIB)).problems
    (doubt,) = judged(*model, memory=MachineMemory(32 * GIB, 15 * GIB)).problems

    assert certain.severity == "error"
    assert "15.26 GiB of weights and 4.00 GiB of KV cache are 19.26 GiB" in certain.message
    assert "at most 0.74 GiB" in (certain.suggestion or "")
    assert doubt.severity == "warning"


def test_a_model_that_nobody_here_knows_is_a_note() -> None:
    said = judged(("--model", "nobody/nothing"))

    assert said.problems == ()
    assert said.notes[0].startswith("not checked against its model: The model nobody/nothing")
