"""``calibrate``: a model whose biases fit the size of its products on a multiplier.

The derivation. On a multiplier that inflates products, layer l computes approximately g_l times its exact products, and
passes on what is larger than it should be. Let x_l be the input of layer l in the exact model, and G_{l-1} x_l that in
a model on the multiplier. Then

    W_l * (G_{l-1} x_l)  ~  g_l G_{l-1} (W_l x_l)  =  G_l (W_l x_l),        G_l = g_l G_{l-1},

while the bias is as small as ever: the sum is no multiple of the exact one, unless the bias grows by G_l, too. With
G_l b_l it is G_l (W_l x_l + b_l), which ReLU, pooling and flattening pass on as G_l times theirs, so that the next
layer is in the same position. Weights need no change: a common factor of all logits changes no class.

G_l is not multiplied up here but fitted: the least-squares factor between layer l's products in the model on the
multiplier, calibrated so far, and its products in the exact model. That is the product of gains in a chain, and right
as well where branches join, where a norm takes the size out, or where a sigmoid bounds it.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.pytorch.constants import Added, Constants, Key, Run, key_of
from golden.pytorch.fitting import evaluating, least_squares, prepared, rounded
from golden.pytorch.state import issuing

__all__ = ["calibrate", "calibration"]

MOST_VALUES = 1 << 22
"""About so many of a layer's results are compared at most, evenly spread: a factor needs no more."""
ROUNDS = 25
"""Most runs of the model, where several calls add the same bias."""
SETTLED = 1e-3
"""Relative change of such a bias's factor from run to run that is none."""


def calibrate(model: nn.Module, multiplier: str | Multiplier, images: np.ndarray | Tensor) -> nn.Module:
    """Return a copy of a model whose biases are scaled as its products are on a multiplier.

    Each layer's products grow on a multiplier by a gain, layer after layer, and biases do not. Here each bias is
    multiplied by its layer's cumulative gain: the least-squares factor of the layer's products on the multiplier, in
    the model calibrated up to there, on the exact ones (``golden.pytorch.calibration`` derives it). Weights stay as
    they are, and no labels are needed. The model runs in evaluation mode and without gradients, and is left as it was.

    Scaled is what a call adds to its products: the ``bias`` of convolutions, transposed ones, ``linear`` and
    ``bilinear``, the shift and running mean of batch and instance norms that use running statistics, and parameters and
    buffers that are added or subtracted as they are, position embeddings say. Norms that take their own statistics give
    results of the same size on any multiplier, so that their shifts are right as they are. Recurrent layers, which
    ``uncovered="exact"`` leaves exact, keep their biases.

    Parameters
    ----------
    model : torch.nn.Module
        The exact model; of an ``ApproximateModule`` the wrapped one, with its layers and settings.
    multiplier : str or Multiplier
        The multiplier in question.
    images : ndarray or Tensor of float32
        The model's inputs, batch first, all run at once; some hundred are enough.

    Returns
    -------
    torch.nn.Module
        A deep copy, to be run on the multiplier: ``ApproximateModule(calibrate(model, m, images), m)``.

    Raises
    ------
    InvalidInput
        (a ValueError) If there are no images; if the model holds an ``ApproximateModule``, computes biases from others
        (parametrizations), or calls different layers for other numbers; if there is no positive finite factor for a
        bias: products that are all zero, infinite, or not alike; or if a bias that several calls add has no factor
        that settles.
    InvalidType
        (a TypeError) If the model is no ``torch.nn.Module``, or images are no tensors.

    Notes
    -----
    One bias that several calls add, in a layer that is used twice, has one factor, fitted over all its calls.
    """
    return calibration(model, multiplier, images)[0]


def calibration(
    model: nn.Module, multiplier: str | Multiplier, images: np.ndarray | Tensor
) -> tuple[nn.Module, dict[str, float]]:
    """Return what ``calibrate`` does, and the factor of each bias by its name, in the order of first use."""
    fit = prepared(model, multiplier, images, "gains")
    copied = copy.deepcopy(fit.model)
    with evaluating(copied), torch.no_grad():
        exact = _Products(copied)
        with fit.exact, exact:
            copied(fit.images)
        shared: dict[Key, float] = {}
        for _ in range(ROUNDS):
            scaled = _Scaled(copied, exact.seen, shared)
            with fit.approximate, scaled:
                copied(fit.images)
            scaled.require_all()
            before, shared = shared, scaled.of_several_calls()
            if all(abs(factor / before.get(key, math.inf) - 1) < SETTLED for key, factor in shared.items()):
                break
        else:
            raise InvalidInput(
                "the model adds a bias in several calls whose common factor does not settle; give these layers biases "
                "of their own"
            )
        _write(scaled.factors, scaled.constants)
    return copied, {scaled.name_of(scaled.constants[key]): factor for key, factor in scaled.factors.items()}


