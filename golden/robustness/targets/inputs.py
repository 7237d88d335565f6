"""Changes of what a model's first layer takes in, whatever stands before it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.pytorch.fitting import rounded
from golden.pytorch.observing import first_layer
from golden.sums import matmul

__all__ = ["Change", "Clamp", "Curve", "changed_input", "inputs_of_first_layer", "lowered", "straight_through"]

PRODUCTS = 1 << 16
"""Products of a curve that are held at once: as many as stay in a cache."""
FRACTION, LARGEST_EXPONENT = 0x7FFFFF, 0x7F800000


class _Through(torch.autograd.Function):
    """A function whose derivative is taken to be one number."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor], slope: float) -> Tensor:
        ctx.slope = slope
        return function(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.slope * grads[0], None, None


def straight_through(x: Tensor, function: Callable[[Tensor], Tensor], slope: float = 1.0) -> Tensor:
    """Return a function of a tensor whose derivative is taken to be ``slope``."""
    return _Through.apply(x, function, slope)


class Change:
    """A forward pre-hook that changes a layer's input; copied and pickled with the module."""

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the layer's arguments, its input changed."""
        if args:
            return (self.changed(args[0]), *args[1:]), kwargs
        name = "input" if "input" in kwargs else next(iter(kwargs))
        return args, {**kwargs, name: self.changed(kwargs[name])}

    def changed(self, x: Tensor) -> Tensor:
        """Return what the layer takes in instead of ``x``."""
        raise NotImplementedError


def changed_input(model: nn.Module, images: Tensor, change: Change) -> tuple[nn.Module, str]:
    """Return a copy of a model whose first layer takes its input by way of a change, and that layer's name.

    Raises
    ------
    InvalidInput
        If there is no first layer, as ``golden.pytorch.observing.first_layer`` says.
    """
    copied = copy.deepcopy(model)
    layer = first_layer(copied, images)
    layer.module.register_forward_pre_hook(change, with_kwargs=True)
    return copied, layer.name


def inputs_of_first_layer(model: nn.Module, images: Tensor) -> Tensor:
    """Return what the first layer of a model takes in, flat."""
    seen: list[Tensor] = []

    class _Seen(Change):
        def changed(self, x: Tensor) -> Tensor:
            seen.append(x.detach().reshape(-1))
            return x

    with torch.no_grad():
        changed_input(model, images, _Seen())[0](images)
    return torch.cat(seen)


class Clamp(Change):
    """Lowers powers of two by one unit in the last place: 1.0 to 1 - 2^-24.

    Under the carry policy ``halve`` a significand of 1.000 behaves unlike all others. The value is exactly that in the
    forward pass (``v + x - x.detach()`` would round it back), and the gradient is 1. Zeros, subnormals, infinities and
    NaN stay.
    """

    def changed(self, x: Tensor) -> Tensor:
        """Return the lowered input."""
        return straight_through(x, lowered)


def lowered(x: Tensor) -> Tensor:
    """Return float32 numbers with every normal power of two lowered by one unit in the last place."""
    bits = x.view(torch.int32)
    exponent = bits & LARGEST_EXPONENT
    power = ((bits & FRACTION) == 0) & (exponent != 0) & (exponent != LARGEST_EXPONENT)
    return (bits - power.int()).view(torch.float32)


class Curve(Change):
    """The mean product of each input with a layer's weights, as an input: what a multiplier does to it on average.

    c(v) = <mul(v, w), w> / <w, w> over all weights w of the layer: the c that minimises |mul(v, w) - c w|^2, so that an
    exact layer behind the curve is, value by value, as near to the one on the multiplier as any such layer can be. It
    is computed bit by bit from the multiplier's own products for the very values at hand, each distinct one once.

    The curve has jumps and its own derivative is of no use; the gradient is straight-through and scaled, the same
    factor everywhere: the least-squares slope of c(v) on v over the first layer's inputs of the images that it was
    fitted on.

    Parameters
    ----------
    weights : Tensor of float32
        The layer's weights.
    multiplier : Multiplier
        The multiplier.
    """

    def __init__(self, weights: Tensor, multiplier: Multiplier) -> None:
        self.weights, self.multiplier, self.slope = weights.detach().reshape(-1).clone(), multiplier, 1.0
        self.energy = float(self.weights.double().square().sum())
        if not 0 < self.energy < float("inf"):
            raise InvalidInput(
                "the first layer's weights are all zero or not finite, and have no mean product; give a trained model"
            )

    def fit(self, inputs: Tensor) -> float:
        """Set the gradient's factor, and return it."""
        v, c = inputs.double(), self.at(inputs).double()
        same = float((v * v).sum())
        self.slope = rounded(float((v * c).sum()) / same) if same else 1.0
        return self.slope

    def at(self, values: Tensor) -> Tensor:
        """Return the curve at any values."""
        distinct, where = torch.unique(values, return_inverse=True)
        w = self.weights.double()
        found = [
            matmul(part[:, None], self.weights[None], self.multiplier).double() @ w
            for part in distinct.split(max(1, PRODUCTS // len(w)))
        ]
        return (torch.cat(found) / self.energy).float()[where]

    def changed(self, x: Tensor) -> Tensor:
        """Return the curve at the input."""
        return straight_through(x, self.at, self.slope)
