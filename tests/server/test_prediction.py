"""What is expected of an engine: a number, or a reason, and never a failure."""

from pathlib import Path

from mixvllm.server.prediction import Prediction, predict
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.installed import InstalledEngine

CPU = InstalledEngine("0.32.0", "cpu")


def asked(name: str, **vllm: object) -> ServeConfig:
    return ServeConfig.from_layers([{"model": {"name": name}, "vllm": vllm}])


def test_the_demo_model_is_predicted() -> None:
    prediction = predict(asked("demo"), CPU)

    assert prediction.tokens
    assert prediction.reason is None


def test_a_model_that_nobody_here_knows_is_a_reason() -> None:
    prediction = predict(asked("nobody/knows-this-model"), CPU)

    assert prediction.tokens is None
    assert "neither on this machine nor in the catalogue" in (prediction.reason or "")


def test_a_config_that_cannot_be_read_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": [{}], "num_hidden_layers": "x"}')

    assert predict(asked(str(tmp_path)), CPU).reason


def test_an_argument_that_is_not_modelled_is_a_reason() -> None:
    prediction = predict(asked("demo", hf_overrides={"rope_theta": 1}), CPU)

    assert prediction == Prediction(reason="What hf_overrides does to the memory is not modelled.")


def test_a_gpu_build_without_a_known_gpu_is_a_reason() -> None:
    assert predict(asked("demo"), InstalledEngine("0.32.0", "gpu")).reason == (
        "the GPU is not known"
    )
