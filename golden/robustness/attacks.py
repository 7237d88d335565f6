"""Attacks by name and budget, as in ``fgsm:eps=0.1`` or ``pgd:eps=0.2,steps=20``; a bare kind means its usual budgets.

All images lie in [0, 1], and all attacks are untargeted. Those of foolbox run on any ``torch.nn.Module``.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.errors import InvalidInput
from golden.registry import add_entry, unknown

__all__ = ["ATTACKS", "BATCH", "Attack", "Kind", "attack", "attacks", "register_attack"]

BATCH = 250
"""Most images an attack sees at once."""


@dataclass(frozen=True)
class Kind:
    """A kind of attack.

    Parameters
    ----------
    name : str
        The name before the colon.
    norm : str
        The norm that the attack limits or minimises: ``linf``, ``l2``, ``l1``, ``l0``.
    defaults : mapping of str to float or int
        The parameters and their values where the name gives none; the type says what a parameter takes.
    budgets : tuple of float
        Values of ``eps`` that a bare name stands for; empty where the attack has no ``eps``.
    run : callable
        ``run(module, images, labels, **parameters) -> images``, tensors (N, C, H, W) and (N,), N <= ``BATCH``; random
        numbers come from torch's global generator, which is seeded before each call.
    description : str
        One line: what it does, and where it comes from.
    """

    name: str
    norm: str
    defaults: Mapping[str, float | int] = field(hash=False)
    budgets: tuple[float, ...]
    run: Callable[..., torch.Tensor]
    description: str


@dataclass(frozen=True)
class Attack:
    """An attack with all its parameters, made by ``attack`` or ``attacks``.

    Parameters
    ----------
    kind : Kind
        What it does.
    parameters : tuple of (str, float or int)
        In the order of the kind's defaults.
    """

    kind: Kind
    parameters: tuple[tuple[str, float | int], ...]

    @property
    def norm(self) -> str:
        """The norm that the attack limits or minimises."""
        return self.kind.norm

    @property
    def epsilon(self) -> float | None:
        """The budget in pixel values of [0, 1], or None where the attack has none."""
        return dict(self.parameters).get("eps")

    def __str__(self) -> str:
        shown = [f"{k}={v:g}" for k, v in self.parameters if k == "eps" or v != self.kind.defaults[k]]
        return f"{self.kind.name}:{','.join(shown)}" if shown else self.kind.name

    def craft(self, module: nn.Module, images: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Perturbed images, one for each image, whether the attack succeeded or not.

        Parameters
        ----------
        module : torch.nn.Module
            The model attacked; it is not changed.
        images : ndarray of float32, (N, C, H, W)
            In [0, 1].
        labels : ndarray of int64, (N,)
            True classes.
        seed : int
            Of the attack's random numbers; torch's global generator is left as it was.

        Returns
        -------
        ndarray of float32, (N, C, H, W)
            In [0, 1], and within the budget up to one rounding where the attack has one.
        """
        # Gradients with respect to the parameters would be accumulated into the caller's model.
        module = copy.deepcopy(module).eval().requires_grad_(False)
        crafted = np.empty_like(images)
        with torch.random.fork_rng(devices=[]):
            for start in range(0, len(images), BATCH):
                torch.manual_seed(int(np.random.SeedSequence([seed, start]).generate_state(1)[0]))
                part = slice(start, start + BATCH)
                result = self.kind.run(
                    module, torch.from_numpy(images[part]), torch.from_numpy(labels[part]), **dict(self.parameters)
                )
                crafted[part] = result.detach().clamp(0, 1).numpy()
        return crafted


def _foolbox() -> Any:
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


def _run_foolbox(
    make: Callable[[Any], Any], module: nn.Module, images: torch.Tensor, labels: torch.Tensor, eps: float
) -> torch.Tensor:
    foolbox = _foolbox()
    model = foolbox.PyTorchModel(module, bounds=(0, 1), device=images.device)
    _, clipped, _ = make(foolbox.attacks)(model, images, labels, epsilons=eps)
    return clipped


def _fgsm(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float) -> torch.Tensor:
    return _run_foolbox(lambda a: a.LinfFastGradientAttack(), module, images, labels, eps)


