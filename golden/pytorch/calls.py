"""Which modules are running inside a context, and their names under the outermost one."""

from __future__ import annotations

import sys
from types import FrameType

from torch import nn

__all__ = ["Calls"]


class Calls:
    """The modules being called, outermost first; the first is the *root*, and names are those of its modules.

    An ``ApproximateModule`` gives the root, whichever of its modules or methods is called.

    Every call is kept with the frame that runs it: torch tells of the end of a call only if it ends by a result or an
    ``Exception``, and after anything else, ``KeyboardInterrupt`` say, the frame is no longer on the stack.
    """

    def __init__(self) -> None:
        self.root: nn.Module | None = None
        self.names: dict[int, tuple[str, ...]] | None = None
        self._running: list[tuple[FrameType | None, nn.Module]] = []

    def begin(self, module: nn.Module, hook: FrameType) -> None:
        """Note that a module is about to be called, by the frame of torch's hook."""
        self._forget_ended()
        if not self._running and self.root is None:
            self.names = None
        self._running.append((_running_frame(hook), module))

    def end(self, hook: FrameType) -> None:
        """Note that a module's call ended, by a result or an exception."""
        self._forget_ended()
        if self._running and self._running[-1][0] in (_running_frame(hook), hook.f_back):
            self._running.pop()

    def clear(self) -> None:
        """Forget all calls."""
        self._running.clear()

    def here(self) -> tuple[tuple[str, ...], nn.Module | None]:
        """Return the names and the object of the innermost module being called that the root registers, or the root."""
        self._forget_ended()
        root = self.root or (self._running[0][1] if self._running else None)
        if root is None:
            return ("",), None
        if self.names is None:
            self.names = {}
            for name, module in root.named_modules(remove_duplicate=False):
                self.names[id(module)] = (*self.names.get(id(module), ()), name)
        for _, module in reversed(self._running):
            if id(module) in self.names:
                return self.names[id(module)], module
        return ("",), root

    def _forget_ended(self) -> None:
        while self._running and not _on_stack(self._running[-1][0]):
            self._running.pop()


def _running_frame(hook: FrameType) -> FrameType | None:
    # torch calls hooks from a function inside the one that lasts as long as the call; at an exception from the latter.
    return hook.f_back and hook.f_back.f_back


def _on_stack(frame: FrameType | None) -> bool:
    here: FrameType | None = sys._getframe(1)
    while here is not None and here is not frame:
        here = here.f_back
    return here is not None
