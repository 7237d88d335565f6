"""Attacks that follow gradients, by foolbox (J. Rauber et al., "Foolbox Native", JOSS 5(53), 2020)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

from golden.robustness.attacks.best import Best, Score, by_closeness, by_margin
from golden.robustness.attacks.kinds import Kind

__all__ = ["KINDS", "foolbox", "on_foolbox"]


@cache
def foolbox() -> Any:
    """Return the library, imported without its noise."""
    # foolbox imports a renamed SciPy namespace, and its model zoo complains where the program `git` is missing.
    quiet = os.environ.get("GIT_PYTHON_REFRESH")
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import foolbox
    finally:
        if quiet is None:
            del os.environ["GIT_PYTHON_REFRESH"]
        else:
            os.environ["GIT_PYTHON_REFRESH"] = quiet
    return foolbox


def on_foolbox(module: nn.Module, images: torch.Tensor) -> Any:
    """Return a module as foolbox takes it."""
    return foolbox().PyTorchModel(module.eval(), bounds=(0, 1), device=images.device)


def _run(make: Callable[[Any], Any], best: Best, labels: torch.Tensor, **budget: float) -> torch.Tensor:
    """Run an attack's steps, without the library's choice among them, and return its last iterate."""
    criterion = foolbox().criteria.Misclassification(labels)
    start = best.images.clone()
    last = make(foolbox().attacks).run(on_foolbox(best, start), start, criterion, **budget)
    with torch.no_grad():
        best(last)  # the library does not look at it
    return last


def _limited(
    make: Callable[[Any], Any], module: nn.Module, images: torch.Tensor, labels: torch.Tensor, eps: float
) -> torch.Tensor:
    best = Best(module, images, by_margin(labels), directions=True)
    _run(make, best, labels, epsilon=eps)
    return best.images


def _minimal(
    make: Callable[[Any], Any], module: nn.Module, images: torch.Tensor, labels: torch.Tensor, score: Score, **how: bool
) -> torch.Tensor:
    best = Best(module, images, score, **how)
    with torch.no_grad():
        best(images)  # what is misclassified already needs no change
    _run(make, best, labels)
    return best.images


def _fast(norm: str) -> Callable[..., torch.Tensor]:
    def run(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float) -> torch.Tensor:
        # One step, the attack's whole definition: there is nothing to choose the best of.
        best = Best(module, images, by_margin(labels), directions=True)
        return _run(lambda a: getattr(a, f"{norm}FastGradientAttack")(), best, labels, epsilon=eps)

    return run


def _steps(attack: str, *, random_start: bool) -> Callable[..., torch.Tensor]:
    def run(
        module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, steps: int, step: float
    ) -> torch.Tensor:
        def make(a: Any) -> Any:
            return getattr(a, attack)(rel_stepsize=step, steps=steps, random_start=random_start)

        return _limited(make, module, images, labels, eps)

    return run


def _mi_fgsm(
    module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, steps: int, step: float, decay: float
) -> torch.Tensor:
    from foolbox.attacks.gradient_descent_base import normalize_lp_norms

    def make(a: Any) -> Any:
        attack = a.LinfMomentumIterativeFastGradientMethod(
            momentum=decay, rel_stepsize=step, steps=steps, random_start=False
        )
        # The library accumulates signs; the paper accumulates gradients of an L1 norm of 1.
        attack.normalize = lambda gradients, *, x, bounds: normalize_lp_norms(gradients, p=1)
        return attack

    return _limited(make, module, images, labels, eps)


def _deepfool(
    module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, steps: int, overshoot: float
) -> torch.Tensor:
    def make(a: Any) -> Any:
        return a.L2DeepFoolAttack(steps=steps, overshoot=overshoot)

    return _minimal(make, module, images, labels, by_closeness(images, labels))


def _ddn(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, steps: int) -> torch.Tensor:
    def make(a: Any) -> Any:
        return a.DDNAttack(steps=steps)

    return _minimal(make, module, images, labels, by_closeness(images, labels), directions=True)


def _cw(
    module: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    kappa: float,
    steps: int,
    searches: int,
    step: float,
    const: float,
) -> torch.Tensor:
    def make(a: Any) -> Any:
        # Aborting early looks at the sum over the batch: an image's result would depend on its neighbours.
        return a.L2CarliniWagnerAttack(
            binary_search_steps=searches,
            steps=steps,
            stepsize=step,
            confidence=kappa,
            initial_const=const,
            abort_early=False,
        )

    return _minimal(make, module, images, labels, by_closeness(images, labels, kappa=kappa))


LINF = (0.05, 0.1, 0.2)
L2 = (0.5, 1.0, 2.0)

KINDS = (
    Kind(
        "fgsm",
        "linf",
        {"eps": 0.1},
        LINF,
        _fast("Linf"),
        "one step along the gradient's sign (I. Goodfellow, J. Shlens, C. Szegedy, ICLR 2015)",
    ),
    Kind(
        "fgsm-l2",
        "l2",
        {"eps": 1.0},
        L2,
        _fast("L2"),
        "one step along the gradient (I. Goodfellow, J. Shlens, C. Szegedy, ICLR 2015)",
    ),
    Kind(
        "bim",
        "linf",
        {"eps": 0.1, "steps": 10, "step": 0.2},
        LINF,
        _steps("LinfBasicIterativeAttack", random_start=False),
        "steps of `step` x eps along the gradient's sign (A. Kurakin, I. Goodfellow, S. Bengio, ICLR Workshop 2017)",
    ),
    Kind(
        "mi-fgsm",
        "linf",
        {"eps": 0.1, "steps": 10, "step": 0.1, "decay": 1.0},
        LINF,
        _mi_fgsm,
        "steps along the sign of gradients accumulated with a `decay` (Y. Dong et al., CVPR 2018)",
        zeros=frozenset({"decay"}),
    ),
    Kind(
        "pgd",
        "linf",
        {"eps": 0.1, "steps": 40, "step": 0.1},
        LINF,
        _steps("LinfProjectedGradientDescentAttack", random_start=True),
        "projected gradient steps of `step` x eps from a random start (A. Madry et al., ICLR 2018)",
    ),
    Kind(
        "pgd-l2",
        "l2",
        {"eps": 1.0, "steps": 40, "step": 0.1},
        L2,
        _steps("L2ProjectedGradientDescentAttack", random_start=True),
        "projected gradient steps of `step` x eps from a random start (A. Madry et al., ICLR 2018)",
    ),
    Kind(
        "deepfool",
        "l2",
        {"steps": 50, "overshoot": 0.02},
        (),
        _deepfool,
        "to the nearest boundary of the linearised model, again and again (S.-M. Moosavi-Dezfooli et al., CVPR 2016)",
        zeros=frozenset({"overshoot"}),
    ),
    Kind(
        "ddn",
        "l2",
        {"steps": 100},
        (),
        _ddn,
        "gradient steps on a sphere that shrinks while they succeed and grows while not (J. Rony et al., CVPR 2019)",
    ),
    Kind(
        "cw",
        "l2",
        {"kappa": 0.0, "steps": 100, "searches": 5, "step": 0.2, "const": 1.0},
        (),
        _cw,
        "norm plus `const` times a hinge on the margin, which reaches `kappa` (N. Carlini, D. Wagner, S&P 2017)",
        zeros=frozenset({"kappa"}),
    ),
)
