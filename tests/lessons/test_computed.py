"""Numbers between marks."""

from mixvllm.lessons.computed import questions, recomputed

LINE = (
    "It takes <!-- computed: size of X -->1 GiB<!-- end --> or <!-- computed: y -->2<!-- end -->\n"
)
BLOCK = "<!-- computed: table\na: b\n-->\n\n| old |\n\n<!-- end -->\n"


def test_what_is_asked_for_is_found_in_its_order() -> None:
    assert questions(LINE + BLOCK) == ("size of X", "y", "table\na: b")


def test_each_number_is_replaced_and_the_rest_stays() -> None:
    assert recomputed(LINE, str.upper) == LINE.replace("1 GiB", "SIZE OF X").replace("2<", "Y<")


def test_a_block_stands_on_lines_of_its_own() -> None:
    assert recomputed(BLOCK, lambda _: "| new |") == BLOCK.replace("old", "new")


def test_a_page_without_marks_stays_as_it_is() -> None:
    assert recomputed("# nothing <!-- here -->\n", str.upper) == "# nothing <!-- here -->\n"
