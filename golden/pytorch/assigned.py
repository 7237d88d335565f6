"""A model on an assignment: every product on the multiplier of its layer, and none left to a default."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from golden.assignments import Assignment
from golden.pytorch.module import ApproximateModule
from golden.pytorch.observing import product_names

__all__ = ["assigned"]


def assigned(model: nn.Module, assignment: Assignment, images: Tensor, **settings: Any) -> ApproximateModule:
    """Return a model on an assignment, as ``ApproximateModule`` does.

    Parameters
    ----------
    model : torch.nn.Module
        An exact model.
    assignment : Assignment
        A multiplier for each layer that multiplies.
    images : Tensor
        Inputs, batch first; the first is enough to see the layers.
    **settings
        Others of ``ApproximateModule``.

    Raises
    ------
    InvalidInput
        If a layer has no multiplier, or a name of the assignment no layer.
    """
    assignment.require_layers(product_names(model, images))
    return ApproximateModule(model, assignment.multipliers[0], **{**settings, "layers": assignment})
