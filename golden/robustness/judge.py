"""Judging: each target's logits for examples crafted before, stretched and shaken ones included, by forward passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.robustness.attacks import BATCH
from golden.robustness.brittleness import rounded, shaken
from golden.robustness.built import built, name_of
from golden.robustness.craft import EMULATED
from golden.robustness.jobs import Arrays, Job
from golden.robustness.networks import LENET5_MACS, Network, Subject, logits_of
from golden.robustness.plan import Shown
from golden.robustness.store import array_digest
from golden.robustness.targets import Fitted, Target

__all__ = ["AS_IS", "ROUNDED", "SHAKEN", "clean_judging", "cost_of", "judging", "stretched", "views"]

AS_IS, ROUNDED, SHAKEN = "as is", "rounded to 8 bits", "under small noise"
FORWARD = 0.15
"""ms of one core for an image through an exact LeNet-5."""
NOISE = 2**-9
"""Amplitude of the small noise: half a step of 8-bit pixels."""


def stretched(images: np.ndarray, crafted: np.ndarray, scale: float) -> np.ndarray:
    """Examples with their perturbations ``scale`` times as large, within [0, 1]."""
    return np.clip(images + np.float32(scale) * (crafted - images), 0, 1)


def views(shown: Shown) -> tuple[str, ...]:
    """Names of the views in which a target sees examples, in the order of their logits."""
    brittle = (ROUNDED, SHAKEN) if shown.brittleness else ()
    return (AS_IS, *(f"x {scale:g}" for scale in shown.scales), *brittle)


def _view(name: str, images: np.ndarray, crafted: np.ndarray, seed: int) -> np.ndarray:
    if name == AS_IS:
        return crafted
    if name == ROUNDED:
        return rounded(crafted)
    if name == SHAKEN:
        return shaken(crafted, NOISE, seed)
    return stretched(images, crafted, float(name.removeprefix("x ")))


def judging(subject: Subject, shown: Shown, crafted: np.ndarray, seed: int) -> Job:
    """The job that shows examples to a target; its result is ``logits`` (views, N, classes) float32.

    Parameters
    ----------
    subject, shown : Subject, Shown
        The network, and who sees what.
    crafted : ndarray of float32, (N, C, H, W)
        The examples.
    seed : int
        Of the small noise.
    """
    names, target, samples = views(shown), shown.target, shown.examples.samples
    device = subject.device_key(target)
    key = {
        **device,
        "part": "judgement",
        "images": subject.chosen_digests(samples)[0] if len(names) > 1 else "",
        "examples": array_digest(crafted),
        "views": list(names),
        "seed": seed if shown.brittleness else 0,
    }

    def arguments() -> tuple[Any, ...]:
        clean = subject.chosen(samples)[0] if len(names) > 1 else crafted
        return subject.network, subject.fitted, target, name_of(subject, device), names, clean, crafted, seed

    cost = _cost(subject, target, len(names) * samples)
    return Job(key, _judge, arguments, ("logits",), cost, f"{shown.examples.attack} shown to {target}")


def clean_judging(subject: Subject, target: Target, chosen: np.ndarray) -> list[Job]:
    """Jobs that show chosen images as they are to a target; the results are ``logits`` (N, classes), in parts."""
    device = subject.device_key(target)

    def job(rows: np.ndarray) -> Job:
        return Job(
            {**device, "part": "clean", "images": array_digest(subject.images[rows])},
            _judge_clean,
            lambda: (subject.network, subject.fitted, target, name_of(subject, device), subject.images[rows]),
            ("logits",),
            _cost(subject, target, len(rows)),
            f"{target}, clean",
        )

    return [job(chosen[start : start + BATCH]) for start in range(0, len(chosen), BATCH)]


def cost_of(subject: Subject, shown: Shown) -> float:
    """About how long ``judging`` will take, in ms."""
    return _cost(subject, shown.target, len(views(shown)) * shown.examples.samples)


def _cost(subject: Subject, target: Target, images: int) -> float:
    return FORWARD * (EMULATED if target.multipliers else 1) * images * subject.macs / LENET5_MACS


def _judge(
    network: Network,
    fitted: Fitted,
    target: Target,
    name: str,
    names: tuple[str, ...],
    images: np.ndarray,
    crafted: np.ndarray,
    seed: int,
) -> Arrays:
    module = built(network, fitted, target, name).module
    return {"logits": np.stack([logits_of(module, _view(view, images, crafted, seed)) for view in names])}


def _judge_clean(network: Network, fitted: Fitted, target: Target, name: str, images: np.ndarray) -> Arrays:
    return {"logits": logits_of(built(network, fitted, target, name).module, images)}
