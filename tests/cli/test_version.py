"""`mixvllm --version`, for people and for programs."""

from importlib import metadata

from mixvllm.vllm_internals.installed import installed_engine
from tests.cli.command import Command


def test_the_versions_are_printed(mixvllm: Command) -> None:
    ran = mixvllm("--version")

    assert ran.code == 0
    assert ran.out.splitlines()[0] == f"mixvllm {metadata.version('mixvllm')}"
    assert ran.out.splitlines()[1].startswith("vLLM ")


def test_the_versions_are_one_json_document_under_json(mixvllm: Command) -> None:
    engine = installed_engine()

    for words in (["--version", "--json"], ["--json", "-V"]):
        ran = mixvllm(*words)
        assert ran.code == 0
        assert ran.json["mixvllm"] == metadata.version("mixvllm")
        assert (ran.json["vllm"] or {}).get("version") == (engine.version if engine else None)
