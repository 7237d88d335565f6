"""What is searched: the layers of a network, the multipliers that each may have, and what an image costs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.assignments import Assignment
from golden.catalogue import Multiplier, distinct
from golden.errors import InvalidInput
from golden.metrics import error
from golden.multiply import require_float32_words

__all__ = ["Choice", "Space", "most_accurate"]

Choice = tuple[int, ...]
"""Which candidate each layer has, by place."""
PAIRS = 1 << 14
"""Products by which candidates are put in the order of their errors."""


@dataclass(frozen=True, eq=False)
class Space:
    """All assignments of some candidates to some layers.

    Parameters
    ----------
    layers : tuple of str
        Names, in the order of execution.
    candidates : tuple of Multiplier
        What each layer may have.
    energy : numpy.ndarray
        float64, (layers, candidates): what a layer's multiply-accumulates of one image take, uJ.
    area : numpy.ndarray
        float64, (candidates,): area of the circuit that computes one, um^2.

    Raises
    ------
    InvalidInput
        If there is no layer, or two candidates have the same name or other words than float32.
    """

    layers: tuple[str, ...]
    candidates: tuple[Multiplier, ...]
    energy: np.ndarray = field(repr=False)
    area: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        if not self.layers:
            raise InvalidInput("there are no layers to choose multipliers for; give a network that multiplies")
        distinct(self.candidates)
        for m in self.candidates:
            require_float32_words(m)
        assert self.energy.shape == (len(self.layers), len(self.candidates))
        assert self.area.shape == (len(self.candidates),)

    @property
    def size(self) -> int:
        """Number of assignments."""
        return len(self.candidates) ** len(self.layers)

    def assignment(self, choice: Choice) -> Assignment:
        """Return what a choice stands for."""
        return Assignment(tuple((name, self.candidates[c]) for name, c in zip(self.layers, choice, strict=True)))

    def energy_of(self, choice: Choice) -> float:
        """Energy of an image, uJ: the sum over layers."""
        return float(sum(self.energy[layer, c] for layer, c in enumerate(choice)))

    def area_of(self, choice: Choice) -> float:
        """Area of one circuit of each multiplier that a choice uses, um^2."""
        return float(sum(self.area[c] for c in sorted(set(choice))))

    def alone(self, layer: int, candidate: int, elsewhere: int) -> Choice:
        """Return the choice with one layer on a candidate, and another one elsewhere."""
        return tuple(candidate if at == layer else elsewhere for at in range(len(self.layers)))


def most_accurate(candidates: Sequence[Multiplier]) -> int:
    """Return the place of the candidate whose products have the least mean relative error, the first of several."""
    return int(np.argmin([error(m, n=PAIRS).mred for m in candidates]))
