"""Searches from several seeds on one network, which share what they evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axfpm.layer_search.evaluations import Asked, Evaluations
from axfpm.layer_search.final import OnTest
from axfpm.layer_search.objectives import Objective, hypervolume, reference_point
from axfpm.layer_search.result import Found, SeedResult
from axfpm.layer_search.space import Choice, Space
from axfpm.layer_search.strategies import Strategy
from golden.progress import Progress
from golden.robustness.assigned import classifying
from golden.robustness.jobs import Meter, Workers
from golden.robustness.networks import Subject
from golden.robustness.statistics import Proportion
from golden.robustness.store import Store

__all__ = ["Searches"]


class Searches:
    """One network and what is searched on it.

    Parameters
    ----------
    space, subject, chosen
        The assignments, the network with its training images, and the objectives.
    reference : int
        Place of the most accurate candidate.

    Attributes
    ----------
    known : dict of Choice to float
        Share of training images misclassified, of all that was evaluated.
    most : tuple of float
        The reference point of hypervolumes.
    """

    def __init__(self, space: Space, subject: Subject, chosen: tuple[Objective, ...], reference: int) -> None:
        self.space, self.subject, self.chosen, self.reference = space, subject, chosen, reference
        self.known: dict[Choice, float] = {}
        self.most: tuple[float, ...] = ()

    def run(
        self, plan: Strategy, seeds: Sequence[int], budget: int, who: Workers, cache: bool, progress: Progress | None
    ) -> tuple[list[Asked], tuple[SeedResult, ...]]:
        """Search from each seed; what one has evaluated, no other does again."""
        everywhere = self.space.alone(0, self.reference, self.reference)
        one = classifying(self.subject, [self.space.assignment(everywhere)])[0].cost
        meter = Meter(progress, [one * len(seeds) * min(budget, self.space.size)])
        evaluations = Evaluations(self.space, self.subject, workers=who, store=Store(enabled=cache), meter=meter)
        found = []
        for seed in seeds:
            asked = Asked(evaluations, self.chosen, budget)
            plan(asked, self.reference, seed)
            found.append(asked)
        self.known = evaluations.known
        if everywhere not in self.known:  # by chance
            evaluations.wrong([everywhere])
        self.most = reference_point(self.space, self.chosen, self.known[everywhere])
        volumes = (
            SeedResult(seed, len(asked.seen), hypervolume(asked.values(), self.most))
            for seed, asked in zip(seeds, found, strict=True)
        )
        return found, tuple(volumes)

    def found(self, choice: Choice, test: OnTest) -> Found:
        """Return an assignment with all that is known of it."""
        n, space = len(self.subject.images), self.space
        training = Proportion(n - round(self.known[choice] * n), n)
        return Found(space.assignment(choice), space.energy_of(choice), space.area_of(choice), training, test)

    @property
    def settings(self) -> dict[str, Any]:
        """What was searched, for the settings of a result."""
        names = [str(m) for m in self.space.candidates]
        return {
            "layers": list(self.space.layers),
            "candidates": names,
            "most_accurate": names[self.reference],
            "objectives": {each.name: each.unit for each in self.chosen},
            "reference_point": list(self.most),
            "assignments": self.space.size,
        }
