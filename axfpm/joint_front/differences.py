"""How any two networks of a front differ, with intervals that hold together.

Five families share what is permitted to err, a fifth of it each: differences of clean accuracy from references, which
are the networks in plain torch, and between all others; those of robust accuracy in every norm, likewise; and energies.
So with probability ``1 - ALPHA`` at least all intervals of a front hold their values, and what is said of networks
picked out afterwards holds as often. Differences from references stand apart, as they are fewer and more is asked of
them (``levels``).

The first four are max-T intervals of paired differences, on the same images (``golden.robustness.intervals``). Images
are the sample; networks are those at hand. Energies are compared by their ratios to the exact multiplier's, which rest
on few netlists, n, and have a 95% interval each, about Student's with n - 1 degrees of freedom
(``synth.energy.intervals``). On a logarithmic scale its ends are moved away from the figure by the factor
t(1 - a / (2 m)) / t(0.975), for m different ratios and their share a of the permitted error: Bonferroni's, which asks
nothing of how they depend on each other. The exact multiplier's own ratio is 1 for certain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from axfpm.joint_front.result import Between, Energy, Images, Network
from golden.robustness.intervals import simultaneous_intervals
from golden.robustness.row_types import EXACT
from golden.robustness.statistics import CONFIDENCE

__all__ = ["ALPHA", "correct", "differences", "energies_together"]

ALPHA = 1 - CONFIDENCE
"""Probability, at most, that some interval of a front misses its value."""
FAMILIES = 5


def correct(images: Images) -> np.ndarray:
    """Return whether each image is right, bool (n,)."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(images.right), np.uint8), count=images.n).astype(bool)


def differences(found: Sequence[Network], norms: Sequence[str]) -> tuple[Between, ...]:
    """Return how every two networks differ.

    Parameters
    ----------
    found : sequence of Network
        All on the same images.
    norms : sequence of str
        Of the attacks.
    """
    pairs = list(combinations(found, 2))
    if not pairs:
        return ()
    groups: tuple[list[int], list[int]] = [], []
    for place, pair in enumerate(pairs):
        groups[all(each.target != EXACT for each in pair)].append(place)
    ends: dict[tuple[int, str], tuple[float, float]] = {}
    for whats in (("clean",), tuple(norms)):
        bits = {(each.name, what): correct(each.share(what)).astype(np.float64) for each in found for what in whats}
        for places in filter(None, groups):
            cases = [(place, what) for place in places for what in whats]
            rows = [bits[pairs[place][0].name, what] - bits[pairs[place][1].name, what] for place, what in cases]
            intervals = 100 * simultaneous_intervals(np.stack(rows), confidence=1 - ALPHA / FAMILIES)
            rounded = [(round(float(low), 4), round(float(high), 4)) for low, high in intervals]
            ends |= dict(zip(cases, rounded, strict=True))
    return tuple(
        Between(first.name, second.name, {what: ends[place, what] for what in ("clean", *norms)})
        for place, (first, second) in enumerate(pairs)
    )


def energies_together(found: Sequence[Energy | None]) -> list[Energy | None]:
    """Return energies whose ratios have ends that hold together; those that are one figure count once."""
    known = {(each.ratio, each.ratio_interval) for each in found if each is not None and _uncertain(each)}
    return [None if each is None else replace(each, together=_widened(each, len(known))) for each in found]


def _uncertain(energy: Energy) -> bool:
    return energy.ratio_interval[0] < energy.ratio_interval[1]


def _widened(energy: Energy, energies: int) -> tuple[float, float]:
    from scipy.stats import t

    if not _uncertain(energy):
        return energy.ratio_interval
    free = energy.units - 1
    factor = float(t.ppf(1 - ALPHA / FAMILIES / (2 * energies), free) / t.ppf((1 + CONFIDENCE) / 2, free))
    low, high = (energy.ratio * math.exp(factor * math.log(end / energy.ratio)) for end in energy.ratio_interval)
    return round(low, 6), round(high, 6)
