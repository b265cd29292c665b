"""Flags of ours, and vLLM's own after `--`."""

import pytest

from mixvllm.errors import SettingsError
from mixvllm.settings.fields import all_fields
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.layers.command_line import read_command_line
from mixvllm.settings.resolve import Sources, resolve


def passed(*words: str) -> dict[str, object]:
    """Key and value of everything that vLLM's flags give."""
    reading = read_command_line([], words)
    assert reading.problems == ()
    return {given.key: given.value for given in reading.given}


def problem_with(*words: str) -> tuple[str | None, str, str | None]:
    (problem,) = read_command_line([], words).problems
    assert problem.source == "command line"
    return problem.key, problem.message, problem.suggestion


@pytest.mark.parametrize("spelling", ["--gpus", "--tensor-parallel-size"])
def test_the_short_and_the_long_spelling_are_one_setting(spelling: str) -> None:
    resolved = resolve(Sources(flags=[GivenFlag(spelling, "2")]))

    assert resolved.settings.inference.tensor_parallel_size == 2
    assert str(resolved.value("inference.tensor_parallel_size").origin) == spelling


def test_two_spellings_with_different_values_contradict_each_other() -> None:
    flags = [GivenFlag("--gpus", "2"), GivenFlag("--tensor-parallel-size", "4")]

    with pytest.raises(SettingsError) as raised:
        resolve(Sources(flags=flags))

    assert raised.value.problems[0].key == "--tensor-parallel-size"


def test_every_field_has_a_flag_of_its_own() -> None:
    spellings = [spelling for field in all_fields() for spelling in field.flags]

    assert len(spellings) == len(set(spellings))
    assert {"--model", "--gpus", "--gpu-memory", "--max-model-len", "--top-k"} <= set(spellings)


def test_a_bad_flag_is_named_as_such() -> None:
    with pytest.raises(SettingsError) as raised:
        resolve(Sources(flags=[GivenFlag("--port", "80")]))

    (problem,) = raised.value.problems
    assert (problem.source, problem.key) == ("command line", "--port")


def test_vllms_flags_pass_through_to_the_mapping() -> None:
    assert passed("--tool-call-parser", "hermes", "--enable-auto-tool-choice") == {
        "vllm.tool_call_parser": "hermes",
        "vllm.enable_auto_tool_choice": True,
    }


def test_vllms_flags_are_read_in_every_spelling() -> None:
    assert passed(
        "--seed=3",
        "--no-async-scheduling",
        "--block_size",
        "32",
        "--disable-log-stats",
        "--cudagraph-capture-sizes",
        "1",
        "2",
        "--limit-mm-per-prompt",
        '{"image": 1}',
    ) == {
        "vllm.seed": "3",
        "vllm.async_scheduling": False,
        "vllm.block_size": "32",
        "vllm.disable_log_stats": True,
        "vllm.cudagraph_capture_sizes": ["1", "2"],
        "vllm.limit_mm_per_prompt": '{"image": 1}',
    }


def test_vllms_flags_that_are_settings_of_ours_count_as_those() -> None:
    assert passed("-tp", "2", "--max-model-len", "-1", "--served-model-name", "x") == {
        "inference.tensor_parallel_size": "2",
        "inference.max_model_len": "auto",
        "model.served_name": "x",
    }


def test_an_unknown_flag_has_the_nearest_name() -> None:
    assert problem_with("--tool-cal-parser", "x") == (
        "--tool-cal-parser",
        "is no flag that this vLLM knows",
        "--tool-call-parser",
    )


def test_a_flag_that_is_like_none_is_not_told_as_another() -> None:
    assert problem_with("--bogus", "1") == ("--bogus", "is no flag that this vLLM knows", None)


def test_a_flag_without_its_value_is_said() -> None:
    assert problem_with("--seed") == ("--seed", "needs a value", None)


def test_a_word_that_belongs_to_no_flag_is_said() -> None:
    key, message, _ = problem_with("--enable-auto-tool-choice", "hermes")

    assert key == "hermes"
    assert "stands alone" in message


