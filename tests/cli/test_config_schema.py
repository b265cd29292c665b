"""`mixvllm config schema` prints the schema that the repository has a copy of."""

from pathlib import Path

import pytest

from tests.cli.command import Command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "copy"),
    [
        ((), "mixvllm.schema.json"),
        (("--json",), "mixvllm.schema.json"),
        (("--mcp",), "mcp_servers.schema.json"),
    ],
)
def test_it_is_the_committed_copy(mixvllm: Command, arguments: tuple[str, ...], copy: str) -> None:
    ran = mixvllm("config", "schema", *arguments)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (ROOT / "docs" / copy).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted(ROOT.glob("configs/**/*.yaml")), ids=lambda file: file.name)
def test_every_example_config_validates_and_names_its_schema(mixvllm: Command, file: Path) -> None:
    ran = mixvllm("config", "validate", "--strict", str(file))

    assert (ran.code, ran.out.partition(";")[0].strip()) == (0, f"{file}: ok")
    first = file.read_text(encoding="utf-8").splitlines()[0]
    modeline, _, schema = first.partition("$schema=")
    assert modeline == "# yaml-language-server: "
    assert (file.parent / schema).is_file()
