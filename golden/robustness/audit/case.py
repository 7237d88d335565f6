"""The model under audit, and every set of examples that it was attacked with, crafted once."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from golden.robustness.adaptive.losses import logit_scale
from golden.robustness.adaptive.variants import Variants
from golden.robustness.attacks import BATCH, Attack, attack
from golden.robustness.networks import logits_of
from golden.robustness.outcomes import right
from golden.robustness.targets.devices import own_copy

__all__ = ["RESTARTS", "STEP_SIZES", "Case", "Shown", "default_eps"]

STEPS, MORE_STEPS = 40, 200
"""Steps of the standard attack, and of the one with more of them."""
RESTARTS = 4
"""Restarts beside the first run."""
STEP_SIZES = (0.025, 0.4)
"""Lengths of a step in units of eps, beside the standard 0.1: a quarter and four times as long, so that 40 of the
shorter ones just cross the budget."""
MNIST_PIXELS, CIFAR_VALUES = 784, 3072


def default_eps(norm: str, shape: tuple[int, ...]) -> tuple[float, str]:
    """Return a budget and where it comes from.

    Images of one channel are taken for MNIST-like ones: 0.1 in L-inf and 1.3 in L2, at which about half of an
    undefended LeNet-5's images are fooled. Others take RobustBench's budgets for CIFAR-10 (F. Croce et al., NeurIPS
    Datasets 2021): 8/255 and 0.5. L2 budgets grow with the square root of the number of values, so that they stay the
    same for each of them.

    Parameters
    ----------
    norm : str
        ``linf`` or ``l2``.
    shape : tuple of int
        (C, H, W).
    """
    values = int(np.prod(shape))
    if shape[0] == 1:
        eps = 0.1 if norm == "linf" else 1.3 * (values / MNIST_PIXELS) ** 0.5
        return eps, "default for images of one channel"
    eps = 8 / 255 if norm == "linf" else 0.5 * (values / CIFAR_VALUES) ** 0.5
    return eps, "default for colour images, RobustBench's for CIFAR-10"


@dataclass(frozen=True)
class Shown:
    """Examples as they were stored, for the check of budgets.

    Parameters
    ----------
    name : str
        What crafted them.
    clean, images : ndarray of float32, (N, C, H, W)
        The images before and after.
    norm : str
        Of the budget.
    eps : float or None
        The budget; None where the attack has none.
    """

    name: str
    clean: np.ndarray
    images: np.ndarray
    norm: str
    eps: float | None


class Case:
    """What is audited.

    Parameters
    ----------
    given : torch.nn.Module
        The model as it was given, in the mode it was given in; it is not changed.
    images : ndarray of float32, (N, C, H, W)
        In [0, 1].
    labels : ndarray of int64, (N,)
        True classes.
    norm, eps : str and float
        The threat model.
    seed : int
        Of whatever is random.
    command : str
        What of ``axfpm audit`` and ``axfpm evaluate`` names the model, where that is known.

    Attributes
    ----------
    module : torch.nn.Module
        A copy in evaluation mode, which attacks are made on.
    variants : Variants
        The module's other gradients and its twins, where it runs on a multiplier.
    logits : ndarray of float32, (N, classes)
        Of the images.
    clean : ndarray of bool, (N,)
        Which images are classified correctly.
    scale : float
        Mean distance of the two largest logits, what logits are compared in units of.
    shown : list of Shown
        Every set of examples so far.
    """

    def __init__(
        self,
        given: nn.Module,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        norm: str = "linf",
        eps: float,
        seed: int = 0,
        command: str = "",
    ) -> None:
        self.given, self.images, self.labels = copy.deepcopy(given), images, labels
        self.norm, self.eps, self.seed, self.command = norm, eps, seed, command
        self.module = own_copy(given)
        self.x, self.y = torch.from_numpy(images), torch.from_numpy(labels)
        self.variants = Variants(self.module, self.x[:1])
        self.logits = logits_of(self.module, images)
        self.clean = right(self.logits, labels)
        self.scale = logit_scale(torch.from_numpy(self.logits))
        self.shown: list[Shown] = []
        self._fooled: dict[tuple[str, int], np.ndarray] = {}

    def attack(self, kind: str, **parameters: float) -> Attack:
        """Return an attack of this norm within the budget, with other parameters where given."""
        dials = {"eps": self.eps, **parameters}
        suffix = "" if self.norm == "linf" else "-l2"
        return attack(f"{kind}{suffix}:" + ",".join(f"{key}={value!r}" for key, value in dials.items()))

    def wrong(self, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Whether the module misclassifies images of some of the rows, all unless given."""
        labels = self.labels if rows is None else self.labels[rows]
        return ~right(logits_of(self.module, images), labels)

    def keep(self, name: str, images: np.ndarray, rows: np.ndarray, norm: str, eps: float | None) -> np.ndarray:
        """Store examples for some rows, and return which of the correctly classified images they fool, bool (N,)."""
        self.shown.append(Shown(name, self.images[rows], images, norm, eps))
        fooled = np.zeros(len(self.images), bool)
        if len(rows):
            fooled[rows] = self.wrong(images, rows)
        return fooled & self.clean

    def fooled(
        self,
        chosen: Attack,
        *,
        restart: int = 0,
        through: nn.Module | None = None,
        twin: Mapping[str, str] | None = None,
        label: str = "",
        rows: np.ndarray | None = None,
    ) -> np.ndarray:
        """Which of the correctly classified images an attack fools, bool (N,), by the examples as stored in float32.

        Parameters
        ----------
        chosen : Attack
            What is run.
        restart : int
            Which run of it: another seed.
        through : torch.nn.Module, optional
            What it is run on; the module itself unless given. Whatever is crafted is shown to the module.
        twin : mapping, optional
            One of ``variants.twins``, which the module is while examples are crafted.
        label : str
            What it is run on, in words: with attack and restart the key under which examples are crafted once.
        rows : ndarray of int, optional
            Which images are attacked, all unless given.
        """
        name = f"{chosen} on {label}" if label else str(chosen)
        key = name + repr(chosen.parameters) + ("" if rows is None else str(rows.tolist())), restart
        if key not in self._fooled:
            where = np.arange(len(self.images)) if rows is None else rows
            crafted = self.images[:0]
            if len(where):
                with self.variants.using(dict(twin or {})):
                    crafted = chosen.craft(
                        through or self.module, self.images[where], self.labels[where], seed=self.seed + restart
                    )
            self._fooled[key] = self.keep(name, crafted, where, chosen.norm, chosen.epsilon)
        return self._fooled[key]

    def standard(self) -> np.ndarray:
        """What the standard attack fools: PGD on the cross-entropy, 40 steps from one random start."""
        return self.fooled(self.attack("pgd"))

    def steps(self) -> np.ndarray:
        """What the standard attack fools with 200 steps."""
        return self.fooled(self.attack("pgd", steps=MORE_STEPS))

    def restarts(self) -> np.ndarray:
        """What the standard attack fools from four other starts."""
        return self.any([self.fooled(self.attack("pgd"), restart=restart) for restart in range(1, RESTARTS + 1)])

    def step_sizes(self) -> np.ndarray:
        """What the standard attack fools with shorter and longer steps."""
        return self.any([self.fooled(self.attack("pgd", step=step)) for step in STEP_SIZES])

    def white_box(self) -> np.ndarray:
        """What all runs of the standard attack fool together."""
        return self.any([self.standard(), self.steps(), self.restarts(), self.step_sizes()])

    def any(self, fooled: list[np.ndarray]) -> np.ndarray:
        """Return which images are fooled by one set of examples or another."""
        return np.logical_or.reduce(fooled)

    def robust(self, fooled: np.ndarray) -> int:
        """Images that are still classified correctly."""
        return int((self.clean & ~fooled).sum())

    def more(self, *attacks: Attack | str, threat_model: str = "white-box") -> str:
        """The command, or the call, that evaluates attacks on this model."""
        names = ",".join(map(str, attacks))
        if self.command:
            options = f"{self.command} --seed {self.seed}"
            return f"axfpm evaluate {options} --threat-models {threat_model} --attacks {names}"
        return f'axfpm.evaluate(model, x, y, multiplier=..., threat_models="{threat_model}", attacks="{names}")'

    def again(self) -> str:
        """The command, or the call, that repeats the audit on other draws."""
        if self.command:
            return f"axfpm audit {self.command} --norm {self.norm} --eps {self.eps:g} --seed {self.seed + 1} --json"
        return f"axfpm.audit(model, x, y, ..., seed={self.seed + 1}).to_json()"

    def batches(self) -> list[tuple[Tensor, Tensor]]:
        """Images and labels in batches that attacks see."""
        return list(zip(self.x.split(BATCH), self.y.split(BATCH), strict=True))
