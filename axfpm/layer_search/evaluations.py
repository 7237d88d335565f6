"""Evaluations of assignments: jobs that are kept when done, counted against a budget, each asked for once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from axfpm.layer_search.objectives import Objective
from axfpm.layer_search.space import Choice, Space
from golden.robustness.assigned import classifying
from golden.robustness.jobs import Meter, Workers, run
from golden.robustness.networks import Subject
from golden.robustness.outcomes import right
from golden.robustness.store import Store

__all__ = ["Asked", "Evaluations"]


class Evaluations:
    """How many training images a network gets wrong on each assignment of a space.

    Parameters
    ----------
    space : Space
        The assignments.
    subject : Subject
        The network, and the training images with their classes.
    workers : Workers
        Who does the jobs; entered.
    store : Store
        Where they are kept.
    meter : Meter
        Progress.
    """

    def __init__(self, space: Space, subject: Subject, *, workers: Workers, store: Store, meter: Meter) -> None:
        self.space, self.subject = space, subject
        self.workers, self.store, self.meter = workers, store, meter
        self.known: dict[Choice, float] = {}

    def wrong(self, choices: Sequence[Choice]) -> list[float]:
        """Return the share of images that are misclassified on each of some assignments."""
        made = classifying(self.subject, [self.space.assignment(choice) for choice in choices])
        jobs = dict(zip(choices, made, strict=True))
        for choice, job in jobs.items():
            if choice in self.known:
                self.meter.finish(job)
        new = [choice for choice in jobs if choice not in self.known]
        for choice, found in zip(new, run([jobs[c] for c in new], self.store, self.workers, self.meter), strict=True):
            self.known[choice] = float(np.mean(~right(found["logits"], self.subject.labels)))
        return [self.known[choice] for choice in choices]


class Asked:
    """What one search has asked for, and how much it may still ask.

    Parameters
    ----------
    evaluations : Evaluations
        Who answers; several searches may ask the same one, and each counts for itself.
    objectives : tuple of Objective
        What is minimised.
    budget : int
        Assignments that may be evaluated.

    Attributes
    ----------
    seen : dict of Choice to numpy.ndarray
        Objectives of all that was asked, float64, in the order of asking.
    wrong : dict of Choice to float
        Misclassified shares likewise.
    """

    def __init__(self, evaluations: Evaluations, objectives: tuple[Objective, ...], budget: int) -> None:
        self.evaluations, self.objectives, self.budget = evaluations, objectives, budget
        self.space = evaluations.space
        self.seen: dict[Choice, np.ndarray] = {}
        self.wrong: dict[Choice, float] = {}

    @property
    def left(self) -> int:
        """How many more assignments may be evaluated, and there are."""
        return min(self.budget, self.space.size) - len(self.seen)

    def ask(self, choices: Iterable[Choice]) -> list[Choice]:
        """Evaluate assignments as far as the budget reaches; return those that are known then, in order."""
        choices = list(dict.fromkeys(choices))
        new = [choice for choice in choices if choice not in self.seen][: max(self.left, 0)]
        for choice, wrong in zip(new, self.evaluations.wrong(new), strict=True):
            self.wrong[choice] = wrong
            self.seen[choice] = np.array([each.value(self.space, choice, wrong) for each in self.objectives])
        return [choice for choice in choices if choice in self.seen]

    def values(self, choices: Sequence[Choice] | None = None) -> np.ndarray:
        """Objectives of assignments that were asked for, all unless given, float64, (assignments, objectives)."""
        wanted = list(self.seen) if choices is None else choices
        return np.array([self.seen[choice] for choice in wanted]).reshape(len(wanted), len(self.objectives))
