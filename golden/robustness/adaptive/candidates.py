"""Values that a pixel may take in the search: where a multiplier's products jump, and a grid between."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.robustness.adaptive.first_layer import FirstLayer
from golden.robustness.adaptive.grid import at_least, at_most

__all__ = ["candidates", "curve", "jumps"]

OCTAVES = 8
"""Powers of two from 1 down."""
GRID = 16
"""Steps of the grid over [0, 1]."""
FINE = 256
"""Steps in which jumps of the curve are looked for."""
MOST_JUMPS = 8
CLEAR = 4.0
"""A jump is larger than this many median steps."""
SAMPLED = 16
"""Channels and outputs of the layer that make its curve."""


def candidates(first: FirstLayer, levels: int = 0) -> Tensor:
    """Return the values in order, float32 in [0, 1], for one network's first layer.

    With ``levels`` it is the multiples of 1 / ``levels`` on both sides of each of them.
    """
    device = first.weight.device
    powers = torch.tensor([2.0**-k for k in range(OCTAVES)], device=device)
    grid = torch.linspace(0, 1, GRID + 1, device=device)
    values = torch.cat([grid, powers, _below(powers), jumps(first)])
    if levels:
        values = torch.cat([at_most(values, levels), at_least(values, levels)])
    return values.unique()


def curve(first: FirstLayer, values: Tensor) -> Tensor:
    """Return the layer's mean response to pixel values (V,): least squares of its products on its weights.

    That is v itself for an exact multiplier and nothing in front. For ``ax-fpm`` and LeNet-5 it is 1.42 to 1.47 times v
    up to some 0.95 of each power of two, then falls to 1.12 times v, and jumps back at the power of two.
    """
    own = first.values(values)
    weight = first.weight[:: -(-len(first.weight) // SAMPLED)]
    step = -(-weight.shape[1] // SAMPLED)
    across = weight[:, ::step].transpose(0, 1).flatten(1)  # of the first group, if there are several
    found = first.products(own.T[: weight.shape[1] : step].contiguous(), across)
    energy = (across * across).sum()
    return torch.einsum("bmo,bo->m", found, across) / torch.where(energy > 0, energy, 1)


def jumps(first: FirstLayer) -> Tensor:
    """Return both sides of the largest jumps of the curve, to the last bit."""
    values = torch.linspace(0, 1, FINE + 1, device=first.weight.device)
    steps = curve(first, values).diff().abs()
    clear = steps > CLEAR * steps.median() + 1e-6 * steps.sum()
    where = steps.where(clear, 0).topk(min(MOST_JUMPS, len(steps)))
    chosen = where.indices[where.values > 0]
    low, high = values[chosen], values[chosen + 1]
    if not len(chosen):
        return low
    ends = curve(first, torch.cat([low, high])).chunk(2)
    for _ in range(32):
        middle = ((low.double() + high.double()) / 2).float()
        inside = (middle > low) & (middle < high)
        if not inside.any():
            break
        at = curve(first, middle)
        left = (at - ends[0]).abs() > (ends[1] - at).abs()
        high, low = torch.where(inside & left, middle, high), torch.where(inside & ~left, middle, low)
        ends = (torch.where(inside & ~left, at, ends[0]), torch.where(inside & left, at, ends[1]))
    return torch.cat([low, high])


def _below(values: Tensor) -> Tensor:
    return torch.nextafter(values, torch.zeros_like(values))
