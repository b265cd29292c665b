"""What was said so far: turns that can be undone, asked again, recorded and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mixvllm.chat.messages import Message, images_of, text_of

# A change as it is recorded: one key says what was done.
Entry = Mapping[str, Any]


@dataclass
class Turn:
    """What the user said, and all that followed until the next time.

    Attributes:
        messages: The user's first.
    """

    messages: list[Message]

    @property
    def text(self) -> str:
        """What the user said."""
        return text_of(self.messages[0])

    @property
    def images(self) -> tuple[str, ...]:
        """What the user showed, as data URLs."""
        return images_of(self.messages[0])

    @property
    def is_answered(self) -> bool:
        """Whether anything followed."""
        return len(self.messages) > 1


@dataclass
class History:
    """The turns of a conversation. Every change is told to `record`, and `replay` repeats it.

    Attributes:
        system: The system prompt, or None.
        turns: The oldest first.
        left_out: How many of the oldest turns are no longer sent; they are kept all the same.
        record: Told of each change; the session file, or nobody.
    """

    system: str | None = None
    turns: list[Turn] = field(default_factory=list)
    left_out: int = 0
    record: Callable[[Entry], None] = field(default=lambda entry: None, repr=False)

    def set_system(self, text: str | None) -> None:
        """Set the system prompt, or take it away."""
        self.replay({"system": text})
        self.record({"system": text})

    def add(self, message: Message) -> None:
        """Add a message; the user's begins a turn."""
        self.replay({"message": message})
        self.record({"message": message})

    def undo(self) -> Turn | None:
        """Take the last turn away and give it back; None where there is none."""
        if not self.turns:
            return None
        last = self.turns[-1]
        self.replay({"undo": True})
        self.record({"undo": True})
        return last

    def clear(self) -> None:
        """Forget every turn; the system prompt stays."""
        self.replay({"reset": True})
        self.record({"reset": True})

    def replay(self, entry: Entry) -> None:
        """Make a change that was recorded.

        Raises:
            ValueError: it is none.
        """
        match entry:
            case {"system": str() | None as text}:
                self.system = text
            case {"message": {"role": "user"} as message}:
                self.turns.append(Turn([message]))
            case {"message": {"role": "assistant" | "tool"} as message} if self.turns:
                self.turns[-1].messages.append(message)
            case {"undo": True} if self.turns:
                del self.turns[-1]
                self.left_out = min(self.left_out, len(self.turns))
            case {"reset": True}:
                self.turns.clear()
                self.left_out = 0
            case _:
                raise ValueError("it is no change of a conversation")
