import io
import json

from rich.console import Console

from mixvllm.cli.log_stream import JsonLines
from mixvllm.cli.output import Output
from mixvllm.server.logs import json_line
from tests.cli.command import Command


def test_words_become_log_lines_with_their_level() -> None:
    stream = io.StringIO()
    output = Output(out=Console(file=io.StringIO()), err=Console(file=stream))
    output.log_json()

    output.warn("it [may] fail")
    output.note("by the way")
    output.fail("It failed.", "Do that.")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("warning", "it [may] fail"),
        ("info", "by the way"),
        ("error", "It failed."),
        ("info", "Do that."),
    ]


def test_a_line_waits_for_its_end_and_a_document_passes_as_it_is() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream)
    document = json_line("info", "mixvllm", "Hello.")

    lines.write("half a ")
    assert stream.getvalue() == ""
    lines.write(f"line\n{document}\n")

    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["message"] == "half a line"
    assert second == document


def test_a_server_that_cannot_begin_says_so_in_log_lines(mixvllm: Command) -> None:
    ran = mixvllm("serve", "./none", "--log-format", "json", "--api-key", "hush")

    assert ran.code == 1
    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert [line["level"] for line in lines][:2] == ["warning", "error"]
    assert "There is no model directory ./none." in ran.err
