"""One layer alone on each candidate, and the front that it guesses, against all assignments one by one."""

import itertools

import numpy as np
import pytest
from made_up_search import ENERGY, LOSS, SPACE, Answers, asked

from axfpm.layer_search import sensitivities as module
from axfpm.layer_search.objectives import front
from axfpm.layer_search.sensitivities import (
    fitted_losses,
    guessed_front,
    guesses,
    losses_alone,
    sensitivities,
    single_choices,
)


def test_one_pass():
    answers = Answers()
    given = asked(60, answers)
    assert sensitivities(given, 0) == pytest.approx(LOSS)
    assert len(answers.batches) == 1
    assert answers.batches[0] == single_choices(SPACE, 0)
    assert len(answers.order) == 1 + 4 * 2
    assert given.left == 60 - 9


def test_a_planted_layer_stands_out():
    found = sensitivities(asked(60), 0)
    assert found is not None
    assert np.unravel_index(found.argmax(), found.shape) == (2, 2)
    assert found.max() > 10 * np.delete(found, 2, axis=0).max()


def test_a_budget_that_does_not_reach():
    given = asked(8)
    assert sensitivities(given, 0) is None
    assert given.left == 0
    assert losses_alone(SPACE, 0, given.wrong) is None


def test_another_reference():
    found = sensitivities(asked(60), 1)
    assert found == pytest.approx(LOSS - LOSS[:, 1:2])


def test_the_guessed_front_is_that_of_all_guesses():
    every = list(itertools.product(range(3), repeat=4))
    values = np.array([(SPACE.energy_of(choice), guesses(LOSS, choice)) for choice in every])
    expected = {tuple(value) for value in values[front(values)].round(9)}
    found = guessed_front(SPACE, LOSS)
    got = {(round(SPACE.energy_of(choice), 9), round(guesses(LOSS, choice), 9)) for choice in found}
    assert got == expected
    energies = [SPACE.energy_of(choice) for choice in found]
    assert energies == sorted(energies)


def test_gains_count_as_none():
    lucky = LOSS.copy()
    lucky[0, 1] = -0.5  # dearer than the third candidate, which loses next to nothing
    assert min(guessed_front(SPACE, lucky), key=SPACE.energy_of)[0] == 2


def test_a_fit_finds_the_sum_that_there_is():
    choices = list(itertools.product(range(3), repeat=4))[::2]
    wrong = {choice: 1e-3 + guesses(LOSS, choice) for choice in choices}
    found = fitted_losses(SPACE, 0, wrong)
    assert (found[:, 0] == 0).all()
    assert found[2, 2] == pytest.approx(LOSS[2, 2], rel=0.1)
    # Held back by a hundredth, and no more: so it is with those that lose little, too.
    little = [choice for choice in choices if choice[2] != 2]
    both = [[guesses(each, choice) for choice in little] for each in (found, LOSS)]
    assert np.asarray(np.corrcoef(both))[0, 1] > 0.95
    assert (fitted_losses(SPACE, 0, dict.fromkeys(choices, 0.0)) == 0).all()
    assert (fitted_losses(SPACE, 1, {(1, 1, 1, 1): 0.5})[:, 1] == 0).all()


def test_long_fronts_are_thinned(monkeypatch):
    whole = guessed_front(SPACE, LOSS)
    monkeypatch.setattr(module, "MOST_GUESSES", 5)
    few = guessed_front(SPACE, LOSS)
    assert len(few) == 5 < len(whole)
    assert SPACE.energy_of(few[0]) == SPACE.energy_of(whole[0]) == ENERGY.min(1).sum()
