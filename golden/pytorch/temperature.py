"""The temperature of a model on a multiplier: how much larger its logits are than the exact ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.pytorch.fitting import BATCH, evaluating, least_squares, prepared
from golden.pytorch.logits import logits_of

__all__ = ["temperature"]


def temperature(model: nn.Module, multiplier: str | Multiplier, images: np.ndarray | Tensor) -> float:
    """Return the temperature that brings a model's logits on a multiplier back to the size of the exact ones.

    It is the t that minimises ``|z - t z_exact|^2`` over all logits of all images,
    ``<z, z_exact> / <z_exact, z_exact>``. No labels are needed. The model runs in evaluation mode and without
    gradients, and is left as it was.

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
    fit = prepared(model, multiplier, images, "a temperature")
    both = same = 0.0
    with evaluating(fit.model), torch.no_grad():
        for part in fit.images.split(BATCH):
            logits = []
            for context in (fit.approximate, fit.exact):
                with context:
                    logits.append(logits_of(fit.model(part)).double())
            both += float((logits[0] * logits[1]).sum())
            same += float((logits[1] * logits[1]).sum())
    return least_squares(both, same, "logits", "temperature", "check the model's accuracy on this multiplier first")
