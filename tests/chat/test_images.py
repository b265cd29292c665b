"""Images from files."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from mixvllm.chat import images
from mixvllm.chat.images import image_url
from mixvllm.errors import ChatError
from tests.chat.scripted_server import ScriptedServer, says
from tests.chat.talking import all_of, talk

PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"GIF89a", "gif"),
    ],
)
def test_the_kind_is_told_by_the_content(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "image.txt"
    path.write_bytes(content)

    encoded = base64.b64encode(content).decode()
    assert image_url(path) == f"data:image/{kind};base64,{encoded}"


def test_what_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    text, large, pipe = tmp_path / "a.png", tmp_path / "large.png", tmp_path / "pipe"
    text.write_text("hello")
    with large.open("wb") as file:
        file.truncate(images.LARGEST + 1)
    os.mkfifo(pipe)

    for path, said in (
        (text, "is no image that models take"),
        (large, "has 20.0 MiB; at most 20 can be sent"),
        (pipe, "is no image"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none.png", "No such file or directory"),
    ):
        with pytest.raises(ChatError, match=said):
            image_url(path)


@pytest.mark.anyio
async def test_images_are_sent_beside_the_text_and_again_on_retry(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    url = image_url(tmp_path / "a.png")
    with ScriptedServer([says("A cat.")]) as server:
        async with talk(server) as conversation:
            await all_of(conversation.send("What is it?", [url]))
            await all_of(conversation.ask_again("And now?"))

    for request, text in zip(server.asked, ("What is it?", "And now?"), strict=True):
        (message,) = request["messages"]
        assert message["content"] == [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": text},
        ]
