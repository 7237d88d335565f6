"""New values for the pixels that gain most, from the score of every candidate value at every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.robustness.adaptive.budgets import Budget, L2Ball

__all__ = ["Scores", "moved"]

HALVINGS = 10
RANGE = 2.0**20
"""Prices of length are looked for within this factor of what the largest score would pay for ``eps``."""
DEARER = (1.0, 2.0, 8.0, 64.0)
"""Multiples of the price at which all pixels may move, for when only some do and the others keep their length."""


@dataclass(frozen=True)
class Scores:
    """What each pixel adds to the loss, to first order: at candidate values, at its own other values, and as it is.

    Parameters
    ----------
    values : Tensor, (V,)
        Candidate values for all pixels.
    of_values : Tensor, (N, V, P)
        Their scores.
    own : tuple of (Tensor, Tensor), each (N, P)
        Values that differ from pixel to pixel, and their scores.
    now, of_now : Tensor, (N, P)
        The pixels as they are, and their scores.
    """

    values: Tensor
    of_values: Tensor
    own: tuple[tuple[Tensor, Tensor], ...]
    now: Tensor
    of_now: Tensor

    def best(self, clean: Tensor, price: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return each pixel's best value and what it gains, less ``price`` (N,) times the square of its change."""

        def after_cost(scores: Tensor, values: Tensor, by: Tensor) -> Tensor:
            return (
                scores if price is None else scores - price.reshape(-1, *[1] * (scores.dim() - 1)) * (values - by) ** 2
            )

        gain, index = after_cost(self.of_values, self.values[:, None], clean[:, None]).max(1)
        value = self.values[index]
        for values, scores in self.own:
            other = after_cost(scores, values, clean)
            value, gain = torch.where(other > gain, values, value), torch.maximum(other, gain)
        return value, gain - after_cost(self.of_now, self.now, clean)


def moved(scores: Scores, budget: Budget, shares: tuple[float, ...]) -> list[Tensor]:
    """Return images (N, P), one batch for each share: of the pixels that gain, that share of the best ones moves.

    In the Euclidean norm a pixel gains its score less the price of its length; the price is the lowest that keeps the
    image within the budget.
    """
    clean = budget.clean.flatten(1)
    if not isinstance(budget, L2Ball):
        value, gain = scores.best(clean, None)
        return _some(scores.now, value, gain, shares)
    largest = torch.maximum(scores.of_values.abs().amax((1, 2)), scores.of_now.abs().amax(1))
    unit = largest / budget.eps**2
    low, high = unit / RANGE, unit * RANGE
    for _ in range(HALVINGS):
        price = (low * high).sqrt()
        (image,) = _some(scores.now, *scores.best(clean, price), (1.0,))
        fits = _length(image, clean) <= budget.eps
        low, high = torch.where(fits, low, price), torch.where(fits, price, high)
    chosen = [scores.now for _ in shares]
    settled = [torch.zeros_like(high, dtype=torch.bool) for _ in shares]
    for factor in DEARER:
        images = _some(scores.now, *scores.best(clean, factor * high), shares)
        for k, image in enumerate(images):
            fits = ~settled[k] & (_length(image, clean) <= budget.eps)
            chosen[k] = torch.where(fits[:, None], image, chosen[k])
            settled[k] = settled[k] | fits
    return chosen


def _some(now: Tensor, value: Tensor, gain: Tensor, shares: tuple[float, ...]) -> list[Tensor]:
    order = gain.sort(1, descending=True).values
    gaining = (gain > 0).sum(1, keepdim=True)
    found = []
    for share in shares:
        count = (share * gaining).ceil().long()
        least = order.gather(1, (count - 1).clamp(min=0))
        found.append(torch.where((gain >= least) & (gain > 0), value, now))
    return found


def _length(images: Tensor, clean: Tensor) -> Tensor:
    return (images.double() - clean.double()).norm(dim=1)
