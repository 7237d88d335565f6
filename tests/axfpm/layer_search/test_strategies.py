"""Strategies: the budget to the last evaluation, nothing twice, the same from the same seed, and better than luck."""

import numpy as np
import pytest
from made_up_search import LOSS, SPACE, Answers, asked

from axfpm.layer_search import strategies
from axfpm.layer_search.objectives import front, hypervolume, reference_point
from axfpm.layer_search.space import Space
from axfpm.layer_search.strategies import STRATEGIES
from golden.errors import InvalidInput

pytest.importorskip("pymoo")
BUDGETS = (1, 5, 9, 10, 20, 80, 81)
SPENDING = [name for name in STRATEGIES if name != "exhaustive"]


def searched(name, budget, seed=0, answers=None, **more):
    given = asked(budget, answers, **more)
    STRATEGIES[name](given, 0, seed)
    return given


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("name", SPENDING)
def test_the_whole_budget_and_nothing_twice(name, budget):
    answers = Answers()
    given = searched(name, budget, answers=answers)
    assert len(given.seen) == len(answers.order) == budget
    assert len(set(answers.order)) == budget
    assert given.left == 0


@pytest.mark.parametrize("name", SPENDING)
def test_a_budget_beyond_the_space_ends(name):
    assert len(searched(name, 1000).seen) == SPACE.size == 81


@pytest.mark.parametrize("name", SPENDING)
def test_a_seed_decides(name):
    first, again, other = (list(searched(name, 40, seed).seen) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_large_seeds():
    assert len(searched("nsga2", 20, (1 << 63) - 1).seen) == 20


def volume(given):
    return hypervolume(given.values(), reference_point(SPACE, given.objectives, 1e-3))


def test_all():
    given = searched("exhaustive", 81)
    assert len(given.seen) == 81
    with pytest.raises(InvalidInput, match="there are 81 assignments and the budget is 80; raise it, or take another"):
        searched("exhaustive", 80)


def test_where_layers_do_not_depend_on_each_other_the_guess_is_the_front():
    truth = searched("exhaustive", 81)
    best = volume(truth)
    for seed in range(5):
        found, lucky = (volume(searched(name, 21, seed)) for name in ("nsga2", "random"))
        assert found > 0.97 * best
        assert found > lucky


def test_the_planted_layer_is_kept_off_what_breaks_it():
    given = searched("nsga2", 30)
    values = given.values()
    on_front = [list(given.seen)[place] for place in front(values)]
    good = [choice for choice in on_front if given.wrong[choice] < 0.01]
    assert good
    assert all(choice[2] != 2 for choice in good)


def test_greedy_takes_free_steps_first_and_then_the_best_rate():
    answers = Answers()
    searched("greedy", 30, answers=answers)
    # From exact everywhere the step in layer c to the second candidate is free; all steps are asked for once more.
    first, second = answers.batches[1], answers.batches[2]
    assert len(first) == 8
    assert all(choice[2] == 1 for choice in second if choice.count(0) == 2)
    # Then layer b to the third one: 60 uJ for 1e-4 of the images.
    assert all(choice[1] == 2 for choice in answers.batches[3] if choice.count(0) == 1)


def test_spaces_too_large_to_list(monkeypatch):
    layers, losses = tuple(map(str, range(40))), np.tile(LOSS[:1], (40, 1))
    space = Space(layers, SPACE.candidates, np.tile(SPACE.energy[:1], (40, 1)), SPACE.area)
    for name in SPENDING:
        given = asked(100, Answers(space, losses))
        STRATEGIES[name](given, 0, 1)
        assert len(given.seen) == 100
    monkeypatch.setattr(strategies, "WHOLE", 10)
    assert len(searched("random", 81).seen) == 81


def test_three_objectives():
    given = searched("nsga2", 40, names="energy,accuracy,area")
    assert given.values().shape == (40, 3)
