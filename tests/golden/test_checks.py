import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from golden.checks import SEEDS, check_count, check_number, check_seed, read_whole, whole_numbers
from golden.cnn.data import sample
from golden.cnn.training import train
from golden.errors import InvalidInput, InvalidType
from golden.metrics import error


def test_counts():
    short: Any = np.int16(3)
    assert check_count("rows", 3) == check_count("rows", short, 3, 3) == 3
    assert type(check_count("rows", short)) is int
    with pytest.raises(InvalidInput, match=r"^rows=0 is too small; give at least 1$"):
        check_count("rows", 0)
    with pytest.raises(InvalidInput, match=r"^rows=5 is too large; give at most 4, as it is$"):
        check_count("rows", 5, 1, 4, "as it is")
    for wrong in (1.0, True, "1", None):
        with pytest.raises(InvalidType, match="rows is a whole number, not"):
            check_count("rows", wrong)  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_counts_without_a_lower_bound():
    assert check_count("shift", -(10**30), None) == -(10**30)
    with pytest.raises(InvalidInput, match=r"^shift=1 is too large; give at most 0$"):
        check_count("shift", 1, None, 0)


@pytest.mark.parametrize(
    ("given", "number"), [(3, 3.0), (2.5, 2.5), (np.float32(0.25), 0.25), (np.int64(7), 7.0), (Fraction(1, 4), 0.25)]
)
def test_numbers(given, number):
    found = check_number("period_ns", given)
    assert (found, type(found)) == (number, float)
    assert check_number("period_ns", given, number) == check_number("period_ns", given, above=0) == number


def test_wrong_numbers():
    for wrong, shown in ((math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (10**400, "1000")):
        with pytest.raises(InvalidInput, match=f"^period_ns={shown}.* is not finite; give at least 0.001$"):
            check_number("period_ns", wrong, 0.001)
    for least, above, asked in ((3, None, "at least 3"), (None, 2, "more than 2")):
        with pytest.raises(InvalidInput, match=f"^period_ns=2 is too small; give {asked}$"):
            check_number("period_ns", 2, least, above=above)
    for wrong in ("2", True, None, 1j):
        with pytest.raises(InvalidType, match=r"^period_ns is a number, not (str|bool|NoneType|complex)$"):
            check_number("period_ns", wrong)  # pyright: ignore[reportArgumentType]


def test_whole_numbers_from_text():
    short: Any = np.uint8(12)
    assert read_whole("block", "12") == read_whole("block", 12) == read_whole("block", short) == 12
    assert read_whole("block", "-3") == -3
    for wrong in ("two", "", "2.0", "1e3", "9" * 5000):
        with pytest.raises(InvalidInput, match=f"^block='{wrong}' is not a whole number; write it in digits$"):
            read_whole("block", wrong)
    for wrong in (2.0, True, None):
        with pytest.raises(InvalidType, match=r"^block is a whole number, not (float|bool|NoneType)$"):
            read_whole("block", wrong)  # pyright: ignore[reportArgumentType]


def test_whole_numbers_of_dimensions():
    for given in (3, (3,), [3, 3], np.int8(3), np.array(3), np.array([3, 3]), torch.tensor(3), torch.Size((3, 3))):
        found = whole_numbers("stride", given, 2, 3)
        assert (found, set(map(type, found))) == ((3, 3), {int})
    assert whole_numbers("padding", (0, -1), 2) == (0, -1)
    for wrong in (2.0, (1, 2, 3), (), "12", None, (1, 2.5), (2, 0)):
        said = re.escape(f"stride={wrong!r} is not a whole number >= 1, nor 2 of them")
        with pytest.raises(InvalidInput, match=f"^{said}$"):
            whole_numbers("stride", wrong, 2, 1)


@pytest.mark.parametrize("seed", [-1, SEEDS, 1 << 64, 10**30])
def test_one_rule_for_seeds(seed, tmp_path):
    images, labels = np.zeros((5, 1, 28, 28), np.float32), np.arange(5)
    uses = (
        lambda: check_seed(seed),
        lambda: error("e8m1", n=10, seed=seed),
        lambda: sample(images, labels, 2, seed),
        lambda: train("digits", "lenet5", seed=seed, output=tmp_path / "x.safetensors"),
    )
    for use in uses:
        with pytest.raises(InvalidInput, match=f"seed={seed} is too (small|large); give at (least 0|most {SEEDS - 1})"):
            use()


def test_large_seeds_draw_images():
    images, labels = np.zeros((50, 1, 2, 2), np.float32), np.arange(50)
    drawn = [sample(images, labels, 20, seed)[1].tolist() for seed in (0, (1 << 32) - 1, 1 << 32, SEEDS - 1)]
    assert len({tuple(labels) for labels in drawn}) == 4
