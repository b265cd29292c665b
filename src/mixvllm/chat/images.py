"""Images from files, as data URLs that go into a message."""

from __future__ import annotations

import base64
from pathlib import Path

from mixvllm.errors import ChatError
from mixvllm.sizes import MIB

# A message with more is refused by mixvllm's server (`max_body_mib`: 32), text form included.
LARGEST = 20 * MIB
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
KNOWN = "PNG, JPEG, WebP or GIF"


def image_url(path: Path) -> str:
    """The image in a file as a data URL.

    Raises:
        ChatError: there is no such file, it cannot be read, is no image or is too large.
    """
    try:
        size = path.stat().st_size
        # A pipe or a device would never end.
        is_file = path.is_file() or path.is_dir()
        content = path.read_bytes() if is_file and size <= LARGEST else b""
    except OSError as error:
        raise ChatError(f"The image {path} cannot be read: {error.strerror or error}.") from error
    if size > LARGEST:
        raise ChatError(
            f"The image {path} has {size / MIB:.1f} MiB; at most {LARGEST // MIB} can be sent.",
            hint="Scale it down.",
        )
    kind = _kind_of(content)
    if kind is None:
        raise ChatError(f"{path} is no image that models take.", hint=f"Give a {KNOWN} file.")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _kind_of(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in SIGNATURES if content.startswith(signature)), None)
