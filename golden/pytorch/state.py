"""What a thread knows: the contexts it is in, and whether the emulation itself is issuing operators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from golden.pytorch.contractions import Contraction
    from golden.pytorch.rules import Settings

__all__ = ["Entered", "current_context", "issued_by_us", "issuing", "thread"]


class Entered(Protocol):
    """A context as operators, module hooks and its owner see it."""

    settings: Settings
    owner: Any
    ends_with_forward: bool
    """Whether the context is left before any backward pass can run."""

    def inside(self, settings: Settings, found: dict[str, None]) -> Entered:
        """Return the emulation of a context that is entered inside this one."""
        ...

    def enter(self, owner: Any, through: Any = None) -> None:
        """Become this thread's innermost context, for one call through an ``ApproximateModule`` if that is given."""
        ...

    def leave(self, *exception: Any) -> None:
        """End the context."""
        ...

    def before_module(self, module: nn.Module, hook: FrameType) -> None:
        """Note that a module is about to be called, told by the frame of a hook."""
        ...

    def after_module(self, hook: FrameType) -> None:
        """Note that a module's call ended."""
        ...

    def computed_again(self) -> Settings | None:
        """Return what ``backward`` has to find open, if it will compute a product of now again, else None."""
        ...

    def what(self) -> str:
        """Name the operator at hand, for messages."""
        ...

    def record(self, operation: Contraction, x: torch.Tensor, w: torch.Tensor) -> None:
        """Take note of a contraction."""
        ...


class _Thread(threading.local):
    def __init__(self) -> None:
        self.contexts: list[Entered] = []
        self.issuing = 0


thread = _Thread()
"""Per-thread state: nothing of a context is seen by another thread."""


def current_context() -> Entered | None:
    """Return the innermost context of this thread: it alone decides, outer ones rest."""
    return thread.contexts[-1] if thread.contexts else None


def issued_by_us() -> bool:
    """Return whether the emulation is issuing operators on this thread, which nobody replaces or audits."""
    return thread.issuing > 0


@contextmanager
def issuing() -> Iterator[None]:
    """Mark what runs inside as issued by the emulation."""
    thread.issuing += 1
    try:
        yield
    finally:
        thread.issuing -= 1
