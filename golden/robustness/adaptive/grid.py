"""The same budgets for an attacker who has to deliver an image of so many levels, 255 for one of 8 bits.

Where products are step functions of the pixel, many examples stand one unit in the last place beside a jump, and about
half of those of the free attack on ``ax-fpm`` do not survive being stored in 8 bits. That says nothing of an attacker
who knows that his image will be stored: he looks for his example among the images that there are. So runs walk where
they like within the budget, but the network is shown, asked for gradients and judged at ``deliver`` of where they are,
and the search jumps among grid points only.

A grid point is a k / levels, k whole, rounded to float32 as in a stored image that is divided by its largest value. The
budget holds for the rounded values. For a box that is a box again, whose ends are the outermost grid points within. In
a ball, be d the way from the nearest grid point of the clean image to the image: every pixel of round(clean + t d) is
at t = 0 as near to the clean one as grid points are and moves away from it as t grows, so the largest t that stays
within the ball is found by halving.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from golden.errors import InvalidInput
from golden.robustness.adaptive.budgets import Budget, L2Ball, LinfBox

__all__ = ["L2Grid", "LinfGrid", "Rounding", "at_least", "at_most", "near", "on_grid"]

HALVINGS = 16
"""Of the way back to the clean image: no pixel moves by more than 2**-HALVINGS in one."""


def near(values: Tensor, levels: int) -> Tensor:
    """Return the nearest grid points, float32; of two the even one."""
    return _points((values.double() * levels).round(), levels)


def at_most(values: Tensor, levels: int) -> Tensor:
    """Return the largest grid points that are not above float32 values."""
    k = (values.double() * levels).round()
    return _points(torch.where(_points(k, levels) > values, k - 1, k), levels)


def at_least(values: Tensor, levels: int) -> Tensor:
    """Return the smallest grid points that are not below float32 values."""
    k = (values.double() * levels).round()
    return _points(torch.where(_points(k, levels) < values, k + 1, k), levels)


def _points(k: Tensor, levels: int) -> Tensor:
    return (k / levels).float()


@dataclass(frozen=True)
class LinfGrid(LinfBox):
    """A box whose ends are grid points."""

    levels: int

    def deliver(self, images: Tensor) -> Tensor:
        """Return the nearest grid points within."""
        return self.project(near(images, self.levels))

    @property
    def reach(self) -> float:
        """Whole steps of the grid."""
        return int(self.eps * self.levels) / self.levels


@dataclass(frozen=True)
class L2Grid(L2Ball):
    """The grid points of a ball."""

    levels: int

    def deliver(self, images: Tensor) -> Tensor:
        """Return the nearest grid points, of an image nearer to the clean one where they are outside."""
        found = near(self.project(images), self.levels)
        far = torch.nonzero(_length(found, self.clean) > self.eps)[:, 0]
        if len(far):
            found[far] = self.at(far)._shortened(images[far].clamp(0, 1))
        return found

    def _shortened(self, images: Tensor) -> Tensor:
        home = near(self.clean, self.levels)
        way = images.double() - home.double()
        low = torch.zeros(len(way), *[1] * (way.dim() - 1), dtype=torch.float64, device=way.device)
        high, best = torch.ones_like(low), home
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = near(home + middle * way, self.levels)
            fits = (_length(found, self.clean) <= self.eps).reshape(low.shape)
            best = torch.where(fits, found, best)
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        return best


def on_grid(budget: Budget, levels: int) -> LinfGrid | L2Grid:
    """Return the grid points of a budget.

    Parameters
    ----------
    budget : LinfBox or L2Ball
        With float32 images, (N, ...).
    levels : int
        Steps of the grid over [0, 1].

    Raises
    ------
    InvalidInput
        If there is no grid point in the budget of an image.
    """
    clean, eps = budget.clean, budget.eps
    if isinstance(budget, L2Ball):
        found = L2Grid(clean, budget.low, budget.high, eps, levels)
        none = _length(near(clean, levels), clean) > eps
    else:
        found = LinfGrid(clean, at_least(budget.low, levels), at_most(budget.high, levels), eps, levels)
        none = (found.low > found.high).flatten(1).any(1)
    if none.any():
        raise InvalidInput(
            f"within eps={eps:g} of {int(none.sum())} of {len(none)} images there is none with all pixels at multiples "
            f"of 1/{levels}; give a larger eps, or the grid of the images themselves"
        )
    return found


class Rounding(nn.Module):
    """A module that sees the nearest grid points of what it is shown.

    Parameters
    ----------
    module : torch.nn.Module
        Images (N, C, H, W) to logits.
    levels : int
        Steps of the grid over [0, 1].
    """

    def __init__(self, module: nn.Module, levels: int) -> None:
        super().__init__()
        self.module, self.levels = module, levels
        self.train(module.training)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        return self.module(near(images, self.levels))


def _length(images: Tensor, clean: Tensor) -> Tensor:
    return (images.double() - clean.double()).flatten(1).norm(dim=1)
