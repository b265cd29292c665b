"""`mixvllm config validate`: the report, its three forms and its exit codes."""

from pathlib import Path

import pytest

from tests.cli.command import Command

GOOD = "model: {name: demo}\n"
BAD = "model: {nam: demo}\nserver:\n  port: 80\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return file


def test_a_right_file_ends_with_zero(mixvllm: Command, good: Path) -> None:
    ran = mixvllm("config", "validate", "good.yaml")

    assert (ran.code, ran.out, ran.err) == (0, "good.yaml: ok\n", "")


def test_every_problem_of_every_file_has_line_caret_and_cure(
    mixvllm: Command, good: Path, bad: Path
) -> None:
    ran = mixvllm("config", "validate", "bad.yaml", "good.yaml", "none.yaml")

    assert ran.code == 1
    assert ran.out == (
        "bad.yaml:1:9: model.nam: is no setting of `model` (did you mean name?)\n"
        "    1 | model: {nam: demo}\n"
        "      |         ^^^^\n"
        "bad.yaml:3:9: server.port: must be between 1024 and 65535, not 80\n"
        "    3 |   port: 80\n"
        "      |         ^^\n"
        "none.yaml: no such file (`mixvllm config init` writes one)\n"
        "bad.yaml: 2 errors\n"
        "good.yaml: ok\n"
        "none.yaml: 1 error\n"
    )


def test_the_json_report_has_the_contracts_shape(mixvllm: Command, bad: Path) -> None:
    ran = mixvllm("config", "validate", "bad.yaml", "--format", "json")

    assert ran.code == 1
    assert ran.err == ""
    assert ran.json["ok"] is False
    (file,) = ran.json["files"]
    assert (file["file"], file["ok"]) == ("bad.yaml", False)
    assert file["problems"][0] == {
        "line": 1,
        "column": 9,
        "key": "model.nam",
        "message": "is no setting of `model`",
        "severity": "error",
        "suggestion": "name",
        "code": "unknown-setting",
    }


def test_the_github_report_is_one_annotation_a_problem(mixvllm: Command, bad: Path) -> None:
    ran = mixvllm("config", "validate", "bad.yaml", "--format", "github")

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "::error file=bad.yaml,line=1,col=9::model.nam: is no setting of `model` "
        "(did you mean name?)",
        "::error file=bad.yaml,line=3,col=9::server.port: must be between 1024 and 65535, not 80",
    ]


