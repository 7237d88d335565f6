import pytest

from hdl.delays import CARRY, LEVEL, SUM, adder_delay, ripple, rows, settle, stage_delays, tree_level, unpacked


def test_a_number_waits_for_the_slowest():
    assert settle(3.0, {}) == {None: 3.0}
    assert settle(3.0, {1: 2.0, 2: 5.0}) == {None: 8.0}


def test_a_level_delays_the_columns_that_have_adders():
    x, y, z, u, total, carry = (object() for _ in range(6))
    level = tree_level({0: [u], 1: [x, y, z], 2: []}, {0: [u], 1: [total], 2: [carry]})
    # Weight 2 gets its bit from the adder at weight 1.
    assert settle(level, {}) == {0: 0.0, 1: LEVEL, 2: LEVEL}
    late = settle(level, {0: 9.0, 1: 2.0, "exponent": 20.0})
    assert late == {0: 9.0, 1: 2.0 + LEVEL, 2: 2.0 + LEVEL, "exponent": 20.0}


def test_a_ripple_meets_columns_as_they_settle():
    # Low columns are there at once; the one in the middle is late, and what was before it does not count.
    times = settle(ripple(range(4)), {0: 0.0, 1: 0.0, 2: 10.0, 3: 0.0})
    assert times["carry"] == pytest.approx(10.0 + 2 * CARRY)
    assert times["sum"] == times["carry"] + SUM
    assert settle(ripple(range(4, 6)), times)["carry"] == pytest.approx(times["carry"] + 2 * CARRY)
    assert settle(ripple(range(4, 6)), {})["carry"] == pytest.approx(2 * CARRY)


def test_ripples_in_a_row_take_as_long_as_one_adder():
    table = stage_delays([ripple(range(k, k + 4)) for k in range(0, 16, 4)])
    assert table[0][4] == pytest.approx(adder_delay(16))
    assert table[1][3] == pytest.approx(adder_delay(8))
    assert table[2][2] == 0.0


def test_exponents_go_on_beside_fractions():
    times = settle(rows(2.0), settle(unpacked(3.0, 16.0), {}))
    assert times == {None: 5.0, "exponent": 16.0}
    assert stage_delays([unpacked(3.0, 16.0), rows(2.0), 4.0])[0] == [0.0, 16.0, 16.0, 20.0]


@pytest.mark.parametrize("start", range(4))
def test_a_stage_that_starts_later_is_no_slower(start):
    table = stage_delays([unpacked(0.0, 9.0), rows(1.0), ripple(range(8)), 4.0])
    assert table[start][4] >= table[start + 1][4]
