"""Figures of errors: what they show is what was computed."""

import re

import numpy as np
import pytest

from axfpm.pictures.errors import Point, draw_errors, draw_front, draw_histogram, error_grid
from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.metrics import error

pytest.importorskip("matplotlib")


def test_the_mean_of_the_map_is_the_bias():
    # Cells of equal size, all drawn from alike: two samples of the same distribution.
    m = multiplier("ax-fpm")
    assert error_grid(m).mean() == pytest.approx(error(m, n=1 << 17, seed=5).bias, abs=0.005)


def test_rows_of_the_map_are_the_activation_s():
    # ax-fpm's error depends on the weight far more than on the activation but for its wrap near 2.
    grid = error_grid(multiplier("ax-fpm"))[:60]
    assert np.ptp(grid.mean(axis=0)) > 10 * np.ptp(grid.mean(axis=1))


def test_an_exact_product_has_none():
    grid = error_grid(multiplier("exact"), cells=8)
    assert grid.shape == (8, 8)
    assert np.abs(grid).max() < 2**-24


@pytest.mark.parametrize("draw", [draw_histogram, draw_errors])
def test_figures_are_the_same_text_again(draw):
    m = multiplier("mitchell")
    assert draw(m) == draw(m)
    assert "mitchell: " in draw(m)
    assert re.search(r"<style[^>]*>\s*\*\s*\{", draw(m)) is None


@pytest.mark.parametrize("draw", [draw_histogram, draw_errors])
def test_toy_words_are_not_drawn(draw):
    with pytest.raises(InvalidInput, match="works on 8-bit words, and errors are drawn of 32-bit words alone"):
        draw(multiplier("ax-fpm:format=toy"))


def test_the_description_of_the_map_has_its_extremes():
    grid = error_grid(multiplier("mitchell"))
    assert f"from {grid.min():.2g} to {grid.max():.2g}" in draw_errors(multiplier("mitchell"))


def test_the_front_is_what_none_beats():
    points = [Point("a", 1, 4, False), Point("b", 2, 2, False), Point("c", 4, 1, True), Point("d", 3, 3, True)]
    svg = draw_front(points, x="error", y="energy", title="All")
    assert "4 multipliers by error and energy. None is beaten in both: a, b, c." in svg
    assert all(f">{name}<" in svg for name in "abcd")
