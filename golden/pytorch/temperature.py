"""The temperature of a model on a multiplier: how much larger its logits are than the exact ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.errors import InvalidInput, InvalidType
from golden.pytorch.context import approximate
from golden.pytorch.logits import logits_of
from golden.pytorch.module import ApproximateModule
from golden.pytorch.reached import own as original

__all__ = ["temperature"]

BATCH = 64
"""Images that go through the model at once."""


def temperature(model: nn.Module, multiplier: str | Multiplier, images: np.ndarray | Tensor) -> float:
    """Return the temperature that brings a model's logits on a multiplier back to the size of the exact ones.

    It is the t that minimises |z - t z_exact|^2 over all logits of all images, <z, z_exact> / <z_exact, z_exact>. No
    labels are needed. The model runs in evaluation mode and without gradients, and is left as it was.

    Parameters
    ----------
    model : torch.nn.Module
        The exact model; of an ``ApproximateModule`` the wrapped one, with its layers and settings.
    multiplier : str or Multiplier
        The multiplier in question.
    images : ndarray or Tensor of float32
        The model's inputs, batch first; some hundred are enough.

    Returns
    -------
    float
        For ``temperature=`` of ``ApproximateModule`` and ``surrogate``.

    Raises
    ------
    InvalidInput
        (a ValueError) If there are no images, if the model holds an ``ApproximateModule``, or if there is no positive
        finite factor: logits that are all zero, infinite, or not alike.
    InvalidType
        (a TypeError) If the model is no ``torch.nn.Module``, or images or outputs are no tensors.
    """
    settings: dict[str, Any] = {}
    if isinstance(model, ApproximateModule):
        own = model.context.settings
        settings = {"layers": own.layers, "accumulate": own.rule.accumulate, "uncovered": own.uncovered}
        model = model.model
    if not isinstance(model, nn.Module):
        raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
    if any(isinstance(module, ApproximateModule) or original(module) is not module for module in model.modules()):
        raise InvalidInput(
            "the model holds an ApproximateModule or a part of one, whose logits are never exact; give the exact model"
        )
    x = torch.from_numpy(images) if isinstance(images, np.ndarray) else images
    if not isinstance(x, Tensor):
        raise InvalidType(f"images are an array or a tensor, not {type(images).__name__}")
    if x.dim() == 0 or not len(x):
        raise InvalidInput("no images to fit a temperature to; give at least one, batch first")
    contexts = approximate(multiplier, **settings), approximate(multiplier, layers=lambda name, module: False)
    both = same = 0.0
    with _evaluating(model), torch.no_grad():
        for part in x.split(BATCH):
            logits = []
            for context in contexts:
                with context:
                    logits.append(logits_of(model(part)).double())
            both += float((logits[0] * logits[1]).sum())
            same += float((logits[1] * logits[1]).sum())
    factor = both / same if same else math.nan
    if not 0 < factor < math.inf:
        raise InvalidInput(
            f"the approximate logits are {factor:g} times the exact ones by least squares, which is no temperature; "
            "check the model's accuracy on this multiplier first"
        )
    return factor


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
