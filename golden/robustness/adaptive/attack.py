"""The attack as a whole: which runs are made, in which order, from where, and what is kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golden.robustness.adaptive.budgets import Budget, L2Ball, LinfBox
from golden.robustness.adaptive.descent import Found, ascend, gradient
from golden.robustness.adaptive.first_layer import find
from golden.robustness.adaptive.grid import Rounding, on_grid
from golden.robustness.adaptive.losses import logit_scale, losses as losses_for
from golden.robustness.adaptive.parts import Parts
from golden.robustness.adaptive.search import Search
from golden.robustness.adaptive.variants import Variants
from golden.robustness.attacks.best import margins

__all__ = ["attack"]

CERTAIN = 1e-3
"""Margin, in units of the network's own, from which an image counts as broken and later runs leave it alone: sums in
another order of another batch do not undo that."""
LEAST_FOR_SQUARES = 3
"""Pixels along an image's edge."""


def attack(module: nn.Module, images: Tensor, labels: Tensor, *, norm: str, eps: float, parts: Parts) -> Tensor:
    """Return the best image within the budget for each image, by margin.

    Parameters
    ----------
    module : torch.nn.Module
        Images (N, C, H, W) in [0, 1] to logits (N, classes), in evaluation mode; it is left as it was.
    images, labels : Tensor, (N, C, H, W) and (N,)
        Clean images and their classes.
    norm, eps : str and float
        ``linf`` or ``l2``, and the budget.
    parts : Parts
        What takes part.

    Raises
    ------
    InvalidInput
        If images are to lie on a grid and the budget has none.
    """
    budget: Budget = LinfBox.around(images, eps) if norm == "linf" else L2Ball.around(images, eps)
    if parts.grid:
        budget = on_grid(budget, parts.grid)
    variants = Variants(module, images[:1])
    with variants.quiet():
        return _Case(variants, labels, budget, norm, parts).run()


class _Case:
    """One batch under attack."""

    def __init__(self, variants: Variants, labels: Tensor, budget: Budget, norm: str, parts: Parts) -> None:
        self.variants, self.module = variants, variants.module
        self.labels, self.budget, self.norm, self.parts = labels, budget, norm, parts
        with torch.no_grad():
            logits = self.module(budget.home)
        self.scale = logit_scale(logits)
        self.found = Found(budget.home, margins(logits, labels))
        first = find(self.module, budget.clean[:1]) if parts.first_layer else None
        self.search = Search(first, parts.grid) if first else None

    def left(self) -> Tensor:
        """Return the places of the images that are not broken yet."""
        return torch.nonzero(self.found.margins <= CERTAIN * self.scale)[:, 0]

    def run(self) -> Tensor:
        parts = self.parts
        losses = losses_for(self.scale)[: None if parts.losses else 1]
        gradients = self.variants.gradients[: None if parts.gradients else 1]
        twins = (None, *(self.variants.twins if parts.twins else ()))
        if parts.queries:
            self._squares()
        for turn in range(parts.restarts):
            left = self.left()
            if not len(left):
                break
            budget, labels = self.budget.at(left), self.labels[left]
            twin = twins[turn % len(twins)]
            start = budget.random() if twin is None else self._confident(twin, labels, budget)
            # Losses and gradients meet in all pairs in the end: one of them falls behind by one in every round.
            with self.variants.using(gradients[(turn + turn // len(losses)) % len(gradients)]):
                run = ascend(
                    self.module,
                    start,
                    labels,
                    budget,
                    losses[turn % len(losses)],
                    steps=parts.steps,
                    samples=parts.smooth if turn % 3 == 2 else 0,
                )
                self.found.offer(run.images, run.margins, left)
                if self.search is not None:
                    run = self.search.climb(
                        run.images, labels, budget, rounds=parts.first_layer, samples=max(parts.smooth, 1)
                    )
                    self.found.offer(run.images, run.margins, left)
        return self.found.images

    def _confident(self, twin: dict[str, str], labels: Tensor, budget: Budget) -> Tensor:
        """Return images that a twin takes for another class with much confidence, or nearly so."""
        with self.variants.using(twin):
            return ascend(self.module, budget.random(), labels, budget, margins, steps=self.parts.steps).images

    def _squares(self) -> None:
        """Where no kind of gradient says anything, ask scores."""
        from golden.robustness.attacks import ATTACKS

        left = self.left()
        budget = self.budget.at(left)
        home = budget.home
        blind = torch.ones(len(left), dtype=torch.bool, device=left.device)
        for kind in self.variants.gradients:
            with self.variants.using(kind):
                blind &= (gradient(self.module, home, self.labels[left], margins)[0] == 0).flatten(1).all(1)
        if self.search is not None:
            blind &= (self.search.first.gradient(home, self.labels[left], margins)[0] == 0).flatten(1).all(1)
        left, budget = left[blind], budget.at(blind)
        if not len(left) or min(home.shape[2:]) < LEAST_FOR_SQUARES or not budget.reach:
            return
        square = ATTACKS["square" if self.norm == "linf" else "square-l2"].run
        asked = Rounding(self.module, self.parts.grid) if self.parts.grid else self.module
        outcome = square(asked, budget.home, self.labels[left], eps=budget.reach, queries=self.parts.queries)
        shown = outcome if isinstance(outcome, Tensor) else outcome.images
        shown = budget.deliver(budget.project(shown.detach()))
        with torch.no_grad():
            self.found.offer(shown, margins(self.module(shown), self.labels[left]), left)
