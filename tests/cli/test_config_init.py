"""`mixvllm config init` writes a file that validates, and never over another one."""

import io
from pathlib import Path

import pytest

from mixvllm.settings.yaml_document import read_yaml
from tests.cli.command import Command

COMMAND = "vllm serve org/model -tp 2 --tool-call-parser hermes"


def test_a_starter_file_is_written_where_serve_finds_it(mixvllm: Command) -> None:
    ran = mixvllm("config", "init")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "note: wrote mixvllm.yaml; next: mixvllm serve\n"
    assert mixvllm("config", "validate").out == "mixvllm.yaml: ok\n"
    shown = mixvllm("config", "show", "--json").json
    assert shown["settings"]["model"]["name"] == "demo"


def test_a_starter_file_changes_no_default(mixvllm: Command) -> None:
    before = mixvllm("config", "show", "--json").json["settings"]
    mixvllm("config", "init", "--model", "org/model")
    after = mixvllm("config", "show", "--json").json["settings"]

    assert after == {**before, "model": {**before["model"], "name": "org/model"}}


def test_every_commented_example_of_the_starter_file_is_valid(mixvllm: Command) -> None:
    text = mixvllm("config", "init", "-").out
    lines = text.splitlines()
    examples = [line for line in lines if line.startswith("  # ") and ": " in line]
    names = ("trust_remote_code", "max_model_len", "dtype", "api_key", "temperature", "max_tokens")
    wanted = [line for line in examples if line[4:].startswith(names)]
    assert len(wanted) == len(names)
    uncommented = [line.replace("# ", "", 1) if line in wanted else line for line in lines]
    Path("all.yaml").write_text("\n".join(uncommented))

    assert mixvllm("config", "validate", "all.yaml").out == "all.yaml: ok\n"


@pytest.mark.parametrize("name", ["org/model", "/models/with space", "null", "5", "a: b # c", "'"])
def test_any_model_name_is_written_so_that_it_reads_back(mixvllm: Command, name: str) -> None:
    assert mixvllm("config", "init", "m.yaml", "--model", name).code == 0

    assert read_yaml(Path("m.yaml")).data["model"]["name"] == name


def test_an_existing_file_stays_as_it_is(mixvllm: Command) -> None:
    Path("mixvllm.yaml").write_text("model: {name: mine}\n")

    ran = mixvllm("config", "init")

    assert ran.code == 1
    assert "mixvllm.yaml exists already." in ran.err
    assert "--force" in ran.err
    assert Path("mixvllm.yaml").read_text() == "model: {name: mine}\n"


def test_force_overwrites_it(mixvllm: Command) -> None:
    Path("mixvllm.yaml").write_text("model: {name: mine}\n")

    assert mixvllm("config", "init", "--force", "--model", "theirs").code == 0
    assert read_yaml(Path("mixvllm.yaml")).data["model"] == {"name": "theirs"}


def test_a_hyphen_writes_to_stdout_and_nowhere_else(mixvllm: Command) -> None:
    ran = mixvllm("config", "init", "-")

    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.startswith("# Settings of mixvllm.")
    assert list(Path().glob("*.yaml")) == []


def test_the_schema_is_written_beside_it_on_request(mixvllm: Command) -> None:
    assert mixvllm("config", "init", "a.yaml", "--with-schema").code == 0

    modeline = "# yaml-language-server: $schema=mixvllm.schema.json\n"
    assert Path("a.yaml").read_text().startswith(modeline)
    assert Path("mixvllm.schema.json").read_text() == mixvllm("config", "schema").out


def test_a_schema_that_lies_there_already_is_named(mixvllm: Command) -> None:
    Path("mixvllm.schema.json").write_text("{}")

    mixvllm("config", "init", "a.yaml")
    mixvllm("config", "init", "b.yaml", "--from", COMMAND)

    for file in ("a.yaml", "b.yaml"):
        first = Path(file).read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=mixvllm.schema.json"


def test_without_a_schema_no_modeline_promises_one(mixvllm: Command) -> None:
    mixvllm("config", "init")

    assert "$schema" not in Path("mixvllm.yaml").read_text()


def test_a_command_is_converted(mixvllm: Command) -> None:
    ran = mixvllm("config", "init", "--from", COMMAND)

    assert (ran.code, ran.err) == (0, "note: wrote mixvllm.yaml; next: mixvllm serve\n")
    assert read_yaml(Path("mixvllm.yaml")).data == {
        "model": {"name": "org/model"},
        "inference": {"tensor_parallel_size": 2},
        "vllm": {"tool_call_parser": "hermes"},
    }


def test_a_command_may_come_from_stdin(mixvllm: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("vllm serve \\\n  'org/model'\n"))

    assert mixvllm("config", "init", "-", "--from", "-").out.endswith(
        "\nmodel:\n  name: org/model\n"
    )


def test_flags_alone_are_a_command_too(mixvllm: Command) -> None:
    assert mixvllm("config", "init", "-", "--from", "--model a").out.endswith("  name: a\n")


def test_what_cannot_be_converted_is_said_on_stderr(mixvllm: Command) -> None:
    ran = mixvllm("config", "init", "-", "--from", f"{COMMAND} --tool-cal-parser x")

    assert ran.code == 0
    assert ran.err == (
        "command line: warning: --tool-cal-parser: is no flag that this vLLM knows "
        "(did you mean --tool-call-parser?)\n"
    )
    assert "#   --tool-cal-parser x: " in ran.out


def test_json_names_file_content_and_problems(mixvllm: Command) -> None:
    ran = mixvllm("config", "init", "a.yaml", "--from", "vllm serve m --nope", "--json")

    assert ran.err == ""
    assert ran.json["file"] == "a.yaml"
    assert ran.json["content"] == Path("a.yaml").read_text()
    assert [(p["key"], p["severity"]) for p in ran.json["problems"]] == [("--nope", "warning")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "a", "--from", "vllm serve b"), "--model and --from are two ways to begin"),
        (("--model", " "), "--model is empty."),
        (("-", "--with-schema"), "--with-schema needs a file to write beside."),
        (("--from", "ls"), "The command of --from does not start vLLM."),
        (("--from", "vllm serve 'm"), "The command of --from cannot be read"),
    ],
)
def test_wrong_usage_ends_with_2_and_writes_nothing(
    mixvllm: Command, arguments: tuple[str, ...], message: str
) -> None:
    ran = mixvllm("config", "init", *arguments)

    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""
    assert list(Path().iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no directory")

    ran = mixvllm("config", "init", "notes.txt/a.yaml", "--force")

    assert ran.code == 1
    assert "notes.txt/a.yaml cannot be written: " in ran.err


def test_a_directory_and_a_missing_one_are_told_with_what_to_do(
    mixvllm: Command, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()

    for words in (("here",), ("here", "--force")):
        ran = mixvllm("config", "init", *words)
        assert ran.code == 1
        assert "here is a directory.\n  Name a file in it: here/mixvllm.yaml." in ran.err
    ran = mixvllm("config", "init", "not/there/a.yaml")
    assert ran.code == 1
    assert "There is no directory not/there.\n  Make it first: mkdir -p not/there" in ran.err
