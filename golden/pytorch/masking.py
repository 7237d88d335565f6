"""Gradients that an inflated logit hides: noticed where they are asked for, and said once.

A multiplier that inflates products inflates logits, and float32 softmax of logits some ninety apart is exactly 0 and 1:
cross-entropy then has no gradient, and an attack that follows it sees nothing. That is no robustness.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["GradientMaskingWarning", "Once", "later", "watched"]


class GradientMaskingWarning(UserWarning):
    """A gradient asked of an ``ApproximateModule`` is exactly zero for part of a batch."""


class Once:
    """Whether something was said; deep copies share it.

    Attributes
    ----------
    said : bool
        Whether it was.
    waiting : list of (arrival, Tensor, int), or None
        Within ``later``, counts on their way from a GPU, and of how many images they are.
    """

    waiting: list[tuple[Any, Tensor, int]] | None = None

    def __init__(self) -> None:
        self.said = False

    def __deepcopy__(self, memo: Any) -> Once:
        return self


def watched(once: Once, value: Any) -> Any:
    """Return an input of a model such that its gradient, should it be asked for, is looked at."""
    asked = isinstance(value, Tensor) and value.requires_grad and value.dim() > 1
    if once.said or not asked or not torch.is_grad_enabled():
        return value
    value = value.view_as(value)  # the hook belongs to this call's graph, and ends with it
    value.register_hook(partial(_look, once))
    return value


def _look(once: Once, grad: Tensor) -> None:
    if once.said or not grad.numel():
        return
    with torch.no_grad():
        hidden = (grad == 0).flatten(1).all(1).sum()
    if once.waiting is None:
        _say(once, int(hidden), len(grad))
        return
    count = hidden.to("cpu", non_blocking=True)
    once.waiting.append((_arrival(grad.device), count, len(grad)))
    while once.waiting and once.waiting[0][0].query():
        _say_first(once, once.waiting)


@contextmanager
def later(notices: Sequence[Once]) -> Iterator[None]:
    """Look at gradients on a GPU without waiting for it: what there is to say is said inside, or at the end at last.

    The end is that of the outermost, where models that share a notice are within one another.
    """
    notices = [once for once in notices if once.waiting is None]
    for once in notices:
        once.waiting = []
    try:
        yield
    finally:
        left = [(once, once.waiting or []) for once in notices]
        for once in notices:  # all, before one raises what it says
            once.waiting = None
        for once, waiting in left:
            while waiting:
                waiting[0][0].synchronize()
                _say_first(once, waiting)


class _Arrived:
    """Of what is at hand."""

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass


def _arrival(device: torch.device) -> Any:
    if device.type != "cuda":
        return _Arrived()
    arrival = torch.cuda.Event()
    arrival.record(torch.cuda.current_stream(device))
    return arrival


def _say_first(once: Once, waiting: list[tuple[Any, Tensor, int]]) -> None:
    _, count, batch = waiting.pop(0)
    _say(once, int(count), batch)


def _say(once: Once, hidden: int, batch: int) -> None:
    if hidden and not once.said:
        once.said = True
        warnings.warn(
            f"the gradient asked of this ApproximateModule is exactly zero for {hidden} of {batch} inputs; unless "
            "the loss leaves those out, large logits saturate it and hide the gradient from attacks: divide them, with "
            "temperature=axfpm.temperature(model, multiplier, images)",
            GradientMaskingWarning,
            stacklevel=3,
        )
