"""What a search found: the front with all that is known of it, as the file that others take, and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from axfpm.layer_search.final import OnTest
from golden.assignments import Assignment, document
from golden.robustness.statistics import Proportion

__all__ = ["Found", "SearchResult", "SeedResult"]


@dataclass(frozen=True)
class Found:
    """An assignment of the front.

    Parameters
    ----------
    assignment : Assignment
        A multiplier for each layer.
    energy_uj : float
        Energy of the multiply-accumulates of an image by the files, uJ.
    area_um2 : float
        Area of one circuit of each multiplier that it uses, um^2.
    training : Proportion
        Training images of the search that are classified correctly.
    test : OnTest
        What it is worth on images that the search has not seen.
    """

    assignment: Assignment
    energy_uj: float
    area_um2: float
    training: Proportion
    test: OnTest

    @property
    def drop(self) -> float:
        """Accuracy on training images less that on test images, in points."""
        return _drop(self.training, self.test)

    def to_dict(self) -> dict[str, Any]:
        """Return it as an entry of a file of assignments."""
        return {
            "layers": self.assignment.to_dict(),
            "energy_uj": self.energy_uj,
            "area_um2": self.area_um2,
            "training": self.training.to_dict(),
            "test": self.test.to_dict(),
            "drop_points": self.drop,
        }


@dataclass(frozen=True)
class SeedResult:
    """One search.

    Parameters
    ----------
    seed : int
        Of its random numbers.
    evaluations : int
        Assignments that it asked for.
    hypervolume : float
        What its front dominates, in units of the product of the objectives' units.
    """

    seed: int
    evaluations: int
    hypervolume: float


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The front of one search or several, from several seeds.

    Parameters
    ----------
    settings : dict
        What was asked for, and what the figures mean.
    exact_training : Proportion
        Training images that the network classifies correctly in plain torch.
    exact_test : OnTest
        The same network on test images.
    front : tuple of Found
        What no other evaluated assignment dominates, in the order of the first objective.
    seeds : tuple of SeedResult
        The searches.
    sensitivities : numpy.ndarray or None
        float64, (layers, candidates): share of training images lost with one layer alone on a candidate.
    seen : mapping
        Objectives of everything that was evaluated, by choice, in the order of the candidates.
    """

    settings: dict[str, Any]
    exact_training: Proportion
    exact_test: OnTest
    front: tuple[Found, ...]
    seeds: tuple[SeedResult, ...]
    sensitivities: np.ndarray | None
    seen: Mapping[tuple[int, ...], np.ndarray] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types: a file of assignments (``golden.assignments``)."""
        return document(
            [found.to_dict() for found in self.front],
            search={
                **self.settings,
                "exact": {
                    "training": self.exact_training.to_dict(),
                    "test": self.exact_test.to_dict(),
                    "drop_points": _drop(self.exact_training, self.exact_test),
                },
                "seeds": [vars(seed) for seed in self.seeds],
                "sensitivities_points": self._sensitivities(),
            },
        )

    def to_json(self) -> str:
        """Return it as the text of a file that ``golden.assignments.read`` reads."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    @property
    def columns(self) -> tuple[str, ...]:
        """The head of the table."""
        return ("no.", "layers", "uJ an image", "um^2", "training", "test", "drop", *map(_under, self._budgets.items()))

    def table(self) -> list[tuple[str | float, ...]]:
        """Return the rows of a table whose head is ``columns``: the exact network in plain torch, then the front."""
        rows = [("-", "plain torch", "-", "-", self.exact_training, self.exact_test)]
        rows += [
            (str(number), str(each.assignment), each.energy_uj, each.area_um2, each.training, each.test)
            for number, each in enumerate(self.front, 1)
        ]
        return [
            (
                *known,
                _percent(training),
                _percent(test.clean),
                f"{_drop(training, test):+.2f}",
                *(_percent(test.robust[norm]) for norm in self._budgets),
            )
            for *known, training, test in rows
        ]

    @property
    def sensitivity_columns(self) -> tuple[str, ...]:
        """The head of the table of sensitivities."""
        return ("layer", *self.settings["candidates"])

    def sensitivity_table(self) -> list[tuple[str | float, ...]]:
        """Return a row for each layer: points of training accuracy lost with it alone on each candidate."""
        found = self._sensitivities() or {}
        return [(layer, *(f"{lost:.2f}" for lost in each.values())) for layer, each in found.items()]

    @property
    def note(self) -> str:
        """What the figures mean, in words."""
        said = self.settings
        volumes = ", ".join(f"{each.hypervolume:.4g} (seed {each.seed}, {each.evaluations})" for each in self.seeds)
        return (
            f"{said['strategy']} on {said['training_images']} training images, {said['evaluated']} of "
            f"{said['assignments']} assignments evaluated; hypervolume {volumes} from {said['reference_point']}\n"
            f"drop: points from training to {said['test_images']} test images; adaptive: right under that attack, of "
            f"{said['attacked_images']} test images\n{said['energies']}"
        )

    @property
    def _budgets(self) -> dict[str, float]:
        return {norm: eps for norm, eps in self.settings["budgets"].items() if norm in self.exact_test.robust}

    def _sensitivities(self) -> dict[str, dict[str, float]] | None:
        if self.sensitivities is None:
            return None
        candidates, layers = self.settings["candidates"], self.settings["layers"]
        return {
            layer: {name: float(100 * lost) for name, lost in zip(candidates, row, strict=True)}
            for layer, row in zip(layers, self.sensitivities, strict=True)
        }


def _drop(training: Proportion, test: OnTest) -> float:
    return 100 * ((training.rate or 0.0) - (test.clean.rate or 0.0))


def _under(budget: tuple[str, float]) -> str:
    return f"adaptive {budget[0]} {budget[1]:g}"


def _percent(share: Proportion) -> str:
    low, high = share.interval
    return f"{100 * (share.rate or 0.0):.1f}% [{100 * low:.1f}, {100 * high:.1f}]"
