import numpy as np

from axfpm.report import figures


def test_figures_are_deterministic_svg():
    errors = {"a": np.linspace(-0.1, 0.5, 1000), "b": np.zeros(10)}
    for draw in (
        lambda: figures.error_histogram(errors),
        figures.row_dots,
        lambda: figures.saving_against_error(["ax-fpm", "e8m2"], [0.4, 0.0], [1.0, 2.0], "um^2"),
        lambda: figures.slowdown_bars(["gemm", "conv"], [3.0, 2.0], [2.5, None]),
        lambda: figures.transfer_bars(["fgsm"], {"ax-fpm": [(0.5, 0.4, 0.6)], "e8m2": [None]}, "rate"),
    ):
        svg = draw()
        assert svg.startswith("<svg")
        assert svg == draw()


def test_rows_and_gates():
    svg = figures.row_dots()
    assert "exact: 24 rows, 576 AND gates" in svg
    assert "ax-fpm: 12 rows, 252 AND gates" in svg