def test_a_wrong_variable_is_reported_beside_the_files(
    mixvllm: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXVLLM_SERVER__PORT", "eighty")

    ran = mixvllm("config", "validate", "good.yaml", "--json")

    assert ran.code == 1
    assert [(f["file"], f["ok"]) for f in ran.json["files"]] == [
        ("good.yaml", True),
        ("environment", False),
    ]
    assert ran.json["files"][1]["problems"][0]["line"] is None


def test_a_warning_stops_only_under_strict(
    mixvllm: Command, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIXVLLM_SERVR__PORT", "1")

    assert mixvllm("config", "validate", "good.yaml").code == 0
    assert mixvllm("config", "validate", "good.yaml", "--strict").code == 1


def test_the_file_of_the_directory_is_checked_when_none_is_named(
    mixvllm: Command, tmp_path: Path
) -> None:
    nothing = mixvllm("config", "validate")
    (tmp_path / "mixvllm.yaml").write_text(GOOD)

    assert nothing.code == 2
    assert "no mixvllm.yaml here" in nothing.err
    assert mixvllm("config", "validate").out == "mixvllm.yaml: ok\n"


def test_problems_keep_their_carets_in_a_narrow_pipe(
    mixvllm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    (tmp_path / "long.yaml").write_text(f"server: {{host: {'x' * 60}, port: 80}}\n")

    ran = mixvllm("config", "validate", "long.yaml")

    source, caret = ran.out.splitlines()[1:3]
    assert caret.index("^") == source.index("80")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('""', "server.api_key: must not be empty"),
        ("123456", "server.api_key: must be text (write it in quotes)"),
        ("[sk-1]", "server.api_key: must be text"),
    ],
)
def test_a_key_that_is_refused_is_not_shown(
    mixvllm: Command, tmp_path: Path, value: str, message: str
) -> None:
    (tmp_path / "a.yaml").write_text(f"server:\n  api_key: {value}\n")

    text, data = mixvllm("config", "validate", "a.yaml"), mixvllm("config", "show", "-c", "a.yaml")

    assert message in text.out
    assert message in data.err
    for said in (text.out, data.err):
        assert "sk-1" not in said
        assert "123456" not in said


MODEL_FILE = """\
model:
  name: meta-llama/Llama-3.3-70B-Instruct
inference:
  gpus: 3
  max_model_len: 200000
profiles:
  two:
    inference: {gpus: 2, max_model_len: 8192}
"""


def test_a_file_is_held_against_the_model_that_it_names(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL_FILE)

    ran = mixvllm("config", "validate", "a.yaml", "--json")

    assert ran.code == 1
    (file,) = ran.json["files"]
    assert [(p["line"], p["column"], p["key"], p["severity"]) for p in file["problems"]] == [
        (4, 9, "inference.gpus", "error"),
        (5, 18, "inference.max_model_len", "error"),
    ]
    assert "131072" in file["problems"][1]["suggestion"]


def test_a_profile_is_judged_where_it_changes_the_answer(mixvllm: Command, tmp_path: Path) -> None:
    right = MODEL_FILE.replace("gpus: 3", "gpus: 8").replace("200000", "8192")
    (tmp_path / "a.yaml").write_text(right)

    ran = mixvllm("config", "validate", "a.yaml", "--gpu", "A100-40G", "--format", "github")

    assert ran.code == 1
    (line,) = ran.out.splitlines()
    assert line.startswith("::error file=a.yaml,line=8,col=23::profiles.two.inference.gpus: ")
    assert "does not fit: the weights take 65.74 GiB" in line
    assert "ways out: tensor_parallel_size: 4 (" in line


def test_a_doubt_stops_only_under_strict(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {name: Qwen/Qwen3-0.6B}\n")

    lenient = mixvllm("config", "validate", "a.yaml", "--gpu", "T4")
    strict = mixvllm("config", "validate", "a.yaml", "--gpu", "T4", "--strict")

    assert (lenient.code, strict.code) == (0, 1)
    assert "a.yaml:1:15: warning: model.name: T4 (compute capability 7.5)" in lenient.out


def test_a_model_that_nobody_knows_is_a_note(mixvllm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: {name: nobody/nothing}\n")

    ran = mixvllm("config", "validate", "a.yaml", "--strict")

    assert ran.code == 0
    assert ran.out.startswith("a.yaml: ok; note: not judged against its model: The model nobody")


def test_a_wrong_file_is_held_against_its_model_too_but_not_against_the_memory(
    mixvllm: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(MODEL_FILE + "server: {port: 80}\n")

    ran = mixvllm("config", "validate", "a.yaml", "--gpu", "24GiB")

    assert [line.split(": ")[0] for line in ran.out.splitlines() if line.startswith("a.yaml:")] == [
        "a.yaml:4:9",
        "a.yaml:5:18",
        "a.yaml:9:16",
        "a.yaml",
    ]
    assert "whether it fits is judged when its errors are gone" in ran.out


def test_a_gpu_that_is_not_known_is_a_usage_error(mixvllm: Command, good: Path) -> None:
    ran = mixvllm("config", "validate", "good.yaml", "--gpu", "H1000")

    assert ran.code == 2
    assert "Nearest are" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: demo\n", "not text (write model: {name: demo})"),
        ("inference: {gpu_memory: 90%}\n", "not '90%' (did you mean 0.9?)"),
        ("model: {name: [\n", "the file ends within a bracket, a brace or a quote (close"),
        ('model: {name: "x\n', "the file ends within a bracket, a brace or a quote (close"),
        ("model:\n  name: a: b\n", "not allowed here (check the indentation; a text with"),
        (
            "model:\n\tname: demo\n",
            "(indent with spaces, not tabs)\n    2 |  name: demo\n      | ^\n",
        ),
    ],
)
def test_usual_slips_are_told_with_what_was_meant(
    mixvllm: Command, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "slip.yaml").write_text(text)

    ran = mixvllm("config", "validate", "slip.yaml")

    assert ran.code == 1
    assert said in ran.out
