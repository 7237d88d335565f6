"""Runs along a gradient, as PGD, with everything that decides whether the gradient means something."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from golden.robustness.adaptive.budgets import Budget
from golden.robustness.adaptive.losses import Loss
from golden.robustness.attacks.best import attached, margins

__all__ = ["Found", "ascend", "gradient"]

FIRST, LAST = 1.0, 0.02
"""Length of the first and of the last step, in units of the budget; from one to the other by a cosine."""
MOMENTUM = 0.75
"""Share of each step that is new; the rest goes on as the one before (as in F. Croce, M. Hein, ICML 2020)."""
NEIGHBOURHOOD = 0.1
"""Standard deviation of the Gaussian neighbourhood, in units of the budget of a pixel."""


class Found:
    """The best image so far for each image, by margin.

    Parameters
    ----------
    images : Tensor, (N, ...)
        Where it starts.
    found : Tensor, (N,)
        Their margins.
    """

    def __init__(self, images: Tensor, found: Tensor) -> None:
        self.images = images.clone()
        self.margins = found.clone()

    def offer(self, images: Tensor, found: Tensor, at: Tensor | None = None) -> None:
        """Keep what is better; ``at`` tells which of the images these are, all unless given."""
        at = torch.arange(len(self.images), device=images.device) if at is None else at
        before = self.margins[at]
        better = found > before
        each = better.view(-1, *[1] * (images.dim() - 1))
        self.images[at] = torch.where(each, images, self.images[at])
        self.margins[at] = torch.where(better, found, before)


def gradient(
    module: nn.Module, images: Tensor, labels: Tensor, loss: Loss, *, samples: int = 0, sigma: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return the loss's gradient with respect to the images, and the logits at the images themselves.

    With ``samples`` it is the mean over as many points of a Gaussian neighbourhood, the image itself being the first.
    """
    points = images
    if samples > 1:
        noise = sigma * torch.randn(samples - 1, *images.shape, device=images.device)
        points = torch.cat([images[None], images + noise]).clamp(0, 1).flatten(0, 1)
    points = points.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = attached(module(points), points)
        total = loss(logits, labels.repeat(max(samples, 1))).sum()
    (found,) = torch.autograd.grad(total, points)
    found = found.unflatten(0, (max(samples, 1), len(images))).mean(0)
    return found.nan_to_num(0, 0, 0), logits[: len(images)].detach()


def ascend(
    module: nn.Module,
    start: Tensor,
    labels: Tensor,
    budget: Budget,
    loss: Loss,
    *,
    steps: int,
    samples: int = 0,
) -> Found:
    """Climb a loss within a budget, and return the best image on the way.

    Every step of ``samples`` points costs as much as that many steps, so that there are fewer of them. The network
    only sees what the budget delivers, and steps are added up where they are: on a grid the small ones are not lost.
    """
    steps = max(steps // max(samples, 1), 1)
    sigma = NEIGHBOURHOOD * _pixel_budget(budget)
    best = Found(budget.deliver(start), torch.full((len(start),), -math.inf, device=start.device))
    here, before = start, start
    for step in range(steps):
        shown = budget.deliver(here)
        found, logits = gradient(module, shown, labels, loss, samples=samples, sigma=sigma)
        best.offer(shown, margins(logits, labels))
        length = LAST + (FIRST - LAST) * (1 + math.cos(math.pi * step / steps)) / 2
        target = budget.project(here + length * budget.step(found))
        share = MOMENTUM if step else 1.0
        here, before = budget.project(here + share * (target - here) + (1 - share) * (here - before)), here
    with torch.no_grad():
        shown = budget.deliver(here)
        best.offer(shown, margins(module(shown), labels))
    return best


def _pixel_budget(budget: Budget) -> float:
    widths = (budget.high - budget.low) / 2
    return min(float(widths.mean()) if widths.numel() else 0.0, budget.eps)
