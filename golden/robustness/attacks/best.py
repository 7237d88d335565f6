"""The best of all that an attack showed a model: kept here, whatever the attack's library keeps.

Libraries return the last iterate, or the first that succeeds, or zeros where none does, and do not say which. Examples
kept here are those that the model was really shown, in the same batch: judged again in it, they give the same logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["Best", "Score", "attached", "by_closeness", "by_margin", "margins"]

Score = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""``score(shown, logits, rows) -> (N,)`` of the images of some rows of a batch: larger is better, -inf never is."""


def margins(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """By how much the largest logit of another class exceeds the true class's, (N,): positive where misclassified."""
    others = logits.scatter(1, labels[:, None], -math.inf)
    return others.amax(1) - logits.gather(1, labels[:, None])[:, 0]


def by_margin(labels: torch.Tensor) -> Score:
    """The score of attacks within a budget: the margin, which unlike the cross-entropy never saturates."""

    def score(_shown: torch.Tensor, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return margins(logits, labels[rows])

    return score


def by_closeness(images: torch.Tensor, labels: torch.Tensor, *, norm: str = "l2", kappa: float = 0.0) -> Score:
    """The score of attacks that minimise a norm, ``l2`` or ``l0``: closeness, of what is misclassified by ``kappa``."""
    order = {"l2": 2, "l0": 0}[norm]

    def score(shown: torch.Tensor, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        distance = torch.linalg.vector_norm((shown - images[rows]).flatten(1), order, dim=1)
        wrong = (logits.argmax(1) != labels[rows]) & (margins(logits, labels[rows]) >= kappa)
        return torch.where(wrong, -distance, -math.inf)

    return score


def attached(logits: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Logits that depend on points for autograd, by a gradient of zero where the model hides how."""
    if not (torch.is_grad_enabled() and points.requires_grad) or logits.requires_grad:
        return logits
    return logits + 0 * points.flatten(1).sum(1, keepdim=True)


class Best(nn.Module):
    """A model that remembers, for each image of a batch, the best that it was shown in its place.

    Parameters
    ----------
    module : torch.nn.Module
        The model attacked, which gives logits.
    images : Tensor, (N, C, H, W)
        The batch as it is at first: what is kept where nothing better is shown.
    score : Score
        What is better.
    directions : bool
        Whether gradients with respect to the images are scaled to a largest entry of 1 in each image. Attacks that only
        use their direction divide by a norm of 1e-12 at least, and stand still where a confident model's is below.
    trace : bool
        Whether ``history`` is kept.

    Attributes
    ----------
    images : Tensor, (N, C, H, W)
        The best so far.
    scores : Tensor, (N,)
        Theirs; -inf where nothing counted.
    rows : Tensor of int64
        The rows of the batch that calls are about; calls with another number of images are not looked at.
    history : list of Tensor, (N,)
        ``scores`` after each call.
    """

    def __init__(
        self, module: nn.Module, images: torch.Tensor, score: Score, *, directions: bool = False, trace: bool = False
    ) -> None:
        super().__init__()
        self.module, self.score, self.directions, self.trace = module, score, directions, trace
        self.images = images.clone()
        self.scores = torch.full((len(images),), -math.inf, device=images.device)
        self.rows = torch.arange(len(images), device=images.device)
        self.history: list[torch.Tensor] = []
        self.eval()

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        """Logits of images, which are looked at in passing."""
        if self.directions and shown.requires_grad:
            shown = _Direction.apply(shown)
        logits = attached(self.module(shown), shown)
        if len(shown) == len(self.rows):
            with torch.no_grad():
                self._look(shown.detach(), logits.detach())
        return logits

    def _look(self, shown: torch.Tensor, logits: torch.Tensor) -> None:
        scores = self.score(shown, logits, self.rows).to(self.scores.dtype)
        legal = ((shown >= 0) & (shown <= 1)).flatten(1).all(1)
        # Which rows are better is never asked for by number: a GPU's host would wait for the answer.
        everywhere = len(self.rows) == len(self.images)
        images, before = (kept if everywhere else kept[self.rows] for kept in (self.images, self.scores))
        better = legal & (scores > before)
        images = torch.where(better.view(-1, *[1] * (shown.dim() - 1)), shown, images)
        scores = torch.where(better, scores, before)
        if everywhere:
            self.images, self.scores = images, scores
        else:
            self.images[self.rows], self.scores[self.rows] = images, scores
        if self.trace:
            self.history.append(self.scores.clone())


class _Direction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor) -> torch.Tensor:
        return images.view_as(images)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        (gradient,) = grads
        largest = gradient.abs().flatten(1).amax(1).view(-1, *[1] * (gradient.ndim - 1))
        return gradient / torch.where(largest > 0, largest, 1.0)
