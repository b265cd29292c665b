"""Events come out of bytes whatever their framing, wherever the bytes were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixvllm.chat.event_stream import EventReader


def read(*pieces: bytes) -> list[str]:
    reader = EventReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return [*events, *reader.end()]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", ["a", "b"], id="line feeds"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"], id="CRLF"),
        pytest.param(b"data: a\r\rdata: b\r\r", ["a", "b"], id="carriage returns"),
        pytest.param(b"data:a\n\ndata:  b\n\n", ["a", " b"], id="one space is taken off"),
        pytest.param(b": wait\n\n:\n\ndata: a\n\n", ["a"], id="comments"),
        pytest.param(b"data: {\ndata: }\n\n", ["{\n}"], id="data on several lines"),
        pytest.param(b"data: a\n: wait\ndata: b\n\n", ["a\nb"], id="a comment amid data"),
        pytest.param(b"event: ping\n\ndata: a\n\n", ["a"], id="an event without data"),
        pytest.param(b"id: 1\nevent: x\nretry: 5\ndata: a\n\n", ["a"], id="other fields"),
        pytest.param(b"data\ndata: a\n\n", ["\na"], id="a field without a colon"),
        pytest.param(b"data: a\n\n\n\n\ndata: b\n\n", ["a", "b"], id="many blank lines"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", ["a"], id="a byte order mark"),
        pytest.param(b"data: a\n\ndata: b", ["a", "b"], id="no blank line at the end"),
        pytest.param(b"data: \xff\n\n", ["\ufffd"], id="bytes that are no UTF-8"),
        pytest.param(b"data: a\xe2\x80\xa8b\n\n", ["a\u2028b"], id="U+2028 ends no line"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_stream_is_read_however_it_is_framed(stream: bytes, events: list[str]) -> None:
    assert read(stream) == events
    assert read(*(bytes([byte]) for byte in stream)) == events


@given(
    events=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), min_size=1)
    ),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 400)),
)
def test_no_cut_loses_or_changes_an_event(events: list[str], ending: str, cuts: list[int]) -> None:
    stream = "".join(f"data: {event}{ending}{ending}" for event in events).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[begin:end] for begin, end in pairwise(places)]

    assert read(*pieces) == events
