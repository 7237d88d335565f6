import numpy as np
import pytest

from golden.errors import InvalidInput
from golden.metrics import DISTRIBUTIONS, error, relative_errors

N = 200_000


@pytest.mark.parametrize(
    ("name", "mred"), [("ax-fpm", 0.41), ("e8m1", 0.12), ("e8m2", 0.06), ("mitchell", 0.038), ("exact", 0.0)]
)
def test_published_mean_relative_errors(name, mred):
    assert error(name, n=N).mred == pytest.approx(mred, abs=0.005)


def test_shares_and_ratios_of_ax_fpm():
    assert error("ax-fpm", "uniform", n=N).larger == pytest.approx(0.958, abs=0.003)
    widen = error("ax-fpm-widen", n=N)
    assert widen.larger == 1.0
    assert widen.mean_ratio == pytest.approx(1.412, abs=0.003)
    assert 1.0304 <= widen.least_ratio < 1.05
    assert 1.95 < widen.greatest_ratio <= 2.0
    assert widen.bias == widen.mred


def test_rounding_errors_of_exact_products():
    nearest, truncated = error("exact", n=N), error("exact-trunc", n=N)
    assert nearest.worst <= 2**-24
    assert truncated.worst < 2**-23
    assert (truncated.larger, truncated.bias) == (0.0, -truncated.mred)


def test_nmed_by_hand():
    # For exact-trunc the error distance is below one unit in the last place of a significand product in [1, 4).
    report = error("exact-trunc", n=N)
    assert 0 < report.nmed < 2**-22 / 4


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_seeded_and_accounted(distribution):
    report = error("ax-fpm", distribution, n=5000, seed=3)
    assert report == error("ax-fpm", distribution, n=5000, seed=3)
    assert report != error("ax-fpm", distribution, n=5000, seed=4)
    assert relative_errors("ax-fpm", distribution, n=5000, seed=3).size == 5000 - report.excluded
    assert np.isfinite(list(report.to_dict().values())[4:]).all()
    assert (distribution == "bits") == (report.excluded > 100)


def test_wrong_arguments():
    with pytest.raises(InvalidInput, match="unknown distribution 'gauss'; choose from uniform-significand"):
        error("ax-fpm", "gauss")
    with pytest.raises(InvalidInput, match="give at least 1"):
        error("ax-fpm", n=0)
