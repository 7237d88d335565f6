"""JSMA, by the Adversarial Robustness Toolbox (M.-I. Nicolae et al., arXiv 1807.01069)."""

from __future__ import annotations

import os
import tempfile
import warnings
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.robustness.attacks.best import Best, by_closeness
from golden.robustness.attacks.kinds import Kind

__all__ = ["KINDS"]


@cache
def _toolbox() -> tuple[Any, Any]:
    """Its attack, and a class of models for it: imported when needed, which takes seconds."""
    # It writes a folder of its own into the user's home when imported.
    home = os.environ.get("HOME")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ["HOME"] = folder
        try:
            from art.attacks.evasion import SaliencyMapMethod
            from art.estimators.classification.classifier import ClassGradientsMixin, ClassifierMixin
            from art.estimators.estimator import BaseEstimator
        finally:
            if home is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = home

    # Its own class for torch models takes a Sequential apart, and goes backward through a batch once for every class.
    class Estimator(ClassGradientsMixin, ClassifierMixin, BaseEstimator):
        def __init__(self, best: Best, labels: torch.Tensor, classes: int) -> None:
            super().__init__(model=best, clip_values=(0.0, 1.0))
            self.best, self.labels, self.nb_classes = best, labels, classes
            self.target = labels

        @property
        def input_shape(self) -> tuple[int, ...]:
            return tuple(self.best.images.shape[1:])

        def fit(self, *_arguments: Any, **_keywords: Any) -> None:
            raise NotImplementedError

        def predict(self, x: np.ndarray, **_keywords: Any) -> np.ndarray:
            # The search ends where an image has reached its target. Untargeted, any wrong class will do.
            with torch.no_grad():
                classes = self.best(self._here(x)).argmax(1)
            reached = torch.where(classes != self.labels, self.target, self.labels)
            return nn.functional.one_hot(reached, self.nb_classes).cpu().numpy()

        def class_gradient(self, x: np.ndarray, label: Any = None, **_keywords: Any) -> np.ndarray:
            shown = self._here(x).requires_grad_()
            chosen = self.best.module(shown).gather(1, self._here(label)[:, None])
            return torch.autograd.grad(chosen.sum(), shown)[0].cpu().numpy()[:, None]

        def _here(self, array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(array).to(self.best.images.device)

    return SaliencyMapMethod, Estimator


def _jsma(
    module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, theta: float, gamma: float, targets: int
) -> torch.Tensor:
    attack, estimator = _toolbox()
    best = Best(module, images, by_closeness(images, labels, norm="l0"))
    with torch.no_grad():
        logits = best(images)
    others = logits.scatter(1, labels[:, None], -torch.inf).argsort(1, descending=True)[:, :-1]
    model = estimator(best, labels, logits.shape[1])
    for target in range(min(targets, others.shape[1])):
        model.target = others[:, target]
        search = attack(model, theta=theta, gamma=gamma, batch_size=len(images), verbose=False)
        search.generate(images.cpu().numpy(), others[:, target].cpu().numpy())
    return best.images


KINDS = (
    Kind(
        "jsma",
        "l0",
        {"theta": 1.0, "gamma": 0.145, "targets": 9},
        (),
        _jsma,
        "pairs of pixels raised by `theta` towards the likeliest other class, or the fewest pixels over several "
        "`targets`; at most a share `gamma` of all pixels (N. Papernot et al., EuroS&P 2016)",
        most={"gamma": 1},
    ),
)
