"""What is fitted of a model on a multiplier: on which model, in which contexts, and by which least squares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.errors import InvalidInput, InvalidType
from golden.pytorch.context import approximate
from golden.pytorch.module import ApproximateModule
from golden.pytorch.reached import own as original

__all__ = ["BATCH", "Fit", "evaluating", "least_squares", "prepared", "require_exact", "rounded"]

BATCH = 64
"""Images that go through a model at once where nothing else limits them."""


@dataclass(frozen=True)
class Fit:
    """A model, the inputs to fit on, and the contexts that run it on a multiplier and exactly."""

    model: nn.Module
    images: Tensor
    approximate: approximate
    exact: approximate


def prepared(model: nn.Module, multiplier: str | Multiplier, images: np.ndarray | Tensor, what: str) -> Fit:
    """Return what a fit needs; of an ``ApproximateModule`` the wrapped model, with its layers and settings.

    Parameters
    ----------
    model, multiplier, images
        As a user gave them.
    what : str
        What is fitted, for messages: ``a temperature``.

    Raises
    ------
    InvalidInput
        If there are no images, the multiplier is unknown, or the model holds an ``ApproximateModule``.
    InvalidType
        If the model is no ``torch.nn.Module``, or the images are no tensor, or of another precision.
    """
    settings: dict[str, Any] = {}
    if isinstance(model, ApproximateModule):
        own = model.context.settings
        settings = {"layers": own.layers, "accumulate": own.rule.accumulate, "uncovered": own.uncovered}
        model = model.model
    require_exact(model)
    x = torch.from_numpy(images) if isinstance(images, np.ndarray) else images
    if not isinstance(x, Tensor):
        raise InvalidType(f"images are an array or a tensor, not {type(images).__name__}")
    if x.dim() == 0 or not len(x):
        raise InvalidInput(f"no images to fit {what} to; give at least one, batch first")
    if x.is_floating_point() and x.dtype != torch.float32:
        kind = str(x.dtype).removeprefix("torch.")
        raise InvalidType(f"images have dtype {kind}, and products are defined on float32; convert them with .float()")
    # The exact context keeps one around it from having a say.
    return Fit(model, x, approximate(multiplier, **settings), approximate(multiplier, layers=_nowhere))


def _nowhere(name: str, module: nn.Module | None) -> bool:
    return False


def require_exact(model: nn.Module) -> None:
    """Raise unless a model is a module that computes exactly by itself.

    Raises
    ------
    InvalidInput
        If it holds an ``ApproximateModule`` or a part of one.
    InvalidType
        If it is no ``torch.nn.Module``.
    """
    if not isinstance(model, nn.Module):
        raise InvalidType(f"a model is a torch.nn.Module, not {type(model).__name__}")
    if any(isinstance(module, ApproximateModule) or original(module) is not module for module in model.modules()):
        raise InvalidInput(
            "the model holds an ApproximateModule or a part of one, whose logits are never exact; give the exact model"
        )


def least_squares(both: float, same: float, of: str, what: str, advice: str) -> float:
    """Return the t that minimises |y - t x|^2, <y, x> / <x, x>, given the two products.

    Parameters
    ----------
    both, same : float
        <y, x> and <x, x>: x exact, y approximate.
    of, what, advice : str
        What was compared, what the factor would be, and what to do without one, for the message.

    Raises
    ------
    InvalidInput
        If it is not positive and finite.
    """
    factor = both / same if same else math.nan
    if not 0 < factor < math.inf:
        raise InvalidInput(
            f"the approximate {of} are {factor:g} times the exact ones by least squares, which is no {what}; {advice}"
        )
    return factor


def rounded(value: float) -> float:
    """Return a fitted number to five digits: those do not depend on how many threads have added it up."""
    return float(f"{value:.5g}")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Hold a model in evaluation mode, each module of which has its own mode again afterwards."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
