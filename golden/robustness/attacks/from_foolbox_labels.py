"""Attacks that see predicted classes only, by foolbox: walks along the boundary, from far away towards the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from golden.errors import InvalidInput
from golden.robustness.attacks.best import Best, by_closeness
from golden.robustness.attacks.from_foolbox import foolbox, on_foolbox
from golden.robustness.attacks.kinds import Kind, Outcome

__all__ = ["KINDS"]

STARTS, DRAWS = 8, 64
"""Lines searched for a starting point at least, and at most while there is none; half end in noise, half in images."""
HALVINGS = 10
"""Queries that bring a starting point close to the boundary."""
REPEATS = 5
FICKLE = (
    "the model gives different classes to the same images, and its boundary cannot be walked along; make it repeatable"
)


class _Labels(nn.Module):
    """A model of which nothing but the classes can be seen."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            logits = self.module(images.detach())
            return nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(images.dtype)


class _Told(nn.Module):
    """A model that some rows of the batch are told to succeed on, and that is held to its answers.

    The library refuses a batch of which one image has no starting point, and divides by the distance of those that are
    misclassified as they are. Leaving them out would change the batch, and with it last digits of the others' logits.
    Where a model answers differently each time, the library would ask for ever.
    """

    def __init__(self, module: Best, labels: torch.Tensor, rows: torch.Tensor) -> None:
        super().__init__()
        self.module, self.labels, self.rows = module, labels, rows
        self.last = torch.empty(0)
        self.repeated = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.repeated = self.repeated + 1 if torch.equal(images, self.last) else 0
        if self.repeated == REPEATS:
            raise InvalidInput(FICKLE)
        self.last = images
        seen = self.module(images)
        wrong = nn.functional.one_hot((self.labels + 1) % seen.shape[1], seen.shape[1]).to(seen.dtype)
        return torch.where(self.rows[:, None], wrong, seen)


def _start(best: Best, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Show misclassified images near the boundary, on the lines from the images to noise and to each other."""
    shifts = torch.randperm(len(images))
    for turn in range(DRAWS):
        if turn >= STARTS and (best.scores > -torch.inf).all():
            break
        far = torch.rand_like(images) if turn % 2 else images.roll(int(shifts[turn // 2 % len(images)]), 0)
        near, wrong = images, best(far).argmax(1) != labels
        for _ in range(HALVINGS if wrong.any() else 0):
            middle = (near + far) / 2
            wrong = (best(middle).argmax(1) != labels)[:, None, None, None]
            near, far = torch.where(wrong, near, middle), torch.where(wrong, middle, far)


def _walk(make: Callable[[Any], Any]) -> Callable[..., Outcome]:
    def run(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, **parameters: Any) -> Outcome:
        best = Best(_Labels(module), images, by_closeness(images, labels), trace=True)
        best(images)
        done = best.scores == 0  # misclassified as it is
        _start(best, images, labels)
        nowhere = best.scores == -torch.inf
        starts = torch.where((done | nowhere)[:, None, None, None], torch.rand_like(images), best.images)
        model = on_foolbox(_Told(best, labels, done | nowhere), images)
        walk = make(foolbox().attacks)(**parameters)
        try:
            last = walk.run(model, images, foolbox().criteria.Misclassification(labels), starting_points=starts)
        except (AssertionError, ValueError) as error:
            if isinstance(error, ValueError) and "starting_points" not in str(error):
                raise
            raise InvalidInput(FICKLE) from None
        best(last)
        return Outcome(best.images, halfway=-best.history[(len(best.history) - 1) // 2])

    return run


def _boundary(a: Any) -> Callable[..., Any]:
    return lambda steps: a.BoundaryAttack(steps=steps)


def _hopskipjump(a: Any) -> Callable[..., Any]:
    class PerImage(a.HopSkipJumpAttack):
        """The library divides by the norm of the whole batch: the larger the batch, the smaller each image's steps."""

        def approximate_gradients(self, *arguments: Any) -> Any:
            batch = super().approximate_gradients(*arguments)
            norms = batch.flatten(1).norms.l2(axis=-1, keepdims=True)
            return (batch.flatten(1) / (norms + 1e-12)).reshape(batch.shape)

    return lambda steps, evaluations: PerImage(steps=steps, initial_gradient_eval_steps=evaluations)


KINDS = (
    Kind(
        "boundary",
        "l2",
        {"steps": 5000},
        (),
        _walk(_boundary),
        "a random walk along the boundary (W. Brendel, J. Rauber, M. Bethge, ICLR 2018)",
        access="labels",
    ),
    Kind(
        "hopskipjump",
        "l2",
        {"steps": 20, "evaluations": 100},
        (),
        _walk(_hopskipjump),
        "steps along normals of the boundary, estimated from `evaluations` x root of step (J. Chen et al., S&P 2020)",
        access="labels",
    ),
)
