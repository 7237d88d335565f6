"""The error of a multiplier as figures: how often each size comes, where in the significands, and against the cost."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from axfpm.pictures.svg import COLOURS, described
from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.metrics import relative_errors
from golden.multiply import multiply

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["Point", "draw_errors", "draw_front", "draw_histogram", "error_grid"]

INK = "#010203"
"""What stands for ink until it becomes the page's."""
SAMPLES = 1 << 17
CELLS = 96
"""Cells of the map along either significand."""
PER_CELL = 4
LEAST, MOST = 1e-4, 1.0
"""Relative errors that the colours of the map tell apart; smaller ones look like none."""


def draw_histogram(m: Multiplier, *, alone: bool = False) -> str:
    """Signed relative errors of products of uniform significands, as a histogram in SVG.

    Raises
    ------
    InvalidInput
        If the multiplier's words are not those of float32.
    """
    _check(m)
    errors = relative_errors(m, n=SAMPLES)
    figure, axes = _figure(7, 2.6)
    edges = np.linspace(-1.0, 1.0, 201)
    counts, _ = np.histogram(np.clip(errors, -1, 1), bins=edges)
    axes.stairs(100 * counts / errors.size, edges, fill=True, color=COLOURS[0])
    axes.axvline(0, color=INK, linewidth=0.6)
    used = np.flatnonzero(counts)
    reach = max(0.05, float(np.abs(edges[[used[0], used[-1] + 1]]).max()) + 0.02)
    axes.set(xlim=(-reach, reach), yscale="log", ylim=(5e-4, 120))
    axes.set(xlabel="relative error of a product", ylabel="% of products")
    _plain(axes.yaxis, [10.0**k for k in range(-3, 3)])
    low, middle, high = np.percentile(errors, (5, 50, 95))
    return _text(
        figure,
        f"{m}: how large errors are",
        f"Histogram of signed relative errors in bins of 0.01 over {errors.size} pairs of uniform significands, on a "
        f"logarithmic scale. Nine in ten lie between {low:.2g} and {high:.2g}, half below {middle:.2g}.",
        alone,
    )


def error_grid(m: Multiplier, *, cells: int = CELLS, per_cell: int = PER_CELL, seed: int = 0) -> np.ndarray:
    """Mean signed relative error by significands.

    Parameters
    ----------
    m : Multiplier
        Of 32-bit words.
    cells : int
        Cells of equal width along each of [1, 2).
    per_cell : int
        Pairs drawn uniformly in each.
    seed : int
        Of the draw.

    Returns
    -------
    numpy.ndarray
        float64, shape (cells, cells): the activation's significand by row, the weight's by column.
    """
    rng = np.random.default_rng(seed)
    shape = (cells, cells, per_cell)
    place = np.arange(cells)
    # A float32 near 2 must stay below it: 2^-24 is half of its last place.
    a = np.minimum(1 + (place[:, None, None] + rng.random(shape)) / cells, 2 - 2.0**-23).astype(np.float32)
    b = np.minimum(1 + (place[None, :, None] + rng.random(shape)) / cells, 2 - 2.0**-23).astype(np.float32)
    exact = a.astype(np.float64) * b.astype(np.float64)
    products = multiply(a.ravel(), b.ravel(), m).reshape(shape).astype(np.float64)
    return (products / exact - 1).mean(axis=2)


def draw_errors(m: Multiplier, *, alone: bool = False) -> str:
    """Mean relative errors over both significands, as a map in SVG; its colours mean the same for every multiplier.

    Raises
    ------
    InvalidInput
        If the multiplier's words are not those of float32.
    """
    from matplotlib.colors import SymLogNorm

    _check(m)
    grid = error_grid(m)
    figure, axes = _figure(4.6, 3.6, left=0.12, right=0.88)
    norm = SymLogNorm(LEAST, vmin=-MOST, vmax=MOST)
    image = axes.imshow(grid, origin="lower", extent=(1, 2, 1, 2), cmap="RdBu_r", norm=norm, interpolation="nearest")
    bar = figure.colorbar(image, ax=axes)
    _plain(bar.ax.yaxis, [-1, -0.1, -0.01, -0.001, 0, 0.001, 0.01, 0.1, 1])
    bar.set_label("mean relative error")
    axes.set(xlabel="significand of the weight", ylabel="significand of the activation")
    worst = np.unravel_index(np.abs(grid).argmax(), grid.shape)
    a, b = (1 + (int(k) + 0.5) / CELLS for k in worst)
    return _text(
        figure,
        f"{m}: where errors are",
        f"Map of the mean relative error over the significands of activation and weight, from {grid.min():.2g} to "
        f"{grid.max():.2g}; farthest from 0, {grid[worst]:.2g}, near {a:.2f} times {b:.2f}.",
        alone,
    )


