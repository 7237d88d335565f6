from typing import Any

import numpy as np
import pytest

from golden.checks import SEEDS, check_count, check_seed
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
