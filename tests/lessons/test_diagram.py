"""Flow charts in words."""

from mixvllm.lessons.diagram import lines_of
from mixvllm.lessons.library import lessons
from mixvllm.lessons.markdown import Code


def test_a_chain_is_one_line_with_what_is_written_at_its_arrows() -> None:
    source = 'flowchart LR\n  a[one] --> b["two, then"]\n  b -->|yes| c{three}'
    assert lines_of(source) == ("one --> two, then --yes--> three",)


def test_each_way_out_of_a_node_is_a_line() -> None:
    source = "flowchart TD\n  a[one] --> b[two]\n  a -->|else| c[three]\n  b --> d[four]"
    assert lines_of(source) == ("one --> two --> four", "one --else--> three")


def test_a_circle_ends() -> None:
    assert lines_of("flowchart LR\n a --> b\n b --> a") == ("a --> b --> a",)


def test_a_group_stands_before_its_ways_and_breaks_are_blanks() -> None:
    source = 'flowchart LR\n subgraph g["group"]\n a[one<br/>more] --> b\n end\n c --> d'
    assert lines_of(source) == ("group: one more --> b", "c --> d")


def test_every_chart_of_the_lessons_says_something() -> None:
    charts = [
        block.text
        for lesson in lessons()
        for block in lesson.blocks
        if isinstance(block, Code) and block.language == "mermaid"
    ]
    assert len(charts) > 5
    for chart in charts:
        assert chart.startswith("flowchart ")
        # Every arrow of the source is in the words.
        drawn = sum(line.count("-->") for line in lines_of(chart))
        assert drawn == sum(chart.count(arrow) for arrow in ("-->", "-.->", "==>"))
        # Mermaid takes a label such as "1. one" for a list, and the word `end` for its own.
        assert ". " not in chart
        assert "[end]" not in chart
