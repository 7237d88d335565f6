"""Attacks by name and budget, as in ``fgsm:eps=0.1`` or ``pgd:eps=0.2,steps=20``; a bare kind means its usual budgets.

All images lie in [0, 1], and all attacks are untargeted. An attack has either a budget, ``eps``, or minimises a norm.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from torch import nn

from golden.errors import InvalidInput, MissingTool
from golden.pytorch.devices import at_home, device_of
from golden.pytorch.replaying import is_replayed, replayed
from golden.registry import Registry, split_names
from golden.robustness.attacks.queries import counted, seeded
from golden.sources import is_ours

__all__ = [
    "ATTACKS",
    "BATCH",
    "Attack",
    "Crafted",
    "Kind",
    "Outcome",
    "attack",
    "attacks",
    "batch_on",
    "register_attack",
]

BATCH, GPU_BATCH = 250, 1000
"""Most images an attack sees at once, and on a GPU, which a few do not fill."""


def batch_on(device: torch.device) -> int:
    """How many images go through a model at once there."""
    return BATCH if device.type == "cpu" else GPU_BATCH


@dataclass(frozen=True)
class Outcome:
    """What an attack returns when it has more to tell than images.

    Parameters
    ----------
    images : Tensor, (N, C, H, W)
        The perturbed images.
    queries : Tensor of int64, (N,), optional
        How often each image asked the model, where the attack knows; else calls are counted and shared out evenly.
    halfway : Tensor, (N,), optional
        The perturbations' norms after half of the calls, infinite where there was none yet: whether more calls would
        still help.
    """

    images: torch.Tensor
    queries: torch.Tensor | None = None
    halfway: torch.Tensor | None = None


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
        ``run(module, images, labels, **parameters) -> images or Outcome``, tensors (N, C, H, W) and (N,), at
        most ``batch_on`` their device; random numbers come from the global generators of torch, NumPy or Python, which
        are seeded before each call. The best example for each image is returned, whether it succeeds or not; where a
        norm is minimised and nothing succeeds, that is the image as it was.
    description : str
        One line: what it does, and where it comes from.
    access : str
        What it needs of the model: ``gradients``, ``scores`` (logits of chosen images), ``labels`` (classes only) or
        ``nothing``.
    cost : float
        About how long it takes for one image on an exact LeNet-5, in ms of one core, for progress and plans.
    zeros : frozenset of str
        Parameters that may be zero; the others are positive.
    libraries : tuple of str
        Distributions that the attack is made of, whose versions its results depend on.
    most : mapping of str to float
        The largest values of parameters that have one; that of ``eps`` is 1 where the norm is ``linf``.
    placed : bool
        Whether it names the device of every tensor that it makes; those of other kinds are made where the model is.
    """

    name: str
    norm: str
    defaults: Mapping[str, float | int] = field(hash=False)
    budgets: tuple[float, ...]
    run: Callable[..., torch.Tensor | Outcome]
    description: str
    access: str = "gradients"
    cost: float = 1.0
    zeros: frozenset[str] = frozenset()
    libraries: tuple[str, ...] = ()
    most: Mapping[str, float] = field(default_factory=dict, hash=False)
    placed: bool = False


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

    @property
    def minimal(self) -> bool:
        """Whether the attack minimises its norm, and has no budget."""
        return "eps" not in self.kind.defaults

    def check_installed(self) -> None:
        """Raise MissingTool where a package that the attack is made of is not installed."""
        for package in self.kind.libraries:
            try:
                version(package)
            except PackageNotFoundError:
                raise MissingTool(
                    f"the attack {self.kind.name} needs the package {package}, which is not installed; get it with "
                    "`pip install 'axfpm[nn]'`, or leave the attack out"
                ) from None

    @property
    def cost(self) -> float:
        """About how long it takes for one image on an exact LeNet-5, in ms of one core: the kind's, by its steps."""
        steps, usual = dict(self.parameters).get("steps"), self.kind.defaults.get("steps")
        return self.kind.cost * (steps / usual if steps and usual else 1)

    def __str__(self) -> str:
        shown = [f"{k}={v:g}" for k, v in self.parameters if k == "eps" or v != self.kind.defaults[k]]
        return f"{self.kind.name}:{','.join(shown)}" if shown else self.kind.name

    def craft(self, module: nn.Module, images: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> np.ndarray:
        """Perturbed images alone, as ``craft_counted``."""
        return self.craft_counted(module, images, labels, seed=seed).images

    def craft_counted(self, module: nn.Module, images: np.ndarray, labels: np.ndarray, *, seed: int = 0) -> Crafted:
        """Perturbed images, one for each image, whether the attack succeeded or not, and what they cost.

        Parameters
        ----------
        module : torch.nn.Module
            The model attacked, on the device that its parameters are on; it is not changed. One within ``Replays`` is
            in evaluation mode, without gradients of parameters.
        images : ndarray of float32, (N, C, H, W)
            In [0, 1].
        labels : ndarray of int64, (N,)
            True classes.
        seed : int
            Of the attack's random numbers, which are others on a GPU than on the CPU; the global generators of torch,
            NumPy and Python are left as they were.

        Returns
        -------
        Crafted
            Images in [0, 1], and within the budget up to one rounding where the attack has one.
        """
        # Gradients with respect to the parameters would be accumulated into the caller's model.
        if not is_replayed(module):
            module = copy.deepcopy(module).eval().requires_grad_(False)
        device = device_of(module)
        crafted, queries = np.empty_like(images), np.zeros(len(images), np.int64)
        halfway: np.ndarray | None = None
        size = batch_on(device)
        # Attacks from elsewhere may change the model as they go. Replays make what a model makes on its device.
        with replayed(module) if is_ours(self.kind.run) else nullcontext():
            for start in range(0, len(images), size):
                part = slice(start, start + size)
                x, y = (torch.from_numpy(array[part]).to(device) for array in (images, labels))
                with (
                    seeded(seed, start),
                    torch.enable_grad(),
                    at_home(device, placed=self.kind.placed and is_replayed(module)),
                    counted(module) as asked,
                ):
                    outcome = self.kind.run(module, x, y, **dict(self.parameters))
                if isinstance(outcome, torch.Tensor):
                    outcome = Outcome(outcome)
                crafted[part] = outcome.images.detach().clamp(0, 1).cpu().numpy()
                queries[part] = -(-asked.images // len(x)) if outcome.queries is None else outcome.queries.cpu().numpy()
                if outcome.halfway is not None:
                    halfway = np.full(len(images), np.inf, np.float32) if halfway is None else halfway
                    halfway[part] = outcome.halfway.cpu().numpy()
        return Crafted(crafted, queries, halfway)


@dataclass(frozen=True)
class Crafted:
    """What ``Attack.craft_counted`` returns.

    Parameters
    ----------
    images : ndarray of float32, (N, C, H, W)
        The perturbed images.
    queries : ndarray of int64, (N,)
        Images that the model was asked about for each of them, gradients not counted; where the attack works on whole
        batches, each image's share.
    halfway : ndarray of float32, (N,), or None
        The perturbations' norms after half of the calls, for attacks that walk towards the image.
    """

    images: np.ndarray
    queries: np.ndarray
    halfway: np.ndarray | None = None


ATTACKS = Registry("attack", dict[str, "Kind"](), of=Kind, characters="-_")
"""Kinds of attack by name, read-only; ``register_attack`` adds to it."""


def register_attack(kind: Kind) -> Kind:
    """Add a kind of attack under a new name, and return it.

    Raises
    ------
    InvalidInput
        If another kind has that name, or the name is not made of letters, digits, ``-`` and ``_``.
    """
    return ATTACKS.register(kind.name, kind)


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
    kind = ATTACKS.look_up(base)
    values = dict(kind.defaults)
    for dial in filter(None, dials.split(",")):
        key, _, text = dial.partition("=")
        if key not in kind.defaults:
            raise InvalidInput(f"attack {base!r} has no parameter {key!r}; choose from {', '.join(kind.defaults)}")
        values[key] = _number(kind, key, text)
    return Attack(kind, tuple(values.items()))


def _number(kind: Kind, key: str, text: str) -> float | int:
    of = type(kind.defaults[key])
    try:
        value = of(text)
    except ValueError:
        what = "a whole number" if of is int else "a number"
        raise InvalidInput(f"{key}={text} is not {what}; write for example {key}={1 if of is int else 0.1}") from None
    most = 1 if key == "eps" and kind.norm == "linf" else kind.most.get(key, math.inf)
    if not (value > 0 or (value == 0 and key in kind.zeros)) or value > most or value == math.inf:
        least = "of 0 or more" if key in kind.zeros else "above 0"
        limit = "finite" if most == math.inf else f"at most {most:g}"
        raise InvalidInput(f"{key}={text} is out of range; give a value {least} and {limit}")
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
        for part in split_names(name):
            one = attack(part)
            keys = [dial.partition("=")[0] for dial in part.partition(":")[2].split(",")]
            if "eps" in keys or not one.kind.budgets:
                found.append(one)
            else:
                found += [attack(f"{part}{',' if ':' in part else ':'}eps={eps}") for eps in one.kind.budgets]
    if not found:
        raise InvalidInput(f"no attack named; choose from {', '.join(ATTACKS)}")
    return tuple(dict.fromkeys(found))
