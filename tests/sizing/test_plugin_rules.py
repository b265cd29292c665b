"""What needs a plugin of vLLM is told before vLLM is imported: in these tests it cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.models.files import gguf
from tests.models.sources.test_gguf_model import METADATA, TENSORS
from tests.vllm_internals.plugin_packages import (
    ACME,
    BITSANDBYTES,
    CPU,
    GGUF,
    GPU,
    Installation,
    installation,
)

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 128,
    "max_position_embeddings": 4096,
}
FILES = {
    "gguf": "model: {name: ./m.gguf}",
    "unread": "model: {name: ./unread.gguf}",
    "hub": "model: {name: 'Qwen/Qwen3-0.6B-GGUF:Q8_0'}",
    "checkpoint": "model: {name: ./bnb}",
    "asked": "model: {name: Qwen/Qwen3-0.6B}\ninference: {quantization: bitsandbytes}",
    "load": "model: {name: Qwen/Qwen3-0.6B}\nvllm: {load_format: bitsandbytes}",
    "awq": "model: {name: Qwen/Qwen3-0.6B}\ninference: {quantization: awqq}",
    "plain": "model: {name: Qwen/Qwen3-0.6B}",
}
NEEDS_GGUF = ("gguf", "unread", "hub")
NEEDS_BITSANDBYTES = ("checkpoint", "asked", "load")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with models, and a config file for each case."""
    here = tmp_path / "here"
    (here / "bnb").mkdir(parents=True)
    quantized = {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}
    (here / "bnb" / "config.json").write_text(json.dumps(LLAMA | quantized))
    (here / "m.gguf").write_bytes(gguf(METADATA, TENSORS))
    unread = METADATA | {"general.architecture": "something-new"}
    (here / "unread.gguf").write_bytes(gguf(unread, TENSORS))
    for name, text in FILES.items():
        (here / f"{name}.yaml").write_text(text + "\n")
    return here


def said(
    installed: Installation, here: Path, variables: Mapping[str, str] | None = None
) -> dict[str, list[tuple[str, str, str, str]]]:
    """Each file's problems (severity, code, message, suggestion), as `config validate` has them."""
    files = [f"{file.stem}.yaml" for file in sorted(here.glob("*.yaml"))]
    ran = installed.run("config", "validate", "--json", *files, where=here, variables=variables)
    reports: list[dict[str, Any]] = json.loads(ran.stdout)["files"]
    return {
        report["file"].removesuffix(".yaml"): [
            *((p["severity"], p["code"], p["message"], p["suggestion"] or "")
              for p in report["problems"]),
            *(("note", "", note, "") for note in report["notes"]),
        ]
        for report in reports
    }  # fmt: skip


def severities(told: dict[str, list[tuple[str, str, str, str]]]) -> dict[str, list[str]]:
    """How what is said of plugins is graded, file by file."""
    return {
        name: [severity for severity, *_, message, _ in each if "plugin" in message]
        for name, each in told.items()
    }


def test_without_the_plugin_each_need_of_it_is_an_error_with_what_to_install(
    tmp_path: Path, here: Path
) -> None:
    told = said(installation(tmp_path / "site", GPU), here)

    for name in NEEDS_GGUF:
        (problem,) = (each for each in told[name] if each[0] != "note")
        assert problem[:2] == ("error", "plugin-missing")
        assert "is a GGUF file, and vLLM needs the plugin vllm-gguf-plugin" in problem[2]
        assert problem[3] == (
            "`pip install vllm-gguf-plugin`, which needs CUDA or ROCm, or name the checkpoint that "
            "the file was made from"
        )
    for name in NEEDS_BITSANDBYTES:
        (problem,) = told[name]
        assert problem[:2] == ("error", "plugin-missing")
        assert "`pip install vllm-bnb-plugin`" in problem[3]
    assert told["asked"][0][2] == (
        "vLLM 0.32 has bitsandbytes by a plugin only, which is not installed"
    )
    assert told["awq"][0][3] == "awq"
    assert told["plain"] == []


def test_with_the_plugins_a_gguf_file_needs_config_and_tokenizer_from_somewhere(
    tmp_path: Path, here: Path
) -> None:
    (here / "beside").mkdir()
    (here / "beside" / "m.gguf").symlink_to(here / "m.gguf")
    (here / "beside" / "config.json").write_text(json.dumps(LLAMA))
    for name, lines in {
        "beside": "model: {name: ./beside/m.gguf}",
        "named": "model: {name: ./m.gguf}\nvllm: {tokenizer: Qwen/Qwen3-0.6B}",
        "config": "model: {name: ./m.gguf}\nvllm: {hf_config_path: ./beside}",
        "empty": "model: {name: ./m.gguf}\nvllm: {tokenizer: ./nothing}",
    }.items():
        (here / f"{name}.yaml").write_text(lines + "\n")
    (here / "nothing").mkdir()

    told = said(installation(tmp_path / "site", GPU, [GGUF, BITSANDBYTES]), here)

    graded = severities(told)
    for name in ("beside", "named", "config", "hub", *NEEDS_BITSANDBYTES):
        assert graded[name] == [], name
    assert told["gguf"] == [
        (
            "error",
            "model-incomplete",
            "vLLM's plugin for GGUF takes config and tokenizer from beside the GGUF file, and "
            "there is no config.json there",
            "put config.json and tokenizer of the model that the file was made from there, or add "
            "`-- --tokenizer OWNER/NAME` of that model",
        )
    ]
    assert "from ./nothing, and there is no config.json there" in told["empty"][0][2]


