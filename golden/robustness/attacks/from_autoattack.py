"""Attacks by pyautoattack: Auto-PGD and Square (F. Croce, M. Hein, ICML 2020; M. Andriushchenko et al., ECCV 2020).

Its attacks are run one by one. Its ``AutoAttack`` would leave out what another attack fooled, seed global generators,
trace the interpreter to look for randomised models, and return the images as they were where nothing succeeds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from golden.errors import InvalidInput
from golden.robustness.attacks.best import Best, by_margin, margins
from golden.robustness.attacks.kinds import Kind, Outcome

__all__ = ["KINDS"]

NORMS = {"linf": "Linf", "l2": "L2"}
SQUARE_L2_LEAST = 5
"""Pixels along an image's edge: the attack's first squares are a fifth of it."""

_silent = logging.Logger("pyautoattack")
_silent.disabled = True  # a zero gradient is said by the module attacked, where it is one of ours


def _apgd(loss: str, norm: str) -> Callable[..., torch.Tensor]:
    def run(
        module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, steps: int, restarts: int
    ) -> torch.Tensor:
        from pyautoattack.autopgd_base import APGDAttack

        best = Best(module, images, by_margin(labels), directions=True)
        if loss == "dlr":
            _check_classes(best, images, 3)
        attack = APGDAttack(best, n_iter=steps, norm=NORMS[norm], eps=eps, loss=loss, logger=_silent)
        attack.init_hyperparam(images)
        for _ in range(restarts):
            attack.attack_single_run(images, labels)
        return best.images

    return run


def _apgd_targeted(norm: str) -> Callable[..., torch.Tensor]:
    def run(
        module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, steps: int, targets: int
    ) -> torch.Tensor:
        from pyautoattack.autopgd_base import APGDAttack_targeted

        best = Best(module, images, by_margin(labels), directions=True)
        logits = _check_classes(best, images, 4)
        others = logits.scatter(1, labels[:, None], -torch.inf).argsort(1, descending=True)[:, :-1]
        attack = APGDAttack_targeted(best, n_iter=steps, norm=NORMS[norm], eps=eps, logger=_silent)
        attack.init_hyperparam(images)
        for target in range(min(targets, others.shape[1])):
            # One success is enough to pass over the other targets, not to stop the run that finds it.
            best.rows = (best.scores <= 0).nonzero()[:, 0] if target else best.rows
            if not len(best.rows):
                break
            attack.y_target = others[best.rows, target]
            attack.attack_single_run(images[best.rows], labels[best.rows])
        return best.images

    return run


def _check_classes(best: Best, images: torch.Tensor, least: int) -> torch.Tensor:
    with torch.no_grad():
        logits = best.module(images)
    if logits.shape[1] < least:
        raise InvalidInput(
            f"this attack's loss compares {least} logits and the model has {logits.shape[1]} classes; take apgd-ce"
        )
    return logits


def _square(norm: str) -> Callable[..., Outcome]:
    def run(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, queries: int) -> Outcome:
        from pyautoattack.square import SquareAttack

        if norm == "l2" and min(images.shape[2:]) < SQUARE_L2_LEAST:
            raise InvalidInput(f"square-l2 needs images of {SQUARE_L2_LEAST} pixels and more along both edges")

        def predict(shown: torch.Tensor) -> torch.Tensor:
            return module(shown).clone()  # the library writes into it

        crafted, asked = images.clone(), torch.ones(len(images), dtype=torch.int64)
        with torch.no_grad():
            rows = (margins(module(images), labels) <= 0).nonzero()[:, 0]
            if len(rows):
                # Its schedule is written for 10 000 queries, and scaled to fewer.
                attack: Any = SquareAttack(predict, norm=NORMS[norm], n_queries=queries, eps=eps, resc_schedule=True)
                attack.init_hyperparam(images)
                spent, found = attack.attack_single_run(images[rows], labels[rows])
                crafted[rows] = found
                asked[rows] += spent.long()
        return Outcome(crafted, queries=asked)

    return run


def _named(base: str, norm: str) -> str:
    return base if norm == "linf" else f"{base}-{norm}"


def _kinds(norm: str, budgets: tuple[float, ...]) -> tuple[Kind, ...]:
    eps = budgets[1]
    apgd = {"eps": eps, "steps": 100, "restarts": 1}
    paper = "(F. Croce, M. Hein, ICML 2020)"
    return (
        Kind(
            _named("apgd-ce", norm),
            norm,
            apgd,
            budgets,
            _apgd("ce", norm),
            f"PGD on the cross-entropy that halves its step where it stops improving {paper}",
        ),
        Kind(
            _named("apgd-dlr", norm),
            norm,
            apgd,
            budgets,
            _apgd("dlr", norm),
            f"the same on differences of logits, relative to their range {paper}",
        ),
        Kind(
            _named("apgd-t", norm),
            norm,
            {"eps": eps, "steps": 100, "targets": 9},
            budgets,
            _apgd_targeted(norm),
            f"the same towards each of the likeliest other classes, until one is reached {paper}",
        ),
        Kind(
            _named("square", norm),
            norm,
            {"eps": eps, "queries": 1000},
            budgets,
            _square(norm),
            "random squares that raise the margin, until misclassified (M. Andriushchenko et al., ECCV 2020)",
            access="scores",
        ),
    )


KINDS = (*_kinds("linf", (0.05, 0.1, 0.2)), *_kinds("l2", (0.5, 1.0, 2.0)))
