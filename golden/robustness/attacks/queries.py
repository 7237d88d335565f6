"""What crafting leaves alone, and how often it asks a model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["Counter", "counted", "seeded"]


@dataclass
class Counter:
    """Images that a module was asked about.

    Parameters
    ----------
    images : int
        So far.
    """

    images: int = 0


@contextmanager
def counted(module: nn.Module) -> Iterator[Counter]:
    """Count the images in all calls of a module; any module, in place: nothing is wrapped around it."""
    counter = Counter()

    def count(_module: nn.Module, arguments: tuple[Any, ...]) -> None:
        counter.images += len(arguments[0])

    hook = module.register_forward_pre_hook(count)
    try:
        yield counter
    finally:
        hook.remove()


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """Seed the global generators of torch, NumPy and Python inside, and leave them as they were.

    Libraries draw from any of the three, some while they are imported.
    """
    words = [int(word) for word in np.random.SeedSequence(seed).generate_state(3)]
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        # Those of GPUs only once something computes there: asking for them would start it.
        gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
        with torch.random.fork_rng(devices=gpus):
            torch.manual_seed(words[0])
            np.random.seed(words[1])
            random.seed(words[2])
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
