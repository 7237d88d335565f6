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
    """Whether something was said; deep copies share it."""

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
    with torch.no_grad():
        hidden = int((grad == 0).flatten(1).all(1).sum()) if grad.numel() else 0
    if hidden and not once.said:
        once.said = True
        warnings.warn(
            f"the gradient asked of this ApproximateModule is exactly zero for {hidden} of {len(grad)} inputs; unless "
            "the loss leaves those out, large logits saturate it and hide the gradient from attacks: divide them, with "
            "temperature=axfpm.temperature(model, multiplier, images)",
            GradientMaskingWarning,
            stacklevel=2,
        )
