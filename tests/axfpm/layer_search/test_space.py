"""The space of assignments: its size, its sums, its reference, and what it refuses."""

import numpy as np
import pytest

from axfpm.layer_search.space import Space, most_accurate
from golden.catalogue import multiplier
from golden.errors import InvalidInput

NAMES = ("ax-fpm", "exact", "e8m1")
SPACE = Space(
    ("conv", "fc"),
    tuple(map(multiplier, NAMES)),
    np.array([[2.0, 3, 1], [20, 30, 10]]),
    np.array([200.0, 300, 100]),
)


def test_choices():
    assert SPACE.size == 9
    assert SPACE.assignment((2, 1)).to_dict() == {"conv": "e8m1", "fc": "exact"}
    assert SPACE.energy_of((2, 1)) == 31
    assert SPACE.area_of((2, 1)) == 400
    assert SPACE.area_of((2, 2)) == 100  # one circuit does for both
    assert SPACE.alone(1, 0, 2) == (2, 0)


@pytest.mark.parametrize(
    ("names", "expected"),
    [(NAMES, 1), (("e8m1", "ax-fpm"), 0), (("mitchell", "e8m2", "bf16"), 2), (("exact-trunc", "exact"), 1)],
)
def test_the_most_accurate(names, expected):
    assert most_accurate([multiplier(name) for name in names]) == expected


@pytest.mark.parametrize(
    ("layers", "names", "said"),
    [
        ((), ("exact", "e8m1"), "there are no layers to choose multipliers for"),
        (("fc",), ("exact", "ax-fpm:format=toy"), "works on 8-bit words"),
    ],
)
def test_refusals(layers, names, said):
    with pytest.raises(InvalidInput, match=said):
        Space(layers, tuple(map(multiplier, names)), np.ones((len(layers), len(names))), np.ones(len(names)))
