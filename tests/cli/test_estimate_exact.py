"""`mixvllm estimate-kv --exact`: the installed vLLM answers, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mixvllm.vllm_internals.installed import installed_engine
from tests.cli.command import Command
from tests.vllm_internals import tiny_models

# An architecture that the built-in rules refuse by name, and vLLM has.
UNKNOWN_HERE = {
    "architectures": ["GraniteSWAForCausalLM"],
    "model_type": "granite_swa",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 1024,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
    "sliding_window": 512,
    "hidden_act": "silu",
}
NEEDS_CODE = {
    "architectures": ["NewThingForCausalLM"],
    "model_type": "new_thing",
    "auto_map": {"AutoConfig": "configuration.NewThingConfig"},
}
CODE = """
from transformers import LlamaConfig

class NewThingConfig(LlamaConfig):
    model_type = "new_thing"
"""
VERSION = engine.version if (engine := installed_engine()) is not None else "none"


def config_file(directory: Path, config: dict[str, Any]) -> str:
    path = directory / "some.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(path)


@pytest.mark.engine
def test_vllm_answers_and_the_rules_agree(mixvllm: Command, tmp_path: Path) -> None:
    file = config_file(tmp_path, tiny_models.GEMMA.config)
    flags = ("--gpus", "2", "--max-model-len", "auto", "--gpu", "2GiB")
    exact, by_rules = (
        mixvllm("estimate-kv", file, *flags, "--json", *more) for more in (("--exact",), ())
    )
    answer, same = exact.json, by_rules.json
    assert answer["exact"]["agrees"] is True, answer["exact"]
    assert answer["exact"]["planner"] == f"vLLM {VERSION}"
    assert answer["weights"]["source"] == f"vLLM {VERSION}"
    assert same["exact"] is None
    for name in ("kv_cache", "groups", "num_blocks", "kv_cache_tokens", "max_concurrency"):
        assert answer[name] == same[name]
    assert "asking the planner of vLLM" in exact.err


@pytest.mark.engine
def test_an_architecture_that_the_rules_refuse_is_answered(
    mixvllm: Command, tmp_path: Path
) -> None:
    file = config_file(tmp_path, UNKNOWN_HERE)
    assert mixvllm("estimate-kv", file).code == 1
    ran = mixvllm("estimate-kv", file, "--exact", "--kv-cache-memory", "1MiB")
    assert ran.code == 3
    words = " ".join(ran.out.split())
    assert "does not fit: 32,768 tokens need" in words
    assert "3 x 2" in words, "three groups of sliding layers beside one of full ones"
    assert "The built-in rules do not answer: The architecture" in words


@pytest.mark.engine
def test_code_that_the_model_brings_is_run_only_where_it_is_trusted(
    mixvllm: Command, tmp_path: Path
) -> None:
    config = {**tiny_models.LLAMA.config, **NEEDS_CODE, "architectures": ["LlamaForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "configuration.py").write_text(CODE, encoding="utf-8")
    refused = mixvllm("estimate-kv", str(tmp_path), "--exact")
    assert refused.code == 1
    assert "run with --trust-remote-code" in refused.err
    trusted = mixvllm("estimate-kv", str(tmp_path), "--exact", "--trust-remote-code")
    assert trusted.code == 0, trusted.err


def test_another_version_than_the_installed_one_is_a_contradiction(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "demo", "--exact", "--vllm-version", "0.24")
    assert ran.code == 2
    assert f"the vLLM that is installed, which is {VERSION}" in ran.err


def test_without_vllm_it_says_how_to_install_it(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mixvllm.vllm_internals import installed

    monkeypatch.setattr(sys, "path", [p for p in sys.path if "site-packages" not in p])
    installed.installed_engine.cache_clear()
    ran = mixvllm("estimate-kv", "demo", "--exact")
    installed.installed_engine.cache_clear()
    assert ran.code == 1
    assert "vLLM is not installed" in ran.err


def test_a_name_that_only_the_catalogue_has_gets_a_way_out(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    name = "mistralai/Mixtral-8x7B-v0.1"
    ran = mixvllm("estimate-kv", name, "--exact")
    assert ran.code == 1
    assert "bundled catalogue, which has no config.json" in ran.err
    assert f"`hf download {name} config.json`" in ran.err


def test_trusted_code_must_be_here(mixvllm: Command, tmp_path: Path) -> None:
    file = config_file(tmp_path, NEEDS_CODE)
    ran = mixvllm("estimate-kv", file, "--exact", "--trust-remote-code")
    assert ran.code == 1
    assert "is not on this machine" in ran.err


def test_a_gguf_file_has_no_config(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "some.gguf").write_bytes(b"GGUF")
    ran = mixvllm("estimate-kv", str(tmp_path / "some.gguf"), "--exact")
    assert ran.code == 1
    assert "has no config.json" in ran.err
