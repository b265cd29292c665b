"""Arguments out of a log: read as data, never run."""

from hypothesis import given
from hypothesis import strategies as st

from mixvllm.vllm_internals.log_arguments import read_arguments, read_config


def test_a_mapping_is_read() -> None:
    read = read_arguments("{'model': 'a/b', 'max_model_len': 4096, 'enforce_eager': True}")

    assert read.values == {"model": "a/b", "max_model_len": 4096, "enforce_eager": True}
    assert not read.unread
    assert not read.is_cut


def test_objects_are_named_and_enums_are_read() -> None:
    read = read_arguments(
        "{'config_format': <ConfigFormat.AUTO: 'auto'>, 'compilation_config': "
        "CompilationConfig(level=3, x=<object at 0x7f>), 'hook': <function f at 0x7f>, 'seed': 1}"
    )

    assert read.values == {"config_format": "auto", "seed": 1}
    assert read.unread == ("compilation_config", "hook")


def test_a_namespace_of_older_releases_is_read() -> None:
    read = read_arguments("Namespace(model='a/b', gpu_memory_utilization=0.95, f=<function f>)")

    assert read.values == {"model": "a/b", "gpu_memory_utilization": 0.95}
    assert read.unread == ("f",)


def test_a_line_that_is_cut_is_read_up_to_there() -> None:
    read = read_arguments("{'model': 'a/b', 'max_model_len': 4096, 'served_model_na")

    assert read.values == {"model": "a/b", "max_model_len": 4096}
    assert read.is_cut


def test_nothing_of_a_log_is_run() -> None:
    read = read_arguments("{'model': __import__('os').system('false'), 'x': 1}")

    assert read.values == {"x": 1}
    assert read.unread == ("model",)


@given(st.text(alphabet="{}()'\":,<>= abc123\\[]", max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_arguments(text)
    read_arguments("{" + text)
    read_config(text)


def test_the_engines_word_on_its_configuration_is_read() -> None:
    read = read_config(
        "model='/m/a, b', speculative_config=None, revision=None, dtype=torch.bfloat16, "
        "max_seq_len=32768, tensor_parallel_size=2, quantization=compressed-tensors, "
        "enforce_eager=False, kv_cache_dtype=fp8, device_config=cuda, "
        "compilation_config={'mode': 3, 'model': 'x'}"
    )

    assert read == {
        "model": "/m/a, b",
        "dtype": "bfloat16",
        "max_model_len": 32768,
        "tensor_parallel_size": 2,
        "quantization": "compressed-tensors",
        "enforce_eager": False,
        "kv_cache_dtype": "fp8",
        "device": "cuda",
    }
