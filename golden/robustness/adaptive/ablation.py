"""What each part of the adaptive attack adds: success with nothing but plain runs, with one part more, with all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.registry import check_choice
from golden.robustness.adaptive.parts import OFF
from golden.robustness.attacks import Attack, attack
from golden.robustness.attacks.kinds import BATCH
from golden.robustness.brittleness import rounded, shaken
from golden.robustness.statistics import Proportion

__all__ = ["NOISE", "Row", "ablation"]

NOISE = 2.0**-9
"""Amplitude of the small noise: half a step of 8 bits."""
PARTS = {
    "losses": "losses",
    "kinds of gradient": "gradients",
    "averaged gradients": "smooth",
    "starts from twins": "twins",
    "first-layer search": "first-layer",
    "first-layer search, averaged": "first-layer,smooth",
}


@dataclass(frozen=True)
class Row:
    """One attack of the ablation.

    Parameters
    ----------
    part : str
        What it has beside plain runs.
    attack : str
        The attack by name.
    success, rounded, shaken : Proportion
        Of all images, clean errors included, those misclassified: as they are, rounded to 8 bits, under small noise.
    """

    part: str
    attack: str
    success: Proportion
    rounded: Proportion
    shaken: Proportion

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        views = {name: getattr(self, name).to_dict() for name in ("success", "rounded", "shaken")}
        return {"part": self.part, "attack": self.attack, **views}


def ablation(
    module: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    eps: float,
    norm: str = "linf",
    *,
    seed: int = 0,
    steps: int | None = None,
    restarts: int | None = None,
) -> tuple[Row, ...]:
    """Attack a module by plain runs, by plain runs with one part of the adaptive attack, and by all of it.

    All have as many runs, of as many steps.

    Parameters
    ----------
    module : torch.nn.Module
        As an attacker meets it; it is not changed.
    images, labels : ndarray, (N, C, H, W) float32 and (N,) int64
        Clean images and their classes.
    eps, norm : float and str
        The budget, ``linf`` or ``l2``.
    seed : int
        Of the attacks and of the noise.
    steps, restarts : int, optional
        As the attack takes them.

    Raises
    ------
    InvalidInput
        If the norm or the budget is none that the attack has.
    """
    check_choice("norm", norm, ("linf", "l2"))
    kind = {"linf": "adaptive", "l2": "adaptive-l2"}[norm]
    same = {"eps": eps, **{name: value for name, value in (("steps", steps), ("restarts", restarts)) if value}}
    names = [name.replace("_", "-") for name in OFF]
    chosen = {"plain runs": "", **PARTS, "all": ",".join(names)}
    rows = []
    for part, kept in chosen.items():
        off = {name: 0 for name in names if name not in kept.split(",")}
        one = attack(f"{kind}:{','.join(f'{name}={value:g}' for name, value in {**same, **off}.items())}")
        rows.append(_row(part, one, module, images, labels, seed))
    return tuple(rows)


def _row(part: str, one: Attack, module: nn.Module, images: np.ndarray, labels: np.ndarray, seed: int) -> Row:
    crafted = one.craft(module, images, labels, seed=seed)
    views = (crafted, rounded(crafted), shaken(crafted, NOISE, seed))
    return Row(part, str(one), *(Proportion(_wrong(module, view, labels), len(labels)) for view in views))


def _wrong(module: nn.Module, images: np.ndarray, labels: np.ndarray) -> int:
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            parts = torch.from_numpy(images).split(BATCH)
            found = np.concatenate([module(part).argmax(1).numpy() for part in parts])
    finally:
        module.train(training)
    return int((found != labels).sum())
