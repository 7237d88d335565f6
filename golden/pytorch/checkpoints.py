"""Products under ``torch.utils.checkpoint``, which a backward pass computes again, then in whatever context is open."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from torch.utils.checkpoint import CheckpointFunction

from golden.errors import InvalidInput
from golden.pytorch.rules import Settings
from golden.pytorch.state import current_context

__all__ = ["hold_to", "refuse_layers", "refuse_module", "require_same_context", "running_checkpoints"]

_FORWARD = CheckpointFunction.forward.__code__


def running_checkpoints() -> list[Any]:
    """Return, innermost first, what each frame of checkpointing on the stack will compute again, or None.

    Reentrant checkpoints switch the recording of gradients off while they run; theirs is the node of the graph, where
    an input needs a gradient. The others run as they are, and have None.
    """
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == _FORWARD.co_filename:
            node = frame.f_locals["ctx"] if frame.f_code is _FORWARD else None
            found.append(node if node is not None and any(node.needs_input_grad) else None)
        frame = frame.f_back
    return found


def hold_to(node: Any, settings: Settings) -> None:
    """Have a reentrant checkpoint compute again in a context of these settings only."""
    function = node.run_function
    if not (isinstance(function, partial) and function.func is _in_the_same_context):
        node.run_function = partial(_in_the_same_context, function, settings)


def _in_the_same_context(function: Callable[..., Any], settings: Settings, *args: Any) -> Any:
    require_same_context(settings)
    return function(*args)


def require_same_context(settings: Settings) -> None:
    """Raise InvalidInput unless a context of these settings is the innermost one."""
    entered = current_context()
    if entered is None or entered.settings is not settings:
        raise InvalidInput(
            "backward would compute checkpointed products again outside the context that computed them; call it "
            "inside the same axfpm.approximate, or turn checkpointing off"
        )


def refuse_module(what: str) -> InvalidInput:
    """Return the error for checkpoints inside a module that leaves its context before the backward pass."""
    return InvalidInput(
        f"{what} is checkpointed inside an ApproximateModule or surrogate, whose context has ended when backward "
        "computes it again; turn checkpointing off, or call the original model and backward inside axfpm.approximate"
    )


def refuse_layers(what: str) -> InvalidInput:
    """Return the error for checkpoints in a context that tells modules apart."""
    return InvalidInput(
        f"{what} is checkpointed in a context with layers=, and backward would compute it again without the names of "
        "the modules around it; turn checkpointing off, or leave layers= out"
    )
