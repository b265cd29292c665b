"""What does not go together in vLLM's own arguments."""

import json
from pathlib import Path
from typing import Any

import pytest

from mixvllm.errors import Severity
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.check import check_arguments
from mixvllm.sizing.finding import Finding

QWEN = "Qwen/Qwen3-8B"


def found(model: str = QWEN, /, **arguments: Any) -> list[Finding]:
    return check_arguments(ServeConfig.from_layers([{"model": {"name": model}, "vllm": arguments}]))


def only(model: str = QWEN, /, **arguments: Any) -> Finding:
    (finding,) = found(model, **arguments)
    return finding


def test_tools_without_a_parser_are_refused_with_the_one_that_fits() -> None:
    finding = only(enable_auto_tool_choice=True)

    assert (finding.keys[0], finding.severity) == ("vllm.enable_auto_tool_choice", "error")
    assert finding.advice == f"set `tool_call_parser: hermes`, which reads what {QWEN} writes"


def test_of_a_model_that_nobody_knows_all_parsers_are_named() -> None:
    assert "llama3_json" in (only("me/mine", enable_auto_tool_choice=True).advice or "")


@pytest.mark.parametrize(("auto", "severity"), [(True, "error"), (False, "warning")])
def test_a_parser_that_is_none_is_told(auto: bool, severity: Severity) -> None:
    finding = only("me/mine", tool_call_parser="llama3", enable_auto_tool_choice=auto)

    assert finding.severity == severity
    assert finding.message == "vLLM has no tool-call parser llama3"
    assert "llama3_json" in (finding.advice or "")


def test_a_plug_in_may_bring_any_parser() -> None:
    plug_in = {"tool_parser_plugin": "mine.py", "tool_call_parser": "mine"}

    assert found("me/mine", enable_auto_tool_choice=True, **plug_in) == []


def test_a_parser_alone_has_no_effect() -> None:
    assert only(tool_call_parser="hermes").severity == "warning"


def test_a_parser_of_other_models_is_a_doubt() -> None:
    finding = only(tool_call_parser="mistral", enable_auto_tool_choice=True)

    assert (finding.severity, finding.advice) == ("warning", "set `tool_call_parser: hermes`")


def test_the_right_parser_needs_no_word() -> None:
    assert found(tool_call_parser="qwen3_json", enable_auto_tool_choice=True) == []


def test_a_reasoning_parser_must_be_one() -> None:
    finding = only(reasoning_parser="qwen")

    assert finding.severity == "error"
    assert "qwen3" in (finding.advice or "")
    assert found(reasoning_parser="qwen3") == []


def test_a_chat_template_must_be_there_or_be_one(tmp_path: Path) -> None:
    there = tmp_path / "there.jinja"
    there.write_text("{{ messages }}")

    assert only(chat_template=str(tmp_path / "none.jinja")).keys == ("vllm.chat_template",)
    assert "is a directory" in only(chat_template=str(tmp_path)).message
    assert found(chat_template=str(there)) == []
    assert found(chat_template="{{ messages }}") == []


def adapter(directory: Path, **config: Any) -> str:
    directory.mkdir()
    (directory / "adapter_config.json").write_text(json.dumps({"r": 8, "bias": "none"} | config))
    return str(directory)


def test_a_good_adapter_needs_no_word(tmp_path: Path) -> None:
    path = adapter(tmp_path / "a")

    assert found(enable_lora=True, lora_modules=[f"a={path}"]) == []
    assert found(enable_lora=True, lora_modules=[{"name": "a", "path": path}]) == []
    assert found(enable_lora=True, lora_modules=["a=owner/on-the-hub"]) == []


def test_adapters_need_to_be_enabled(tmp_path: Path) -> None:
    assert only(lora_modules=[f"a={adapter(tmp_path / 'a')}"]).keys[0] == "vllm.enable_lora"


def test_a_missing_adapter_is_named(tmp_path: Path) -> None:
    missing = only(enable_lora=True, lora_modules=[f"a={tmp_path}/none"])
    empty = only(enable_lora=True, lora_modules=[f"a={tmp_path}"])

    assert missing.message == f"the adapter a is not there: {tmp_path}/none does not exist"
    assert empty.message == f"the adapter a has no adapter_config.json in {tmp_path}"
    assert "NAME=PATH" in (only(enable_lora=True, lora_modules=["a"]).advice or "")


def test_a_rank_above_the_limit_is_told_with_the_next_that_vllm_takes(tmp_path: Path) -> None:
    path = adapter(tmp_path / "a", rank_pattern={"q_proj": 48})
    finding = only(enable_lora=True, lora_modules=[f"a={path}"])

    assert finding.message == "the adapter a has rank 48, more than max_lora_rank, which is 16"
    assert finding.advice == "set `max_lora_rank: 64`"
    assert found(enable_lora=True, max_lora_rank=64, lora_modules=[f"a={path}"]) == []


def test_what_vllm_does_not_serve_of_adapters_is_told(tmp_path: Path) -> None:
    path = adapter(tmp_path / "a", use_dora=True)

    assert "DoRA" in only(enable_lora=True, lora_modules=[f"a={path}"]).message
