import math

from mixvllm.server.metrics.family import Family, Sample, as_text, counts, gauge
from tests.server.metrics.exposition import Metrics


def test_the_text_is_what_prometheus_reads() -> None:
    text = as_text(
        [gauge("a_bytes", "How much.", 3.0, gpu="0"), counts("b_total", "N.", "k", {"x": 2})]
    )

    assert text == (
        "# HELP a_bytes How much.\n"
        "# TYPE a_bytes gauge\n"
        'a_bytes{gpu="0"} 3\n'
        "# HELP b_total N.\n"
        "# TYPE b_total counter\n"
        'b_total{k="x"} 2\n'
    )
    assert Metrics(text).value("a_bytes", gpu="0") == 3


def test_a_label_may_hold_every_character() -> None:
    name = 'quoted " back \\ slash\nline'

    assert Metrics(as_text([gauge("a", "A.", 1.5, name=name)])).value("a", name=name) == 1.5


def test_what_is_not_known_is_left_out_and_not_zero() -> None:
    assert as_text([gauge("a", "A.", None)]) == ""


def test_small_large_and_infinite_numbers_keep_their_value() -> None:
    numbers = (0.1, 1e-7, 5, 7 * 2**40, math.inf)
    family = Family(
        "a", "gauge", "A.", tuple(Sample(n, {"i": str(i)}) for i, n in enumerate(numbers))
    )
    read = Metrics(as_text([family]))

    assert [read.value("a", i=str(i)) for i in range(len(numbers))] == list(numbers)
