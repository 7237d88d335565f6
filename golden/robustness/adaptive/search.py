"""The discrete search at the first layer: pixels jump to values that the layer's own products say are better."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from golden.robustness.adaptive.budgets import Budget, L2Ball
from golden.robustness.adaptive.candidates import candidates
from golden.robustness.adaptive.descent import Found
from golden.robustness.adaptive.first_layer import FirstLayer
from golden.robustness.adaptive.losses import Loss
from golden.robustness.adaptive.moves import Scores, moved
from golden.robustness.attacks.best import margins

__all__ = ["Search"]

SHARES = (1.0, 0.3, 0.1, 0.03)
"""Of the pixels that gain, how many move: a round tries each by the true forward pass and goes on from the best."""
LARGEST = 1 << 22
"""Scores held at once."""


class Search:
    """The candidates of one network's first layer and their products, computed once.

    Parameters
    ----------
    first : FirstLayer
        The layer.
    levels : int
        Pixels only take multiples of 1 / ``levels``, if starts do; 0 leaves them free.
    """

    def __init__(self, first: FirstLayer, levels: int = 0) -> None:
        self.first = first
        self.values = candidates(first, levels)
        self.kernels = first.kernels(self.values)

    def climb(
        self,
        start: Tensor,
        labels: Tensor,
        budget: Budget,
        loss: Loss = margins,
        *,
        rounds: int,
        samples: int = 1,
    ) -> Found:
        """Return the best image on the way of ``rounds`` rounds from a start, each with a fresh gradient.

        The best of the shares is where the next round begins, be it worse than before: what is best is kept anyway.
        """
        best = Found(start, torch.full((len(start),), -math.inf, device=start.device))
        others = (budget.home,) if isinstance(budget, L2Ball) else (budget.low, budget.high)
        own = [(values, self.first.front(values)) for values in others]
        here = start
        for _ in range(rounds):
            gradient, features, logits = self.first.gradient(here, labels, loss, samples=samples)
            best.offer(here, margins(logits, labels))
            found = self._options(here, features, gradient, own, budget)
            with torch.no_grad():
                each = torch.stack([margins(self.first.module(images), labels) for images in found])
            chosen = each.argmax(0)
            here = torch.stack(found)[chosen, torch.arange(len(here), device=here.device)]
            best.offer(here, each.amax(0))
        return best

    def _options(
        self,
        here: Tensor,
        features: Tensor,
        gradient: Tensor,
        own: list[tuple[Tensor, Tensor]],
        budget: Budget,
    ) -> list[Tensor]:
        parts = []
        size = max(LARGEST // max(len(self.values) * here[0].numel(), 1), 1)
        for part in torch.arange(len(here), device=here.device).split(size):
            limits, g = budget.at(part), gradient[part]
            of_values = self.first.scores(g, self.kernels).flatten(2)
            values = self.values[:, None]
            outside = (values < limits.low.flatten(1)[:, None]) | (values > limits.high.flatten(1)[:, None])
            scores = Scores(
                self.values,
                of_values.masked_fill_(outside, -math.inf),
                tuple(
                    (pixels[part].flatten(1), self.first.own_scores(g, seen[part]).flatten(1)) for pixels, seen in own
                ),
                here[part].flatten(1),
                self.first.own_scores(g, features[part]).flatten(1),
            )
            parts.append(moved(scores, limits, SHARES))
        return [torch.cat(share).reshape(here.shape) for share in zip(*parts, strict=True)]
