"""Messages between a peer's process and ours: a JSON object and named arrays. It needs numpy alone,
because each side imports it with an interpreter of its own.
"""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO, NamedTuple

import numpy as np

LENGTH = 8  # bytes that hold the size of the message behind them


class Message(NamedTuple):
    """What one side says to the other."""

    words: dict[str, Any]  # JSON data
    arrays: dict[str, np.ndarray]


def send(stream: BinaryIO, words: dict[str, Any], **arrays: np.ndarray) -> None:
    """Writes a message."""
    packed = io.BytesIO()
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    named: dict[str, Any] = {**arrays, "words": text}
    np.savez(packed, **named)
    stream.write(packed.tell().to_bytes(LENGTH, "big") + packed.getvalue())
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """Reads the next message; None where the stream has ended."""
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    with np.load(io.BytesIO(stream.read(int.from_bytes(head, "big")))) as arrays:
        found = dict(arrays)
    return Message(json.loads(found.pop("words").tobytes().decode()), found)
