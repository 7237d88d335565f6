"""Gradients that an inflated logit hides: noticed where they are asked for, and said once.

A multiplier that inflates products inflates logits, and float32 softmax of logits some ninety apart is exactly 0 and 1:
cross-entropy then has no gradient, and an attack that follows it sees nothing. That is no robustness.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor

__all__ = ["GradientMaskingWarning", "Once", "watched"]


class GradientMaskingWarning(UserWarning):
    """A gradient asked of an ``ApproximateModule`` is exactly zero for part of a batch."""


class Once:
    """Whether something was said; deep copies share it.

    Attributes
    ----------
    said : bool
        Whether it was.
    waiting : list of (Event, Tensor, int)
        Counts on their way from a GPU, after how many of a batch they are: said when they have arrived.
    """

    def __init__(self) -> None:
        self.said = False
        self.waiting: list[tuple[Any, Tensor, int]] | None = None

    def __deepcopy__(self, memo: Any) -> Once:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"said": self.said, "waiting": None}


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
    if not grad.is_cuda or once.waiting is None:
        once.waiting = []
        _say(once, int(hidden), len(grad))
        return
    # An attack asks for gradients again and again; from the second one on the host does not wait for a GPU's count.
    arrived = torch.cuda.Event()
    count = hidden.to("cpu", non_blocking=True)
    arrived.record(torch.cuda.current_stream(grad.device))
    once.waiting.append((arrived, count, len(grad)))
    while once.waiting and once.waiting[0][0].query():
        _, count, batch = once.waiting.pop(0)
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