def test_a_plugin_that_vllm_is_told_not_to_load_is_no_better(tmp_path: Path, here: Path) -> None:
    installed = installation(tmp_path / "site", GPU, [GGUF, BITSANDBYTES])

    told = said(installed, here, {"VLLM_PLUGINS": "lora_filesystem_resolver"})

    for name, method in (("gguf", "gguf"), ("asked", "bitsandbytes")):
        (problem,) = told[name]
        assert problem[0] == "error"
        assert problem[2].endswith("which is installed but not listed in VLLM_PLUGINS")
        assert problem[3] == f"add {method} to VLLM_PLUGINS, or unset it"


def test_what_another_plugin_may_bring_is_a_doubt(tmp_path: Path, here: Path) -> None:
    installed = installation(tmp_path / "site", GPU, [ACME])

    graded = severities(told := said(installed, here))

    for name in (*NEEDS_GGUF, *NEEDS_BITSANDBYTES, "awq"):
        assert graded[name] == ["warning"], name
    assert told["awq"][0][3] == "near it is awq"
    assert severities(said(installed, here, {"VLLM_PLUGINS": "gguf"}))["awq"] == ["error"]


def test_on_a_cpu_build_the_plugin_for_gguf_is_no_way_out(tmp_path: Path, here: Path) -> None:
    told = said(installation(tmp_path / "without", CPU), here)
    with_it = said(installation(tmp_path / "with", CPU, [GGUF]), here)

    assert "pip install" not in told["gguf"][0][3]
    assert "needs CUDA or ROCm, and this vLLM is a CPU build" in told["gguf"][0][3]
    assert severities(with_it)["hub"] == ["warning"]


def test_where_no_vllm_is_installed_a_plugin_is_a_note(tmp_path: Path, here: Path) -> None:
    told = said(installation(tmp_path / "site", None), here)

    for name in (*NEEDS_GGUF, *NEEDS_BITSANDBYTES):
        assert severities(told)[name] == ["note"], name
    assert told["awq"][0][0] == "error"


def test_serve_refuses_a_gguf_file_without_loading_vllm(tmp_path: Path, here: Path) -> None:
    ran = installation(tmp_path / "site", GPU).run("serve", "./m.gguf", where=here)

    assert ran.returncode == 1
    assert "`pip install vllm-gguf-plugin`" in ran.stderr
    assert "mixvllm explain plugin-missing" in ran.stderr


def test_a_format_in_a_directory_is_a_gguf_file_too(tmp_path: Path, here: Path) -> None:
    (here / "files").mkdir()
    (here / "files" / "m-Q8_0.gguf").symlink_to(here / "m.gguf")
    (here / "files.yaml").write_text("model: {name: './files:Q8_0'}\n")

    without = said(installation(tmp_path / "without", GPU), here)["files"]
    with_it = installation(tmp_path / "with", GPU, [GGUF])

    assert [each[1] for each in without] == ["plugin-missing"]
    assert [each[1] for each in said(with_it, here)["files"]] == ["model-incomplete"]
    (here / "files" / "config.json").write_text(json.dumps(LLAMA))
    assert said(with_it, here)["files"] == []


def test_an_estimate_notes_the_plugin_that_serving_needs(tmp_path: Path, here: Path) -> None:
    without = installation(tmp_path / "without", GPU)
    with_them = installation(tmp_path / "with", GPU, [GGUF, BITSANDBYTES])

    def told(installed: Installation, *words: str) -> str:
        ran = installed.run("estimate-kv", *words, where=here)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    gguf_note = "vLLM serves gguf by a plugin only: `pip install vllm-gguf-plugin`, which needs"
    assert gguf_note in told(without, "./m.gguf")
    assert gguf_note not in told(with_them, "./m.gguf")
    assert gguf_note not in told(without, "./m.gguf", "--vllm-version", "0.24")
    bnb_note = "vLLM serves bitsandbytes by a plugin only: `pip install vllm-bnb-plugin`."
    assert bnb_note in told(without, "./bnb")
    assert bnb_note not in told(without, "Qwen/Qwen3-0.6B")
    solved = told(without, "./m.gguf", "--gpu", "L40S", "--solve", "max-model-len")
    assert gguf_note in solved
