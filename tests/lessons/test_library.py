"""What every lesson has: a group, sources, an end, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.library import as_topic, lesson_about, lessons, lessons_by_name
from mixvllm.lessons.markdown import Heading, Paragraph
from mixvllm.lessons.pages import documents, page_of
from mixvllm.lessons.question import SectionExplained, SettingExplained, not_known, setting_meant
from mixvllm.lessons.spans import plain_text
from mixvllm.settings.fields import SettingField, all_fields, sections

DOCS = Path(__file__).parents[2] / "docs"
LINK = re.compile(r"\]\((?P<path>[^)#]+\.md)(?:#(?P<anchor>[\w-]+))?\)")
each_lesson = pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.topic)


def test_a_checkout_has_one_copy_of_the_pages() -> None:
    assert documents() == DOCS


def test_every_page_of_the_folder_is_a_lesson_but_its_index() -> None:
    files = {file.stem for file in (DOCS / "learn").glob("*.md")}
    assert {lesson.topic for lesson in lessons()} == files - {"index"}


def test_the_course_has_an_order_and_whole_groups() -> None:
    assert [lesson.order for lesson in lessons()] == list(range(1, len(lessons()) + 1))
    groups = [lesson.group for lesson in lessons()]
    assert groups == sorted(groups, key=groups.index)


def test_no_two_lessons_share_a_name() -> None:
    names = [name for lesson in lessons() for name in (lesson.topic, *lesson.other_names)]
    assert sorted(names) == sorted(set(names))
    assert all(name == as_topic(name) for name in names)


@each_lesson
def test_a_lesson_is_short_and_begins_with_its_title_and_an_answer(lesson: Lesson) -> None:
    first, second = lesson.blocks[:2]
    assert isinstance(first, Heading)
    assert first.level == 1
    assert isinstance(second, Paragraph | Heading)
    # Five minutes at 200 words a minute.
    assert 150 < len(lesson.markdown.split()) < 1000
    assert len(lesson.summary) <= 60


@each_lesson
def test_a_lesson_has_sources_and_refers_to_each_of_them(lesson: Lesson) -> None:
    assert lesson.sources
    text, _, _ = lesson.markdown.partition("## Sources")
    referred = {int(number) for number in re.findall(r"\[(\d+)\](?!\()", text)}
    if referred:
        assert referred == set(range(1, len(lesson.sources) + 1))
    for source in lesson.sources:
        assert (
            "http" in source or "mixvllm" in source or "vLLM 0.32.0" in source or len(source) > 30
        )


@each_lesson
def test_links_between_pages_lead_to_pages_and_headings(lesson: Lesson) -> None:
    for link in LINK.finditer(lesson.markdown):
        page = (DOCS / "learn" / link["path"]).resolve()
        assert page.is_file(), link[0]
        if link["anchor"]:
            titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert link["anchor"] in {re.sub(r"[^\w-]", "", as_topic(title)) for title in titles}
    assert set(lesson.see_also) <= {each.topic for each in lessons()}


def test_each_lesson_is_reached_from_another_and_from_the_index() -> None:
    index = (DOCS / "learn" / "index.md").read_text(encoding="utf-8")
    linked = {topic for lesson in lessons() for topic in lesson.see_also if topic != lesson.topic}
    for lesson in lessons():
        assert f"]({lesson.topic}.md)" in index
        assert lesson.topic in linked or lesson.order == 1


def test_what_the_guide_had_wrong_is_put_right_in_the_open() -> None:
    for topic in ("kv-cache", "parallelism", "gpu-memory", "sampling", "quantization", "slow"):
        markdown = lessons_by_name()[topic].markdown
        assert "**Often read elsewhere:**" in markdown
        assert "**In fact**" in markdown.replace("\n> ", " ").replace(
            "**In\n> fact**", "**In fact**"
        )


def test_every_setting_has_a_lesson_and_every_lesson_knows_its_settings() -> None:
    assert [field.key for field in all_fields() if lesson_about(field.key) is None] == []
    keys = {field.key for field in all_fields()}
    explained = [key for lesson in lessons() for key in lesson.explains]
    assert set(explained) <= keys
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize("field", all_fields(), ids=lambda field: field.key)
def test_a_setting_is_known_by_each_of_its_names(field: SettingField) -> None:
    short = [f"{field.section}.{alias}" for alias in field.aliases]
    for name in (field.key, *field.flags, field.environment_name, *short):
        assert setting_meant(name) == SettingExplained(field, lesson_about(field.key))


def test_a_value_behind_a_flag_is_no_part_of_its_name() -> None:
    meant = setting_meant("--gpu-memory=0.9")
    assert isinstance(meant, SettingExplained)
    assert meant.field.key == "inference.gpu_memory_utilization"


def test_a_section_is_its_fields() -> None:
    for section in (*sections(), "generation"):
        meant = setting_meant(section)
        assert isinstance(meant, SectionExplained)
        assert {field.section for field in meant.fields} == {meant.name}


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("kv-cach", "kv-cache"),
        ("KV cach", "kv-cache"),
        ("--gpu-memroy", "--gpu-memory"),
        ("server.prot", "server.port"),
        ("attent", "attention"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_name(written: str, near: str) -> None:
    assert f"Did you mean `mixvllm explain {near}`?" in str(not_known(written).hint)


@pytest.mark.parametrize("written", ["qqqqq", "nothing at all"])
def test_what_is_like_nothing_is_answered_with_the_list(written: str) -> None:
    assert not_known(written).hint == "`mixvllm explain` lists the topics."


def test_a_page_is_shown_without_front_matter_and_comments() -> None:
    page = page_of("x", "---\ngroup: G\nalso: a, b\n---\n\n# T\n\n<!-- c\n-->\n\n1<!-- d -->2\n")
    assert page.facts == {"group": "G", "also": "a, b"}
    assert page.markdown == "# T\n\n12\n"


def test_plain_text_leaves_no_marks() -> None:
    for lesson in lessons():
        for block in lesson.blocks:
            if isinstance(block, Paragraph):
                assert "`" not in plain_text(block.spans)
                assert "**" not in plain_text(block.spans)
