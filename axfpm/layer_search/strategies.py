"""How a search spends its budget, by name: NSGA-II by default, and what it is held against.

Every strategy draws from one generator that a seed makes, asks in batches whose size no number of workers changes, and
so finds the same whoever does the jobs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from axfpm.layer_search.evaluations import Asked
from axfpm.layer_search.objectives import front
from axfpm.layer_search.sensitivities import fitted_losses, guessed_front, guesses, sensitivities
from axfpm.layer_search.space import Choice, Space
from golden.errors import InvalidInput
from golden.registry import Registry

__all__ = ["STRATEGIES", "Strategy"]

Strategy = Callable[[Asked, int, int], None]
"""``strategy(asked, reference, seed)``: asks until the budget is spent or nothing is left to ask. The reference is the
place of the most accurate candidate."""

POPULATION, OFFSPRING, CHOSEN = 16, 128, 8
"""Of NSGA-II: what survives a generation, what is bred in each, and what of that is evaluated: few, as it is dear."""
STARTS = 12
"""Assignments of the guessed front that it begins with."""
BATCH = 8
"""What other strategies ask at once where nothing depends on the answers."""
WHOLE = 1 << 20
"""Spaces up to this size are drawn from without replacement, larger ones by trying."""


def nsga2(asked: Asked, reference: int, seed: int) -> None:
    """NSGA-II (K. Deb et al., IEEE TEC 6, 2002) by pymoo, begun with the sensitivities and the front that they guess.

    Genes are candidates, without an order: crossover is uniform, and a mutation draws another candidate. Nothing that
    was evaluated is bred again. Of the offspring those are evaluated that dominate the others by energy and the share
    of images that layers would lose if they did not depend on each other, fitted to all that is known.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.duplicate import DefaultDuplicateElimination
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ux import UniformCrossover

    space = asked.space
    count = len(space.candidates)

    class Assignments(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=len(space.layers), n_obj=len(asked.objectives), xl=0, xu=count - 1, vtype=int)

        def _evaluate(self, x: np.ndarray, out: dict, *_: object, **__: object) -> None:
            choices = [_choice(row) for row in x]
            asked.ask(choices)
            out["F"] = asked.values(choices)

    class Another(Mutation):
        def _do(self, problem: Problem, X: np.ndarray, *_: object, random_state: np.random.Generator, **__: object):
            drawn = random_state.random(X.shape) < 1 / len(space.layers)
            others = (X + random_state.integers(1, count, X.shape)) % count
            return np.where(drawn, others, X)

    class Unseen(DefaultDuplicateElimination):
        def _do(self, pop, other, is_duplicate):
            is_duplicate = super()._do(pop, other, is_duplicate)
            if other is not None:  # offspring, and not what it begins with
                is_duplicate |= np.array([_choice(row) in asked.seen for row in pop.get("X")], bool)
            return is_duplicate

    found = sensitivities(asked, reference)
    if found is not None:
        guessed = guessed_front(space, found)
        places = np.linspace(0, len(guessed) - 1, min(STARTS, len(guessed))).round().astype(int)
        asked.ask(guessed[place] for place in places)
    operators: dict[str, Any] = {
        "sampling": np.array(list(asked.seen)),
        "crossover": UniformCrossover(),
        "mutation": Another(),
        "eliminate_duplicates": Unseen(),
    }
    algorithm: Any = NSGA2(pop_size=POPULATION, n_offsprings=OFFSPRING, **operators)
    problem, generator = Assignments(), np.random.default_rng(seed)
    algorithm.setup(problem, termination=("n_gen", asked.budget + 2), seed=seed % (1 << 32), verbose=False)
    new = algorithm.ask()  # what is known, for a beginning
    while new is not None and len(new):
        algorithm.evaluator.eval(problem, new)
        algorithm.tell(infills=new)
        if not asked.left:
            return
        bred = algorithm.ask()
        new = None if bred is None else bred[_best_guesses(asked, reference, bred.get("X"), generator)]
    _random(asked, seed)  # near what is known there is nothing new


def _best_guesses(asked: Asked, reference: int, genes: np.ndarray, generator: np.random.Generator) -> list[int]:
    """Places of the assignments that are evaluated: front after front of guesses, by chance where one is too long."""
    losses = fitted_losses(asked.space, reference, asked.wrong)
    choices = [_choice(row) for row in genes]
    values = np.array([(asked.space.energy_of(choice), guesses(losses, choice)) for choice in choices])
    left, best = np.arange(len(choices)), []
    wanted = min(CHOSEN, asked.left, len(choices))
    while len(best) < wanted:
        places = front(values[left])
        best += generator.permutation(left[places])[: wanted - len(best)].tolist()
        left = np.delete(left, places)
    return best


def greedy(asked: Asked, reference: int, seed: int) -> None:
    """Begin with the most accurate candidate everywhere, and take the best single step down in energy, again and again.

    Of all changes of one layer to a cheaper candidate that with most energy saved for each image lost is taken; one
    that loses none is better than any that does. What is left of the budget at the end is drawn at random.
    """
    space = asked.space
    at = space.alone(0, reference, reference)
    asked.ask([at])
    while asked.left:
        steps = [
            (*at[:layer], k, *at[layer + 1 :])
            for layer, now in enumerate(at)
            for k in range(len(space.candidates))
            if space.energy[layer, k] < space.energy[layer, now]
        ]
        known = asked.ask(steps)
        if len(known) < len(steps) or not steps:
            break

        def worth(choice: Choice, at: Choice = at) -> tuple[bool, float]:
            saved = space.energy_of(at) - space.energy_of(choice)
            lost = asked.wrong[choice] - asked.wrong[at]
            return lost <= 0, saved if lost <= 0 else saved / lost

        at = max(known, key=worth)
    _random(asked, seed)


def random(asked: Asked, reference: int, seed: int) -> None:
    """Draw assignments without replacement."""
    _random(asked, seed)


def exhaustive(asked: Asked, reference: int, seed: int) -> None:
    """Evaluate all assignments.

    Raises
    ------
    InvalidInput
        If the budget does not reach.
    """
    if asked.budget < asked.space.size:
        raise InvalidInput(
            f"there are {asked.space.size} assignments and the budget is {asked.budget}; raise it, or take another "
            "strategy"
        )
    asked.ask(itertools.product(range(len(asked.space.candidates)), repeat=len(asked.space.layers)))


def _random(asked: Asked, seed: int) -> None:
    drawn = _drawn(asked.space, np.random.default_rng(seed))
    while asked.left:
        new = (choice for choice in drawn if choice not in asked.seen)
        asked.ask(itertools.islice(new, min(BATCH, asked.left)))


def _drawn(space: Space, generator: np.random.Generator) -> Iterator[Choice]:
    """Choices at random: each once where the space is small, for ever where it is not."""
    shape = (len(space.candidates),) * len(space.layers)
    if space.size <= WHOLE:
        for place in generator.permutation(space.size):
            yield _choice(np.unravel_index(place, shape))
        return
    while True:
        yield _choice(generator.integers(0, len(space.candidates), len(space.layers)))


def _choice(genes: Iterable[Any]) -> Choice:
    return tuple(int(gene) for gene in genes)


STRATEGIES: Registry[Strategy] = Registry(
    "strategy", {"nsga2": nsga2, "greedy": greedy, "random": random, "exhaustive": exhaustive}
)
"""Strategies by name."""