@pytest.mark.parametrize("words", [("--seed", "1", "2"), ("extra",)])
def test_a_stray_word_is_never_dropped(words: tuple[str, ...]) -> None:
    assert "stands alone" in problem_with(*words)[1]


def test_vllms_flags_may_be_cut_short_where_only_one_begins_so() -> None:
    assert passed("--tensor-par", "2", "--enable-auto") == {
        "inference.tensor_parallel_size": "2",
        "vllm.enable_auto_tool_choice": True,
    }


def test_a_beginning_that_several_flags_share_is_no_flag() -> None:
    assert problem_with("--max-lo", "3")[1] == "is no flag that this vLLM knows"


def test_dotted_keys_are_gathered_into_one_json_value() -> None:
    assert passed(
        "--speculative-config.method",
        "ngram",
        "--speculative_config.num_speculative_tokens=3",
        "-cc.cudagraph_capture_sizes+",
        "1,2",
        "-cc.cudagraph_capture_sizes+=4",
    ) == {
        "vllm.speculative_config": '{"method": "ngram", "num_speculative_tokens": 3}',
        "vllm.compilation_config": '{"cudagraph_capture_sizes": ["1", "2", "4"]}',
    }


def test_dots_in_values_and_negative_numbers_are_left_alone() -> None:
    assert passed("--seed", "-1", "--tokenizer=a.b/c.d", "--watermark", "-0.5") == {
        "vllm.seed": "-1",
        "vllm.tokenizer": "a.b/c.d",
        "vllm.watermark": "-0.5",
    }


@pytest.mark.parametrize("words", [("-O3",), ("-O=3",), ("-O", "3")])
def test_the_optimization_level_has_its_short_spellings(words: tuple[str, ...]) -> None:
    assert passed(*words) == {"vllm.optimization_level": "3"}


def test_vllms_other_names_of_a_number_format_become_ours() -> None:
    assert passed("--dtype", "half") == {"inference.dtype": "float16"}


def test_a_switch_takes_no_value() -> None:
    key, message, _ = problem_with("--enforce-eager=true")
    assert (key, message) == ("--enforce-eager", "takes no value: it is on, or off as `--no-...`")


def test_a_second_served_name_is_not_dropped() -> None:
    key, message, _ = problem_with("--served-model-name", "a", "b")
    assert (key, message) == ("--served-model-name", "takes one value in mixvllm, not 2")


def test_a_flag_that_may_be_repeated_makes_a_list() -> None:
    assert passed("--middleware", "a.b", "--middleware=c") == {"vllm.middleware": ["a.b", "c"]}


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("a", "1", "a.b", "x", "a.c", "[2]"), '{"a": {"b": "x", "c": [2]}}'),
        (("a.c", "2", "a", '{"b": 1}'), '{"a": {"c": 2, "b": 1}}'),
        (("a", "1", "a+", "2,3"), '{"a": ["2", "3"]}'),
        (("a", "[1]", "a+", "2"), '{"a": [1, "2"]}'),
    ],
)
def test_dotted_keys_grow_as_in_vllm(words: tuple[str, ...], value: str) -> None:
    dotted = [f"--hf-overrides.{w}" if i % 2 == 0 else w for i, w in enumerate(words)]
    assert passed(*dotted) == {"vllm.hf_overrides": value}


@pytest.mark.parametrize("written", ["-qawq", "-q=awq"])
def test_a_value_may_stand_on_a_flag_of_one_letter(written: str) -> None:
    assert passed(written) == {"inference.quantization": "awq"}


def test_a_value_on_a_longer_short_flag_is_named_with_what_to_write() -> None:
    key, message, suggestion = problem_with("-tp2")

    assert (key, suggestion) == ("-tp2", "write -tp 2")
    assert message == "is no flag that this vLLM knows"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("--disable-log-requests", "unless `--enable-log-requests` asks for it"),
        ("--no-enable-reasoning", "`--reasoning-parser` alone"),
        ("--num_scheduler_steps=8", "it has no effect any more"),
    ],
)
def test_a_flag_that_vllm_has_no_more_is_no_typo_of_another(written: str, said: str) -> None:
    _, message, suggestion = problem_with(written)

    assert "earlier versions of vLLM" in message
    assert said in message
    assert suggestion is None
