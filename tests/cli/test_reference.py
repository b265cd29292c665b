"""The generated documents in the repository are what would be generated now."""

from pathlib import Path

import pytest

from mixvllm.cli.reference import DOCUMENTS, command_paths, main
from mixvllm.settings.fields import all_fields
from mixvllm.settings.reference import reference_yaml, settings_page
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.yaml_document import read_yaml
from tests.cli.command import Command

ROOT = Path(__file__).parents[2]


def test_the_documents_in_the_repository_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--check"], ROOT)

    said = capsys.readouterr()
    assert (said.out, said.err, code) == ("", "", 0)


def test_a_document_that_was_edited_is_shown_and_written_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("mixvllm.cli.reference.DOCUMENTS", {"page.md": settings_page})
    (tmp_path / "pyproject.toml").touch()
    page = tmp_path / "page.md"
    page.write_text(settings_page().replace("# Settings\n", "# Mine\n"), encoding="utf-8")

    assert main(["--check"], tmp_path) == 1
    checked = capsys.readouterr()
    assert "-# Mine\n+# Settings\n" in checked.out
    assert "page.md is out of date" in checked.err
    assert main([], tmp_path) == 0
    assert page.read_text(encoding="utf-8") == settings_page()
    assert main(["--check"], tmp_path) == 0


@pytest.mark.parametrize("arguments", [["--chekc"], ["--check", "x"]])
def test_wrong_usage_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments, ROOT) == 2
    assert capsys.readouterr().err == "usage: python -m mixvllm.cli.reference [--check]\n"


def test_it_writes_only_in_a_repository(tmp_path: Path) -> None:
    assert main([], tmp_path) == 2
    assert list(tmp_path.glob("docs/*")) == []


def test_every_command_of_the_table_and_of_its_groups_has_its_help() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    paths = list(command_paths())
    assert {("serve",), ("config",), ("config", "init")} <= set(paths)
    for path in paths:
        assert f"\n## `mixvllm {' '.join(path)}`\n" in page


def test_every_document_is_committed() -> None:
    assert [name for name in DOCUMENTS if not (ROOT / name).is_file()] == []


def test_the_page_has_every_name_flag_and_variable() -> None:
    page = settings_page()
    for field in all_fields():
        for name in (field.name, *field.aliases, *field.flags, field.environment_name):
            assert f"`{name}`" in page


def test_a_document_is_made_of_those_that_were_just_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").touch()
    data = tmp_path / "data.txt"
    data.write_text("old")
    pages = {"data.txt": lambda: "new", "page.md": lambda: f"it is {data.read_text()}"}
    monkeypatch.setattr("mixvllm.cli.reference.DOCUMENTS", pages)

    assert main([], tmp_path) == 0
    assert (tmp_path / "page.md").read_text() == "it is new"


def test_the_reference_file_has_every_key_and_changes_no_default(tmp_path: Path) -> None:
    file = tmp_path / "reference.yaml"
    file.write_text(reference_yaml(), encoding="utf-8")
    for field in all_fields():
        assert f"{field.name}: " in reference_yaml()

    reference = resolve(Sources(config=file)).settings
    assert reference.model.name == read_yaml(file).data["model"]["name"]
    defaults = resolve(Sources(directory=tmp_path)).settings
    assert reference.model_copy(update={"model": defaults.model}) == defaults


def test_every_commented_example_of_the_reference_file_is_valid(mixvllm: Command) -> None:
    keys = tuple(f"  # {field.name}: " for field in all_fields())
    body, heading, rest = reference_yaml().partition("\n# Any other vLLM argument")
    examples = [
        line.replace("# ", "", 1) if line.startswith(keys) else line for line in body.splitlines()
    ]
    text = "\n".join(examples) + heading + rest.replace("\n  # ", "\n  ")
    Path("all.yaml").write_text(text, encoding="utf-8")

    ran = mixvllm("config", "validate", "all.yaml")
    assert ran.code == 0
    # The example of `revision` is one that no catalogue has.
    assert ran.out.startswith("all.yaml: ok; note: not judged against its model: The revision main")
    given = read_yaml(Path("all.yaml")).data
    assert {name for section in given.values() for name in section} > {
        field.name for field in all_fields()
    }
    assert given["profiles"]["dev"]
