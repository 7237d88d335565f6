import numpy as np
import pytest

from sim.checker import MISMATCHES, compare, load_result, save_result
from sim.stimulus.stimulus import Stimulus

OPERANDS = Stimulus(
    np.array([1, 2, 3], np.uint32), np.array([4, 5, 6], np.uint32), np.array([0, 1, 0], np.uint8), ("first", "second")
)
EXPECTED = np.array([7, 8, 9], np.uint32)


def test_equal():
    result = compare([7, 8, 9], np.arange(3), EXPECTED, OPERANDS, 32)
    assert (result.checks, result.failures, result.mismatches) == (3, 0, ())


def test_unknown_expectations_are_not_checks():
    result = compare([0, 7, 7, 8], np.array([-1, 0, 0, 1]), EXPECTED, OPERANDS, 32)
    assert (result.checks, result.failures) == (3, 0)


def test_difference_and_undefined_bits():
    result = compare([7, 0x18, "0000000x"], np.arange(3), EXPECTED, OPERANDS, 8)
    assert (result.checks, result.failures) == (3, 2)
    assert [str(m) for m in result.mismatches] == [
        "02 x 05 -> 18, expected 08 (second)",
        "03 x 06 -> 0000000x, expected 09 (first)",
    ]


def test_only_the_first_few_are_shown():
    index = np.zeros(100, np.int64)
    result = compare([0] * 100, index, EXPECTED, OPERANDS, 32)
    assert (result.failures, len(result.mismatches)) == (100, MISMATCHES)


def test_a_bench_that_stops_early_is_no_pass():
    with pytest.raises(ValueError, match="2 samples for 3 cycles"):
        compare([7, 8], np.arange(3), EXPECTED, OPERANDS, 32)


def test_results_survive_the_file(tmp_path):
    save_result(tmp_path / "r.json", [1, "x0", 0xFFFFFFFF], 0.5)
    assert load_result(tmp_path / "r.json") == ([1, "x0", 0xFFFFFFFF], 0.5)
