"""Whatever stands in a file, a variable or a flag, the answer is problems, never a traceback."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixvllm.errors import MixvllmError, Problem, SettingsError
from mixvllm.settings.check import check_file
from mixvllm.settings.fields import all_fields, fields_by_key, section_aliases
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.from_vllm_command import convert
from mixvllm.settings.layers.vllm_flags import read_vllm_flags
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.yaml_writer import write_yaml

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
names = st.sampled_from(
    [*section_aliases(), *(f.name for f in all_fields()), "profiles", "x", "<<"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
yaml_text = st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,?~ \n\t0.1<\\", max_size=60)


@FEW
@given(content=st.binary(max_size=80) | yaml_text.map(str.encode))
def test_any_bytes_are_checked(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)

    report = check_file(file)

    assert report.problems or report.notes


@FEW
@given(tree=st.dictionaries(names, trees, max_size=5))
def test_any_tree_of_settings_is_checked_and_resolves_or_is_refused(
    tmp_path: Path, tree: dict[str, object]
) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(write_yaml(tree))

    is_ok = check_file(file).is_ok()

    if is_ok:
        assert resolve(Sources(config=file)).config_file == str(file)
    elif "profiles" not in tree:
        with pytest.raises(SettingsError):
            resolve(Sources(config=file))


@FEW
@given(text=st.text(max_size=12), key=st.sampled_from(sorted(fields_by_key())))
def test_any_text_is_a_value_or_a_problem_of_its_variable_and_its_flag(text: str, key: str) -> None:
    field = fields_by_key()[key]
    sources = [Sources(environment={field.environment_name: text})]
    if not field.is_flag_pair:
        sources.append(Sources(flags=[GivenFlag(field.flags[0], text)]))
    for source in sources:
        named = {p.key for p in _problems_of(source)}
        assert named <= {field.environment_name, field.flags[0]}


@FEW
@given(
    words=st.lists(
        st.sampled_from(["--seed", "-tp", "--x", "1", "", "=", "--no-x", "-"]) | st.text(max_size=5)
    )
)
def test_any_words_after_the_dashes_are_read_or_named(words: list[str]) -> None:
    reading = read_vllm_flags(words)

    assert len(reading.given) + len(reading.problems) <= len(words)
    assert not words or reading.given or reading.problems


@FEW
@given(
    words=st.lists(
        st.sampled_from(
            ["--seed", "-tp", "--api-key", "'a b'", "docker run -e", "-m", "> x", "A=b"]
        )
        | st.text(max_size=6)
    ),
    start=st.sampled_from(["", "vllm serve m ", "docker run --rm vllm/vllm-openai "]),
)
def test_any_command_is_refused_or_becomes_a_valid_file(
    tmp_path: Path, start: str, words: list[str]
) -> None:
    file = tmp_path / "any.yaml"
    try:
        converted = convert(start + " ".join(words), tmp_path)
    except MixvllmError:
        return
    file.write_text(converted.text, encoding="utf-8")

    assert check_file(file).problems == ()


def _problems_of(source: Sources) -> tuple[Problem, ...]:
    try:
        return resolve(source).warnings
    except SettingsError as error:
        return error.problems
