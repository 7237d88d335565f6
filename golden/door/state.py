"""What a thread knows: the contexts it is in, and whether the door itself is issuing operators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golden.door.modes import Door

__all__ = ["current_door", "issued_by_us", "issuing", "thread"]


class _Thread(threading.local):
    def __init__(self) -> None:
        self.doors: list[Door] = []
        self.issuing = 0


thread = _Thread()
"""Per-thread state: nothing of a context is seen by another thread."""


def current_door() -> Door | None:
    """Return the innermost context of this thread: it alone decides, outer ones rest."""
    return thread.doors[-1] if thread.doors else None


def issued_by_us() -> bool:
    """Return whether the door is issuing operators on this thread, which nobody replaces or audits."""
    return thread.issuing > 0


@contextmanager
def issuing() -> Iterator[None]:
    """Mark what runs inside as issued by the door."""
    thread.issuing += 1
    try:
        yield
    finally:
        thread.issuing -= 1
