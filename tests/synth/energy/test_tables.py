import numpy as np
import pytest

from synth.energy.cells import Table
from synth.energy.tables import look_up

TABLE = Table((1.0, 2.0, 4.0), (10.0, 20.0), ((0.0, 10.0), (1.0, 11.0), (5.0, 15.0)))


@pytest.mark.parametrize(
    "slew, load, energy",
    [
        (2, 20, 11),  # a point
        (1.5, 15, 5.5),  # between four
        (3, 10, 3),  # on an edge
        (0, 10, -1),  # before the first slew, along the first interval
        (6, 10, 9),  # beyond the last, along the last interval
        (1, 30, 20),
        (1, 0, -10),
    ],
)
def test_between_and_beyond(slew, load, energy):
    assert look_up(TABLE, np.array([slew, slew]), np.array([load, load])) == pytest.approx([energy, energy])


def test_one_point_on_an_axis():
    assert look_up(Table((0.0,), (0.0,), ((7.0,),)), np.array([3.0]), np.array([9.0])) == [7]
    assert look_up(Table((0.0, 2.0), (0.0,), ((2.0,), (4.0,))), np.array([1.0]), np.array([9.0])) == [3]
