"""What is ready to be deployed agrees with the program: routes, commands, limits, time-outs."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mixvllm.cli.app import run
from mixvllm.server.lifecycle import Phase
from mixvllm.server.signals import END_MARGIN_S
from mixvllm.settings.check import check_file
from mixvllm.settings.schema import ServeConfig, ServerConfig
from tests.server.small_engine import running

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DEFAULTS = ServerConfig()


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The documents of the manifest by their kind."""
    documents = YAML(typ="safe").load_all(DEPLOY / "kubernetes.yaml")
    return {document["kind"]: document for document in documents}


@pytest.fixture
def pod(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def config_of_pod(manifest: dict[str, Any], tmp_path: Path) -> Path:
    file = tmp_path / "mixvllm.yaml"
    file.write_text(manifest["ConfigMap"]["data"]["mixvllm.yaml"])
    return file


@pytest.mark.anyio
async def test_the_probes_of_kubernetes_name_routes_that_answer_as_they_must(
    pod: dict[str, Any],
) -> None:
    (container,) = pod["containers"]
    live, health = (
        container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")
    )
    async with running() as server:
        await server.reach(Phase.LOADING)
        loading = [(await server.client.get(path)).status_code for path in (live, health)]
        await server.ready()
        ready = [(await server.client.get(path)).status_code for path in (live, health)]

    assert loading == [200, 503]
    assert ready == [200, 200]


def test_the_config_in_the_manifest_is_valid_and_fits_the_pod(
    pod: dict[str, Any], config_of_pod: Path
) -> None:
    checked = check_file(config_of_pod)
    assert checked.problems == ()
    settings = ServeConfig.from_layers([YAML(typ="safe").load(config_of_pod)])
    (container,) = pod["containers"]

    assert container["ports"][0]["containerPort"] == settings.server.port
    gpus = container["resources"]["limits"]["nvidia.com/gpu"]
    assert gpus == settings.inference.tensor_parallel_size
    end_s = settings.server.shutdown_grace_s + END_MARGIN_S
    assert pod["terminationGracePeriodSeconds"] > end_s
    assert [name for name in _variables(container) if name.startswith("MIXVLLM_")] == [
        "MIXVLLM_SERVER__API_KEY"
    ]


def _variables(container: dict[str, Any]) -> list[str]:
    return [variable["name"] for variable in container["env"]]


def test_the_command_in_the_manifest_is_one_of_ours(
    pod: dict[str, Any], config_of_pod: Path
) -> None:
    (container,) = pod["containers"]
    assert "command" not in container, "the image's own has an init in front of mixvllm"

    assert run(_with_config(container["args"], config_of_pod)) == 0


def test_the_pod_runs_as_the_user_of_the_image_who_may_write_the_cache(pod: dict[str, Any]) -> None:
    dockerfile = (DEPLOY / "docker" / "cuda.Dockerfile").read_text(encoding="utf-8")
    (user,) = re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE)

    context = {"runAsNonRoot": True, "runAsUser": int(user), "fsGroup": int(user)}
    assert pod["securityContext"] == context


def _with_config(arguments: list[str], config: Path) -> list[str]:
    """The arguments with a config that exists, printing what would be served."""
    place = arguments.index("--config") + 1
    return [*arguments[:place], str(config), *arguments[place + 1 :], "--dry-run"]


@pytest.fixture
def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "mixvllm.service")
    return parser["Service"]


def test_the_command_of_the_systemd_unit_is_one_of_ours(unit: configparser.SectionProxy) -> None:
    program, *arguments = shlex.split(unit["ExecStart"])
    assert Path(program).name == "mixvllm"

    assert run(_with_config(arguments, ROOT / "configs" / "demo.yaml")) == 0


def test_systemd_waits_for_the_end_and_signals_the_server_alone(
    unit: configparser.SectionProxy,
) -> None:
    assert float(unit["TimeoutStopSec"]) > DEFAULTS.shutdown_grace_s + END_MARGIN_S
    assert unit["KillMode"] == "mixed"
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.fixture
def nginx() -> dict[str, str]:
    """The simple directives of the file."""
    text = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text())
    assert text.count("{") == text.count("}")
    return dict(re.findall(r"^\s*(\w+)\s+([^;{]+);", text, flags=re.MULTILINE))


def test_nginx_closes_idle_connections_before_the_server_does(nginx: dict[str, str]) -> None:
    assert float(nginx["keepalive_timeout"].removesuffix("s")) < DEFAULTS.keep_alive_s
    assert nginx["proxy_http_version"] == "1.1"


def test_nginx_takes_the_bodies_that_the_server_takes(nginx: dict[str, str]) -> None:
    assert float(nginx["client_max_body_size"].removesuffix("m")) == DEFAULTS.max_body_mib


def test_nginx_does_not_hold_or_cut_streams(nginx: dict[str, str]) -> None:
    assert nginx["proxy_buffering"] == "off"
    assert nginx["gzip"] == "off"
    assert float(nginx["proxy_read_timeout"].removesuffix("s")) > 2 * DEFAULTS.sse_keep_alive_s
    assert nginx["proxy_next_upstream"] == "off"
    assert nginx["proxy_pass"] == "http://mixvllm"
