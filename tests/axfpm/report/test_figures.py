from dataclasses import replace

import numpy as np

from axfpm.report import figures
from axfpm.report.robustness_figures import headline
from golden.robustness.records import find, read

ROWS = [
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": 10**5, "gmacs": 7.0, "torch_gmacs": 40.0, "bound": 4.0},
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": 4 * 10**6, "gmacs": 3.0, "torch_gmacs": 5.0, "bound": 4.0},
    {"multiplier": "ax-fpm", "macs": 10**6, "bytes": None, "gmacs": 6.0, "torch_gmacs": 12.0, "bound": 4.0},
]


def test_figures_are_deterministic_svg():
    errors = {"a": np.linspace(-0.1, 0.5, 1000), "b": np.zeros(10)}
    for draw in (
        lambda: figures.error_histogram(errors),
        figures.row_dots,
        lambda: figures.saving_against_error(["ax-fpm", "e8m2"], [0.4, 0.0], [1.0, 2.0], "um^2"),
        lambda: figures.pareto(["ax-fpm", "e8m2", "bf16"], [0.4, 0.1, 0.01], [5.0, 1.0, 2.0], "error", "pJ"),
        lambda: figures.slowdown_bars(["gemm", "conv"], [3.0, 2.0], [2.5, None]),
        lambda: figures.roofline(ROWS, {"gmacs": 50.0, "gbytes": 18.0}),
        lambda: figures.transfer_bars(["fgsm"], {"ax-fpm": [(0.5, 0.4, 0.6)], "e8m2": [None]}, "rate"),
    ):
        svg = draw()
        assert svg.startswith("<svg")
        assert svg == draw()


def test_rows_and_gates():
    svg = figures.row_dots()
    assert "exact: 24 rows, 576 AND gates" in svg
    assert "ax-fpm: 12 rows, 252 AND gates" in svg


def test_headline_figures_of_what_comes_with_the_package():
    results = read(find("mnist"))
    made = headline(results)
    assert len(made) == 7
    assert all(text.startswith("<svg") for _, text in made)
    assert made == headline(results)
    by_kappa, by_stretch = made[0][1], made[1][1]
    assert "kappa" in by_kappa
    assert all(f">{name}<" in by_stretch for name in ("noise", "ax-fpm", "ax-fpm+clamp", "independent"))
    assert headline(replace(results, clean=(), attacks=(), suites=(), pictures=())) == []


def test_names_of_close_points_stand_apart():
    # Far apart they stand to the right; of points at one place none has the place of another.
    assert figures._apart(["e8m1", "e8m2"], [0.001, 1.0], [1.0, 100.0]) == [(5, 0), (5, 0)]
    crowd = figures._apart(["exact", *["ax-fpm"] * 6], [0.001, *[1.0] * 6], [1.0, *[100.0] * 6])
    assert len(set(crowd[1:])) == 6
