"""Launches of Triton kernels: on a tensor's device, on its current stream, or in the interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from golden.kernels.environment import default_environment

__all__ = ["WARPS", "launch", "working_on"]

WARPS = 4
"""Of a program: 64 sums of a full tile for each thread."""


def launch(kernel: Any, programs: int, *arguments: Any, **constants: Any) -> None:
    """Enqueue a kernel on the current stream of the current device; nothing where there are no programs."""
    if programs:
        # Products and sums stay apart: a contraction would round once where arithmetic.md rounds twice.
        kernel[(programs,)](*arguments, **constants, num_warps=WARPS, enable_fp_fusion=False)


@contextmanager
def working_on(device: torch.device) -> Iterator[None]:
    """Make a GPU the current device, as Triton launches there; for the interpreter, the CPU's own rounding.

    Tensors made inside are no operations of a model, and pass by the modes that watch those: a network of five layers
    makes hundreds.
    """
    if device.type == "cuda":
        with torch.cuda.device(device), torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            yield
        return
    with default_environment(), np.errstate(all="ignore"):
        yield
