"""Fronts against pairs one by one, volumes against rectangles in the head, and the fixed point."""

import numpy as np
import pytest

from axfpm.layer_search.objectives import OBJECTIVES, front, hypervolume, objectives, reference_point
from axfpm.layer_search.space import Space
from golden.catalogue import multiplier
from golden.errors import InvalidInput

SPACE = Space(("a", "b"), (multiplier("exact"), multiplier("e8m1")), np.array([[4.0, 1], [40, 10]]), np.array([3.0, 2]))


@pytest.mark.parametrize("objectives_", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_front_is_what_nothing_dominates(objectives_, seed):
    values = np.random.default_rng(seed).integers(0, 6, (40, objectives_)).astype(float)
    expected = {
        tuple(v) for v in values if not any((other <= v).all() and (other < v).any() for other in values)
    }  # fmt: skip
    found = values[front(values)]
    assert {tuple(v) for v in found} == expected
    assert len(found) == len(expected)  # of equal ones the first alone
    assert (np.diff(found[:, 0]) >= 0).all()


def test_of_equal_points_the_first():
    assert front(np.array([[2.0, 1], [1, 2], [2, 1], [3, 3]])).tolist() == [1, 0]


def test_volumes():
    pytest.importorskip("pymoo")
    points = np.array([[1.0, 3], [2, 1], [3, 3], [5, 0]])
    assert hypervolume(points, (4, 4)) == pytest.approx((4 - 1) * (4 - 3) + (4 - 2) * (3 - 1))
    assert hypervolume(points, (1, 1)) == 0
    assert hypervolume(points[:0], (4, 4)) == 0
    assert hypervolume(np.array([[1.0, 1, 1]]), (2, 3, 4)) == pytest.approx(1 * 2 * 3)


def test_objectives_and_where_they_count_no_more():
    chosen = objectives("energy,accuracy")
    assert [each.name for each in chosen] == ["energy", "accuracy"]
    assert [each.value(SPACE, (1, 0), 0.25) for each in (*chosen, OBJECTIVES["area"])] == [41, 0.25, 5]
    assert reference_point(SPACE, chosen, 0.25) == (44, 0.26)
    assert reference_point(SPACE, objectives(["accuracy", "area"]), 0.0) == (0.01, 5)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("energy,acuracy", "unknown objective 'acuracy'; did you mean accuracy?"),
        ("energy", "a search trades accuracy against something; give accuracy and one objective more"),
        ("energy,area", "a search trades accuracy against something"),
        ("accuracy,accuracy", "a search trades accuracy against something"),
    ],
)
def test_refusals(names, said):
    with pytest.raises(InvalidInput, match=said):
        objectives(names)
