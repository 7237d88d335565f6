"""Figures of the report as SVG text, the same bytes for the same results."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, NullFormatter

from axfpm.dots import partial_products
from golden.cells import CELLS
from golden.designs import CellBlocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "INK",
    "canvas",
    "error_histogram",
    "pareto",
    "roofline",
    "row_dots",
    "saving_against_error",
    "slowdown_bars",
    "svg",
    "transfer_bars",
]

Box = tuple[float, float, float, float]
"""Left, low, right, high."""

INK = "#1f2933"
COLOURS = ("#2f6fb3", "#c8553d", "#5b8c5a", "#8a6fb0", "#c49a2c", "#4a9ea1", "#7d7d7d", "#a34d76")


def svg(figure: Canvas) -> str:
    """A figure as SVG text, without what changes from run to run."""
    buffer = io.StringIO()
    style: dict[Any, Any] = {"svg.hashsalt": "axfpm", "svg.fonttype": "none", "font.family": "sans-serif"}
    with matplotlib.rc_context(style):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def canvas(width: float, height: float, columns: int = 1) -> tuple[Canvas, list[Axes]]:
    """A figure of a size in inches, and its axes side by side."""
    figure = Canvas(figsize=(width, height), layout="constrained")
    axes = [figure.add_subplot(1, columns, i + 1) for i in range(columns)]
    for a in axes:
        a.spines[["top", "right"]].set_visible(False)
        a.tick_params(colors=INK)
    return figure, axes


def error_histogram(errors: Mapping[str, np.ndarray]) -> str:
    """Distributions of signed relative errors, one line per multiplier."""
    figure, (a,) = canvas(8, 3)
    edges = np.linspace(-0.6, 1.05, 166)
    for (name, values), colour in zip(errors.items(), COLOURS, strict=False):
        counts, _ = np.histogram(values, bins=edges)
        a.stairs(100 * counts / values.size, edges, label=name, color=colour, linewidth=1.4)
    a.axvline(0, color=INK, linewidth=0.6)
    a.set_xlabel("relative error of one product")
    a.set_ylabel("share of products in a bin of 0.01, %")
    a.set_yscale("log")
    a.set_ylim(0.02, 110)
    a.legend(frameon=False)
    return svg(figure)


def row_dots(precision: int = 24, block: int = 4) -> str:
    """Partial-product bits as dots: the exact array beside the closed form of AMA5 blocks."""
    designs = (CellBlocks(CELLS["exact"], 1), CellBlocks(CELLS["AMA5"], block))
    panels = [partial_products(design, precision) for design in designs]
    figure, axes = canvas(10, 3.2, columns=2)
    for a, rows, name, colour in zip(axes, panels, ("exact", "ax-fpm"), COLOURS, strict=False):
        dots = [(weight, row) for row, weights in enumerate(rows) for weight in weights]
        title = f"{name}: {len(rows)} rows, {len(dots)} AND gates"
        x, y = zip(*dots, strict=True)
        a.scatter(x, y, s=5, color=colour)
        a.set_xlim(2 * precision, -1)
        a.set_ylim(precision, -1)
        a.set_title(title, color=INK, fontsize=11)
        a.set_xlabel("weight (power of two)")
    axes[0].set_ylabel("row")
    return svg(figure)


def saving_against_error(names: Sequence[str], errors: Sequence[float], areas: Sequence[float], unit: str) -> str:
    """Area against mean relative error: where a designer would look first."""
    figure, (a,) = canvas(8, 3.4)
    for index, (name, error, area) in enumerate(zip(names, errors, areas, strict=True)):
        marker = "s" if name.startswith("ax-") else "o"
        a.scatter([error], [area], s=40, marker=marker, color=COLOURS[index % len(COLOURS)], label=name)
    a.set_xscale("log")
    a.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    a.set_xlabel("mean relative error (uniform significands)")
    a.set_ylabel(f"area, {unit}")
    a.set_ylim(0, None)
    return svg(figure)


def pareto(names: Sequence[str], x: Sequence[float], y: Sequence[float], x_label: str, y_label: str) -> str:
    """Two costs of each multiplier on logarithmic axes, and the line of those that none beats in both."""
    figure, (a,) = canvas(8, 4.2)
    front = sorted(
        (x[i], y[i])
        for i in range(len(x))
        if not any(x[k] <= x[i] and y[k] <= y[i] and (x[k], y[k]) != (x[i], y[i]) for k in range(len(x)))
    )
    a.step(*zip(*front, strict=True), where="post", color=COLOURS[-2], linewidth=1)
    for name, across, up, (right, above) in zip(names, x, y, _apart(names, x, y), strict=True):
        approximate = name.startswith(("ax-", "mitchell"))
        a.scatter([across], [up], s=30, marker="s" if approximate else "o", color=COLOURS[1 if approximate else 0])
        side = "left" if right > 0 else "right"
        text = {"textcoords": "offset points", "ha": side, "va": "center", "fontsize": 7, "color": INK}
        a.annotate(name, (across, up), (right, above), **text)
    a.set_xscale("log")
    a.set_yscale("log")
    a.set_xlabel(x_label)
    a.set_ylabel(y_label)
    return svg(figure)


def _apart(names: Sequence[str], x: Sequence[float], y: Sequence[float]) -> list[tuple[int, int]]:
    """Where the name of each point stands, in points right of and above it: where the fewest others are, nearest first.

    Letters are taken to be 4 points wide and 8 high, and the axes of ``pareto`` 480 x 240 points.
    """

    def placed(values: Sequence[float], points: float) -> np.ndarray:
        logs = np.log(np.asarray(values, float))
        return (logs - logs.min()) / max(float(np.ptp(logs)), 1e-9) * points

    across, up = placed(x, 480), placed(y, 240)
    taken: list[Box] = [(left - 3, low - 3, left + 3, low + 3) for left, low in zip(across, up, strict=True)]
    choices = [(right, above) for above in (0, 8, -8, 16, -16, 24, -24) for right in (5, -5)]
    found = []
    for name, left, low in zip(names, across, up, strict=True):

        def box(choice: tuple[int, int], name: str = name, left: float = left, low: float = low) -> Box:
            start, middle = left + choice[0] - (4 * len(name) if choice[0] < 0 else 0), low + choice[1]
            return start, middle - 4, start + 4 * len(name), middle + 4

        def crowd(choice: tuple[int, int], box: Callable[..., Box] = box) -> float:
            a, b, c, d = box(choice)
            return sum(max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0) for e, f, g, h in taken)

        best = min(choices, key=crowd)
        taken.append(box(best))
        found.append(best)
    return found


def slowdown_bars(shapes: Sequence[str], ratios: Sequence[float], bounds: Sequence[float | None]) -> str:
    """Times slower than exact torch, beside what the execution ports allow."""
    figure, (a,) = canvas(8, 2.8)
    places = np.arange(len(shapes))
    a.barh(places, ratios, 0.6, color=COLOURS[0], label="measured")
    known = [(place, bound) for place, bound in zip(places, bounds, strict=True) if bound is not None]
    if known:
        y, x = zip(*known, strict=True)
        a.scatter(x, y, marker="|", s=300, color=COLOURS[1], label="port bound")
    a.set_yticks(places, shapes)
    a.invert_yaxis()
    a.set_xlabel("times slower than exact torch")
    a.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return svg(figure)


def roofline(rows: Sequence[Mapping[str, Any]], peak: Mapping[str, float]) -> str:
    """Achieved rates under the roofs of memory and ports: rows of one multiplier and number of threads.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of ``golden.speed.run_bench``; those without bytes (networks) are left out.
    peak : mapping
        The entry of its ``peaks`` for that number of threads.
    """
    figure, (a,) = canvas(8, 4)
    rows = [row for row in rows if row["bytes"]]
    name = rows[0]["multiplier"]
    intensity = [row["macs"] / row["bytes"] for row in rows]
    x = np.geomspace(min(intensity) / 2, max(intensity) * 2, 200)
    memory = peak["gbytes"] * x
    bounds = sorted({row["bound"] for row in rows if row["bound"] is not None})
    for label, bound, colour in (("exact float32", 1.0, COLOURS[6]), *((name, b, COLOURS[0]) for b in bounds[:1])):
        a.plot(x, np.minimum(memory, peak["gmacs"] / bound), color=colour, linewidth=1.2)
        at = f"{label}: {peak['gmacs'] / bound:.0f} GMAC/s"
        a.annotate(at, (x[-1], peak["gmacs"] / bound), ha="right", va="bottom", color=colour, fontsize=9)
    exact = [row["torch_gmacs"] for row in rows]
    a.scatter(intensity, exact, s=26, facecolors="none", edgecolors=COLOURS[6], label="exact torch")
    a.scatter(intensity, [row["gmacs"] for row in rows], s=26, color=COLOURS[0], label=f"{name}, bit-exact")
    a.set_xscale("log")
    a.set_yscale("log")
    for axis in (a.xaxis, a.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    a.set_xlabel("multiply-accumulates per byte of operands and results")
    a.set_ylabel("10^9 multiply-accumulates per second")
    a.legend(frameon=False, loc="lower right")
    return svg(figure)


def transfer_bars(
    attacks: Sequence[str], rates: Mapping[str, Sequence[tuple[float, float, float] | None]], label: str
) -> str:
    """Rates with their 95% intervals, grouped by attack; ``None`` leaves a gap."""
    figure, (a,) = canvas(8, 3)
    width = 0.8 / max(len(rates), 1)
    for index, (name, values) in enumerate(rates.items()):
        for position, value in enumerate(values):
            if value is None:
                continue
            rate, least, most = value
            x = position + (index - (len(rates) - 1) / 2) * width
            a.bar(
                x, 100 * rate, 0.92 * width, color=COLOURS[index % len(COLOURS)], label=name if position == 0 else None
            )
            a.errorbar(
                x, 100 * rate, [[100 * (rate - least)], [100 * (most - rate)]], color=INK, capsize=3, linewidth=1
            )
    a.set_xticks(range(len(attacks)), [name.replace(":", ":\n") for name in attacks])
    a.set_ylabel(label)
    a.set_ylim(0, 105)
    a.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return svg(figure)
