"""The rows of results: a target clean, under an attack, under a suite, and pictures; ``outcomes`` defines the rates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from golden.robustness.statistics import Proportion

__all__ = ["EXACT", "Clean", "Picture", "Suite", "UnderAttack", "plain"]

EXACT = "exact torch"
"""Name of the exact model in results: plain PyTorch, no multiplier emulated."""


@dataclass(frozen=True)
class Clean:
    """One target on unperturbed images.

    Parameters
    ----------
    target : str
        Canonical name of the target, or ``EXACT``.
    control : bool
        Whether it stands there for comparison only.
    accuracy : Proportion
        Images classified correctly.
    agreement : Proportion
        Images put into the same class as by the exact model.
    confidence : float or None
        Mean of the largest softmax output; None where a logit is not finite.
    model : str
        Name of the network.
    seed : int or None
        Of the network's training.
    group : str
        ``exact``, ``multiplier``, ``control``, ``row`` or ``reference``.
    temperature : float or None
        How much larger the target's logits are than the exact ones, by least squares; None where no factor is positive.
    calibration : dict
        Confidence in full: margin, NLL, ECE, Brier score and the reliability bins, for the logits as they are
        (``raw``) and divided by the temperature (``matched``); empty where it was not asked for.
    """

    target: str
    control: bool
    accuracy: Proportion
    agreement: Proportion
    confidence: float | None
    model: str = ""
    seed: int | None = None
    group: str = "multiplier"
    temperature: float | None = None
    calibration: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class UnderAttack:
    """One target under one attack in one threat model.

    Parameters
    ----------
    threat_model, attack, norm : str
        Names; the attack's name holds its budget.
    epsilon : float or None
        The budget, in pixel values of [0, 1]; None where the attack minimises its norm.
    target : str
        Canonical name of the target, or ``EXACT``.
    control : bool
        Whether it stands there for comparison only.
    source_success, robust_accuracy : Proportion
        See ``golden.robustness.outcomes``.
    transfer : Proportion or None
        See there; None where the target is the source.
    model : str
        Name of the network.
    seed : int or None
        Of the network's training.
    view : str
        ``as is``, or how the examples were changed before they were shown: stretched (``x 1.1``), rounded, shaken.
    gradient : str
        How a multiplier was differentiated.
    transfer_common : Proportion or None
        The transfer rate over the images that all targets of these examples classify correctly clean.
    median_distance : float or None
        See ``golden.robustness.outcomes``, in the attack's norm.
    queries : float or None
        Images that the attacked model was asked about, for each image, where it was asked.
    halfway_distance : float or None
        The median norm of the perturbations after half of the attack's calls, over the same images, for attacks that
        walk towards the image: near ``median_distance`` where more calls would gain little.
    deciles : mapping of str to float or None
        For attacks that minimise their norm: within which norm 10, 20, .. 90 percent of those images are fooled.
    examples : str
        Digest of the examples: equal digests are equal examples.
    crafted_for : str
        The target that they are for; empty where all targets share them.
    """

    threat_model: str
    attack: str
    norm: str
    epsilon: float | None
    target: str
    control: bool
    source_success: Proportion
    transfer: Proportion | None
    robust_accuracy: Proportion
    model: str = ""
    seed: int | None = None
    view: str = "as is"
    gradient: str = "scaled"
    transfer_common: Proportion | None = None
    median_distance: float | None = None
    queries: float | None = None
    halfway_distance: float | None = None
    deciles: Mapping[str, float | None] = field(default_factory=dict, hash=False)
    examples: str = ""
    crafted_for: str = ""


@dataclass(frozen=True)
class Suite:
    """One target under the best attack for each image, of all attacks of a threat model that keep within a budget.

    Parameters
    ----------
    threat_model, norm : str
        Names.
    budget : float
        In pixel values of [0, 1].
    target : str
        Canonical name of the target, or ``EXACT``.
    model : str
        Name of the network.
    seed : int or None
        Of the network's training.
    robust_accuracy : Proportion
        Images classified correctly clean and under all of the attacks.
    attacks : int
        How many sets of examples that is.
    right : str
        Which images those are: hexadecimal digits, the first image is the highest bit.
    """

    threat_model: str
    norm: str
    budget: float
    target: str
    model: str
    seed: int | None
    robust_accuracy: Proportion
    attacks: int
    right: str


@dataclass(frozen=True)
class Picture:
    """One example as an image of 8 bits, to look at.

    Parameters
    ----------
    threat_model, attack, target : str
        Names; an empty attack for the clean image.
    label, predicted : int
        True class, and the target's.
    channels, height, width : int
        Its shape.
    pixels : str
        Hexadecimal digits, two for each value, channel by channel and row by row.
    """

    threat_model: str
    attack: str
    target: str
    label: int
    predicted: int
    channels: int
    height: int
    width: int
    pixels: str


def plain(row: Clean | UnderAttack | Suite | Picture) -> dict[str, Any]:
    """Return a row as a JSON-ready dictionary."""
    return {
        entry.name: value.to_dict() if isinstance(value := getattr(row, entry.name), Proportion) else value
        for entry in dataclasses.fields(row)
    }
