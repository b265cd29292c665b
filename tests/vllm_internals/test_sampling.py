"""The rules that the lesson on sampling teaches are those of the installed vLLM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from mixvllm.lessons.sampling import SamplingRules, chances

LOGITS = [3.0, 2.0, 2.0, 1.0, 0.5, -1.0]
WRITTEN = [4, 1, 0, 0, 2, 0]
RULES = [
    SamplingRules(),
    SamplingRules(temperature=0.5),
    SamplingRules(top_k=1),
    SamplingRules(top_k=2),
    SamplingRules(top_p=0.9),
    SamplingRules(top_p=0.01),
    SamplingRules(top_k=4, top_p=0.8, temperature=1.5),
    SamplingRules(presence_penalty=0.7),
    SamplingRules(frequency_penalty=0.4),
    SamplingRules(presence_penalty=-0.5, frequency_penalty=0.3, temperature=0.8, top_p=0.95),
]
# vLLM's functions in the order of its sampler, in a process of their own: importing it takes long.
CODE = """
import json, sys
import torch
from vllm.model_executor.layers.utils import apply_penalties
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

logits, written, rules = json.load(sys.stdin)
tokens = [[token for token, count in enumerate(written) for _ in range(count)]]
answers = []
for rule in rules:
    scores = apply_penalties(
        torch.tensor([logits]),
        torch.full((1, 1), len(logits)),
        torch.tensor(tokens),
        torch.tensor([rule["presence_penalty"]]),
        torch.tensor([rule["frequency_penalty"]]),
        torch.tensor([1.0]),
    )
    scores = apply_top_k_top_p_pytorch(
        scores / rule["temperature"],
        torch.tensor([rule["top_k"]]) if rule["top_k"] > 0 else None,
        torch.tensor([rule["top_p"]]),
    )
    answers.append(scores.softmax(-1)[0].tolist())
print("answers:", json.dumps(answers))
"""


@pytest.mark.engine
def test_the_chances_are_those_that_vllm_computes() -> None:
    asked = json.dumps([LOGITS, WRITTEN, [asdict(rule) for rule in RULES]])
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )

    answers = json.loads(done.stdout.rpartition("answers: ")[2])
    for rule, answer in zip(RULES, answers, strict=True):
        assert chances(LOGITS, rule, WRITTEN) == pytest.approx(answer, abs=1e-6), rule