def _products(run: Run, found: Added) -> Tensor:
    """Return a call's result without its constants; at most about ``MOST_VALUES`` of it, evenly spread."""
    result = run({place: torch.zeros_like(x) for place, x in found.items()})
    with issuing():
        values = result.detach().reshape(-1)
        return values[:: -(-len(values) // MOST_VALUES) or 1].clone()


class _Products(Constants):
    """Keeps the products of each call of the exact model, in order."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.seen: list[tuple[tuple[Key, ...], Tensor]] = []

    def call(self, run: Run, found: Added) -> Any:
        self.seen.append((tuple(map(key_of, found.values())), _products(run, found)))
        return run(found)


class _Scaled(Constants):
    """Scales the constants of each call by the factor of its products on those of the exact model.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    exact : list
        What ``_Products`` has seen.
    known : dict
        Factors that are not fitted anew: of constants that several calls add.
    """

    def __init__(self, model: nn.Module, exact: list[tuple[tuple[Key, ...], Tensor]], known: dict[Key, float]) -> None:
        super().__init__(model)
        self.exact, self.known, self.calls = exact, known, 0
        self.factors: dict[Key, float] = {}
        self.constants: dict[Key, Tensor] = {}
        self._sums: dict[Key, list[tuple[float, float]]] = {}

    def call(self, run: Run, found: Added) -> Any:
        products, keys = _products(run, found), tuple(map(key_of, found.values()))
        with issuing():
            expected, exact = self.exact[self.calls] if self.calls < len(self.exact) else ((), products)
            if expected != keys or exact.shape != products.shape:
                raise _other_layers()
            self.calls += 1
            mine, exact = products.double(), exact.double()
            sums = float((mine * exact).sum()), float((exact * exact).sum())
            for key, x in zip(keys, found.values(), strict=True):
                self.constants.setdefault(key, x)
                self._sums.setdefault(key, []).append(sums)
                if key not in self.factors:
                    self.factors[key] = self.known.get(key) or self._factor(key)
            scaled = {place: x * self.factors[key] for key, (place, x) in zip(keys, found.items(), strict=True)}
        return run(scaled)

    def _factor(self, key: Key) -> float:
        both, same = (sum(values) for values in zip(*self._sums[key], strict=True))
        of = f"products to which {self.name_of(self.constants[key])!r} is added"
        advice = "check the images and the model's accuracy on this multiplier"
        return rounded(least_squares(both, same, of, "gain", advice))

    def require_all(self) -> None:
        """Raise InvalidInput if the exact model has made calls that this one has not."""
        if self.calls < len(self.exact):
            raise _other_layers()

    def of_several_calls(self) -> dict[Key, float]:
        """Return the factors of constants that several calls add, over all of them."""
        return {key: self._factor(key) for key, sums in self._sums.items() if len(sums) > 1}


def _other_layers() -> InvalidInput:
    return InvalidInput(
        "the model calls other layers on the multiplier than exactly, so that their products cannot be compared; give "
        "a model whose order of layers does not depend on values"
    )


def _write(factors: dict[Key, float], constants: dict[Key, Tensor]) -> None:
    """Scale the constants in place.

    Raises
    ------
    InvalidInput
        If some are overlapping parts of one, so that one factor would be on top of another.
    """
    views = {key: _without_repetition(x.detach()) for key, x in constants.items()}
    scaled = {key: view * factors[key] for key, view in views.items()}
    for key, view in views.items():
        view.copy_(scaled[key])
    for key, view in views.items():
        if not torch.equal(view, scaled[key]):
            raise InvalidInput(
                "the model adds overlapping parts of one parameter in different calls, which need different factors; "
                "make them parameters of their own"
            )


def _without_repetition(x: Tensor) -> Tensor:
    """Return an expanded tensor as it was before."""
    for dim, stride in enumerate(x.stride()):
        if stride == 0:
            x = x.narrow(dim, 0, min(1, x.shape[dim]))
    return x