def _pgd(
    module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, steps: int, step: float
) -> torch.Tensor:
    def make(a: Any) -> Any:
        return a.LinfProjectedGradientDescentAttack(rel_stepsize=step, steps=steps, random_start=True)

    return _run_foolbox(make, module, images, labels, eps)


_KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "fgsm",
            "linf",
            {"eps": 0.1},
            (0.05, 0.1, 0.2),
            _fgsm,
            "one step along the gradient's sign (I. Goodfellow, J. Shlens, C. Szegedy, ICLR 2015)",
        ),
        Kind(
            "pgd",
            "linf",
            {"eps": 0.1, "steps": 40, "step": 0.1},
            (0.05, 0.1, 0.2),
            _pgd,
            "projected gradient steps of `step` x eps from a random start (A. Madry et al., ICLR 2018)",
        ),
    )
}

ATTACKS: Mapping[str, Kind] = MappingProxyType(_KINDS)
"""Kinds of attack by name, read-only; ``register_attack`` adds to it."""


def register_attack(kind: Kind) -> Kind:
    """Add a kind of attack under a new name, and return it.

    Raises
    ------
    InvalidInput
        If another kind has that name, or the name is not made of letters, digits, ``-`` and ``_``.
    """
    if not kind.name or not all(c.isalnum() or c in "-_" for c in kind.name):
        raise InvalidInput(f"{kind.name!r} cannot name an attack; use letters, digits, '-' and '_'")
    return add_entry(_KINDS, "attack", kind.name, kind)


def attack(name: str | Attack) -> Attack:
    """Look up one attack: ``kind`` with its defaults, or ``kind:key=value,key=value``; an ``Attack`` passes through.

    Raises
    ------
    InvalidInput
        If the kind or a parameter is unknown, a value is not a number, or is out of range.
    """
    if isinstance(name, Attack):
        return name
    base, _, dials = str(name).partition(":")
    if base not in ATTACKS:
        raise unknown("attack", base, ATTACKS)
    kind = ATTACKS[base]
    values = dict(kind.defaults)
    for dial in filter(None, dials.split(",")):
        key, _, text = dial.partition("=")
        if key not in kind.defaults:
            raise InvalidInput(f"attack {base!r} has no parameter {key!r}; choose from {', '.join(kind.defaults)}")
        values[key] = _number(key, text, type(kind.defaults[key]))
    return Attack(kind, tuple(values.items()))


def _number(key: str, text: str, of: type) -> float | int:
    try:
        value = of(text)
    except ValueError:
        kind = "a whole number" if of is int else "a number"
        raise InvalidInput(f"{key}={text} is not {kind}; write for example {key}={1 if of is int else 0.1}") from None
    if not 0 < value < float("inf") or (key == "eps" and value > 1):
        limit = "at most 1" if key == "eps" else "finite"
        raise InvalidInput(f"{key}={text} is out of range; give a value above 0 and {limit}")
    return value


def attacks(names: str | Attack | Iterable[str | Attack]) -> tuple[Attack, ...]:
    """Look up attacks: names, or one string with commas between them; a bare kind stands for each of its budgets.

    ``"fgsm,pgd:eps=0.1,steps=20"`` is FGSM at its usual budgets and one PGD.

    Raises
    ------
    InvalidInput
        As ``attack``; or if there is none.
    """
    if isinstance(names, str | Attack):
        names = [names]
    found: list[Attack] = []
    for name in names:
        if isinstance(name, Attack):
            found.append(name)
            continue
        # A comma separates both attacks and parameters: what has `=` and no `:` goes on with the attack before it.
        parts: list[str] = []
        for part in filter(None, (p.strip() for p in name.split(","))):
            if "=" in part and ":" not in part and parts:
                parts[-1] += f",{part}"
            else:
                parts.append(part)
        for part in parts:
            one = attack(part)
            keys = [dial.partition("=")[0] for dial in part.partition(":")[2].split(",")]
            if "eps" in keys or not one.kind.budgets:
                found.append(one)
            else:
                found += [attack(f"{part}{',' if ':' in part else ':'}eps={eps}") for eps in one.kind.budgets]
    if not found:
        raise InvalidInput(f"no attack named; choose from {', '.join(ATTACKS)}")
    return tuple(dict.fromkeys(found))
