"""Whether code runs as part of a backward pass, whose products are exact by definition."""

from __future__ import annotations

import sys
from types import CodeType, FrameType

import torch
from torch.autograd import graph
from torch.utils import checkpoint

__all__ = ["NO_PASS", "backward_pass", "part_of"]

NO_PASS = -1
"""What ``backward_pass`` returns outside any backward pass."""

backward_pass = torch._C._current_graph_task_id
"""Return the number of the backward pass that called this code, a new number for every pass."""

_ENGINE: CodeType = graph._engine_run_backward.__code__
_COMPUTES_AGAIN = ("backward", "recompute_fn")  # functions of torch.utils.checkpoint: reentrant, and not


def part_of(running: int, begun: int) -> bool:
    """Return whether code of the pass ``running`` computes gradients, for a context that was entered in ``begun``.

    It does not where the context was entered within this very pass, so that it is a forward pass of its own, and where
    a checkpoint computes a forward pass again. Of checkpoints and passes on the stack the innermost
    counts: a reentrant checkpoint runs a backward pass within the outer one.
    """
    return running != begun and not _computing_again()


def _computing_again() -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code is _ENGINE:
            return False
        if code.co_name in _COMPUTES_AGAIN and code.co_filename == checkpoint.__file__:
            return True
        frame = frame.f_back
    return False
