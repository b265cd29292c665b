from typing import Any

import pytest

from mixvllm.errors import InstallationError, SettingsError
from mixvllm.server import launch_checks
from mixvllm.server.launch_checks import check_launch
from mixvllm.vllm_internals.installed import InstalledEngine
from tests.server.small_engine import served

GPU = InstalledEngine("0.32.0", "gpu")


@pytest.mark.parametrize(
    "sections",
    [
        {"inference": {"distributed_executor_backend": "ray"}},
        {"vllm": {"data-parallel-backend": "ray"}},
    ],
)
def test_ray_that_is_not_installed_is_said_with_the_command_that_installs_it(
    sections: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch_checks, "find_spec", lambda name: None)

    with pytest.raises(InstallationError, match="Ray is not installed") as raised:
        check_launch(served(**sections), {}, GPU)

    assert "pip install 'ray[default]'" in str(raised.value.hint)


def test_ray_is_refused_with_the_cpu_build_which_would_fail_when_it_has_loaded() -> None:
    with pytest.raises(SettingsError, match="does not run on Ray"):
        check_launch(
            served(inference={"distributed_executor_backend": "ray"}),
            {},
            InstalledEngine("0.32.0", "cpu"),
        )


def test_ray_that_is_installed_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch_checks, "find_spec", lambda name: object())

    check_launch(served(inference={"distributed_executor_backend": "ray"}), {}, GPU)


def test_a_machine_that_answers_no_requests_is_not_served() -> None:
    with pytest.raises(SettingsError, match="headless"):
        check_launch(served(vllm={"headless": True}), {}, GPU)


@pytest.mark.parametrize(
    ("vllm", "environ"),
    [
        ({"enable-elastic-ep": True}, {}),
        ({}, {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}),
    ],
)
def test_what_needs_one_api_process_is_refused_with_several(
    vllm: dict[str, Any], environ: dict[str, str]
) -> None:
    check_launch(served(vllm=vllm), environ, GPU)

    with pytest.raises(SettingsError, match="one API process only"):
        check_launch(served(vllm=vllm, server={"workers": 2}), environ, GPU)