def _check(m: Multiplier) -> None:
    if m.format.word_bits != 32:
        raise InvalidInput(f"{m} works on {m.format.word_bits}-bit words, and errors are drawn of 32-bit words alone; "
                           "choose a format of 8 exponent bits")  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A multiplier among the others: two costs, both better where they are smaller, and whether it is approximate."""

    name: str
    x: float
    y: float
    approximate: bool


def draw_front(points: Sequence[Point], *, x: str, y: str, title: str, alone: bool = False) -> str:
    """Two costs of each multiplier on logarithmic axes, and the line of those that none beats in both.

    Parameters
    ----------
    points : sequence of Point
        All of them above 0.
    x, y : str
        What the axes show, with units.
    title : str
        What the figure shows.
    alone : bool
        For a file of its own.
    """
    best = [p for p in points if not any(q.x <= p.x and q.y <= p.y and (q.x, q.y) != (p.x, p.y) for q in points)]
    best.sort(key=lambda p: p.x)
    figure, axes = _figure(7.4, 4.4)
    axes.step([p.x for p in best], [p.y for p in best], where="post", color=COLOURS[-1], linewidth=1)
    for approximate, marker, label in ((False, "o", "exact products"), (True, "s", "approximate products")):
        these = [p for p in points if p.approximate == approximate]
        colour = COLOURS[int(approximate)]
        axes.scatter([p.x for p in these], [p.y for p in these], s=26, marker=marker, color=colour, label=label)
    for index, p in enumerate(sorted(points, key=lambda p: (p.x, p.y))):
        above = 6 if index % 2 else -11
        axes.annotate(p.name, (p.x, p.y), (4, above), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    for axis, values in ((axes.xaxis, [p.x for p in points]), (axes.yaxis, [p.y for p in points])):
        low, high = (math.floor(math.log10(f(values))) for f in (min, max))
        _plain(axis, [step * 10.0**k for k in range(low, high + 1) for step in ((1,) if high - low > 3 else (1, 2, 5))])
    axes.legend(frameon=False)
    names = ", ".join(p.name for p in best)
    return _text(figure, title, f"{len(points)} multipliers by {x} and {y}. None is beaten in both: {names}.", alone)


def _figure(width: float, height: float, *, left: float = 0.1, right: float = 0.98) -> tuple[Figure, Axes]:
    """A figure of a size in inches, and its axes between two shares of the width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    figure.subplots_adjust(left=left, right=right, bottom=0.5 / height, top=1 - 0.1 / height)
    return figure, axes


def _plain(axis: Axis, ticks: Sequence[float]) -> None:
    """Ticks at these places within the axis' limits, with plain numbers: powers are set by TeX's rules, slowly."""
    from matplotlib.ticker import NullLocator

    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    axis.set_ticks([tick for tick in ticks if low - slack <= tick <= high + slack])
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def _text(figure: Figure, title: str, description: str, alone: bool) -> str:
    """The figure as a drawing."""
    import matplotlib

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[:].set_color(INK)
        axes.tick_params(which="both", colors=INK, labelcolor=INK)
        for label in (axes.xaxis.label, axes.yaxis.label, *axes.texts):
            label.set_color(INK)
        legend = axes.get_legend()
        for label in legend.get_texts() if legend else ():
            label.set_color(INK)
    style: dict[Any, Any] = {"svg.hashsalt": "axfpm", "svg.fonttype": "none", "font.family": "sans-serif"}
    buffer = io.StringIO()
    with matplotlib.rc_context(style):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return described(buffer.getvalue(), title=title, description=description, ink=INK, alone=alone)
