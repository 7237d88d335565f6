"""What a search minimises, by name, and the measure of what it found: the volume that a front dominates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from axfpm.layer_search.space import Choice, Space
from golden.errors import InvalidInput
from golden.registry import Registry, split_names
from golden.robustness.equivalence import MARGIN

__all__ = ["OBJECTIVES", "Objective", "front", "hypervolume", "objectives", "reference_point"]


@dataclass(frozen=True)
class Objective:
    """Something that is to be small.

    Parameters
    ----------
    name : str
        The name on the command line.
    unit : str
        Of its values.
    value : callable
        ``value(space, choice, wrong) -> float``, where ``wrong`` is the share of training images that the network
        misclassifies on the assignment.
    most : callable
        ``most(space, wrong) -> float``: the value from which on an assignment counts nothing, where ``wrong`` is the
        share on the most accurate candidate alone.
    """

    name: str
    unit: str
    value: Callable[[Space, Choice, float], float]
    most: Callable[[Space, float], float]


OBJECTIVES = Registry(
    "objective",
    {
        each.name: each
        for each in (
            Objective(
                "energy",
                "uJ an image",
                lambda space, choice, wrong: space.energy_of(choice),
                lambda space, wrong: float(space.energy.max(1).sum()),
            ),
            Objective(
                "accuracy",
                "share of training images misclassified",
                lambda space, choice, wrong: wrong,
                lambda space, wrong: wrong + MARGIN / 100,
            ),
            Objective(
                "area",
                "um^2 of one circuit of each multiplier used",
                lambda space, choice, wrong: space.area_of(choice),
                lambda space, wrong: float(space.area.sum()),
            ),
        )
    },
)
"""Objectives by name. An assignment on which accuracy falls by ``MARGIN`` points or more is no replacement of the exact
network by the rule of ``golden.robustness.equivalence``, and dominates no volume."""


def objectives(names: str | Iterable[str]) -> tuple[Objective, ...]:
    """Look up objectives: names, or one string with commas between them.

    Raises
    ------
    InvalidInput
        If a name is unknown, there are fewer than two, or accuracy is not among them.
    """
    listed = split_names(names) if isinstance(names, str) else list(names)
    found = tuple(dict.fromkeys(OBJECTIVES.look_up(name) for name in listed))
    if len(found) < 2 or not any(each.name == "accuracy" for each in found):
        raise InvalidInput("a search trades accuracy against something; give accuracy and one objective more")
    return found


def front(values: np.ndarray) -> np.ndarray:
    """Return which rows no other row dominates, of equal ones the first, int64, in the order of their first column.

    Parameters
    ----------
    values : numpy.ndarray
        float64, (points, objectives): all to be small.
    """
    values = np.asarray(values, np.float64)
    no_worse = (values[:, None] <= values[None]).all(2)  # of i than of j
    better = no_worse & (values[:, None] < values[None]).any(2)
    earlier = np.arange(len(values))[:, None] < np.arange(len(values))[None]
    same = no_worse & no_worse.T & earlier
    left = np.nonzero(~(better | same).any(0))[0]
    return left[np.lexsort(values[left].T[::-1])]


def hypervolume(values: np.ndarray, most: Sequence[float]) -> float:
    """Return the volume between a reference point and all that some points dominate.

    Parameters
    ----------
    values : numpy.ndarray
        float64, (points, objectives).
    most : sequence of float
        The reference point; points beyond it in any objective count nothing.
    """
    from pymoo.indicators.hv import HV

    values = np.asarray(values, np.float64)
    within = values[(values < np.asarray(most)).all(1)] if len(values) else values
    indicator: Any = HV(ref_point=np.asarray(most, np.float64))
    return float(indicator(within)) if len(within) else 0.0


def reference_point(space: Space, chosen: Sequence[Objective], wrong: float) -> tuple[float, ...]:
    """Return the fixed point that volumes are measured from: of each objective the most that counts.

    Parameters
    ----------
    wrong : float
        Share of training images that the network misclassifies with all layers on the most accurate candidate.
    """
    return tuple(each.most(space, wrong) for each in chosen)
