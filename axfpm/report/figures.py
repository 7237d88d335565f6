"""Charts of the multiplier, its hardware and its emulation: the same specification for the same results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from axfpm.report.charts import INK, NUMBER, SOFT, colours, finish, points
from golden.catalogue import multiplier as look_up

__all__ = [
    "ERROR_TITLE",
    "FAMILIES",
    "against",
    "chosen",
    "error_histogram",
    "family",
    "intervals",
    "roofline",
    "shares",
    "slowdown_bars",
]

Chart = dict[str, Any]
FAMILIES = ("exact float32", "narrow and exact", "approximate")
"""Kinds of multipliers, in the order of their colours."""
ERROR_TITLE = "mean relative error (uniform significands)"
"""Of an axis."""


def family(name: str) -> str:
    """One of ``FAMILIES``: whether a multiplier's product is exact, and whether its operands are narrow.

    What stands behind the name in brackets, as in ``exact-trunc (booth tree)``,
    says how it is built and does not count.
    """
    m = look_up(name.partition(" (")[0])
    if not m.design.is_exact:
        return FAMILIES[2]
    return FAMILIES[m.precision < look_up("exact").precision]


def error_histogram(errors: Mapping[str, np.ndarray], *, alt_text: str) -> Chart:
    """Distributions of signed relative errors, a line for each multiplier."""
    edges = np.linspace(-0.6, 1.05, 166)
    rows = []
    for name, values in errors.items():
        counts, _ = np.histogram(values, bins=edges)
        rows += [
            {"multiplier": name, "error": round(float(edges[i]), 3), "share": round(100 * int(n) / values.size, 4)}
            for i, n in enumerate(counts)
            if n
        ]
    chart = (
        alt.Chart(points(rows))
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(
            x=alt.X("error:Q", title="relative error of one product", axis=alt.Axis(format="+.1f")),
            y=alt.Y(
                "share:Q",
                title="share of products in a bin of 0.01, %",
                scale=alt.Scale(type="log", domain=[0.02, 110], clamp=True),
                axis=alt.Axis(values=[0.1, 1, 10, 100], format="~g"),
            ),
            color=alt.Color("multiplier:N", scale=colours(list(errors)), title=None),
            tooltip=["multiplier:N", alt.Tooltip("error:Q", format="+.2f"), alt.Tooltip("share:Q", title="share, %")],
        )
    )
    return finish(chart, alt_text=alt_text, height=260, legend=list(errors))


def slowdown_bars(rows: Sequence[Mapping[str, Any]], *, alt_text: str) -> Chart:
    """Times slower than exact torch, beside what the execution ports allow: rows of ``golden.speed.run_bench``."""
    base = alt.Chart(points({key: row[key] for key in ("shape", "ratio", "bound")} for row in rows))
    y = alt.Y("shape:N", title=None, sort=None)
    bound = [
        "shape:N",
        alt.Tooltip("ratio:Q", title="times slower", format=".2f"),
        alt.Tooltip("bound:Q", title="port bound", format=".2f"),
    ]
    bars = base.mark_bar(height=14).encode(
        x=alt.X("ratio:Q", title="times slower than exact torch (bar), port bound (tick)"),
        y=y,
        color=alt.value("var(--c0)"),
        tooltip=bound,
    )
    ticks = (
        base.transform_filter("isValid(datum.bound)")
        .mark_tick(thickness=3, size=20)
        .encode(x=alt.X("bound:Q"), y=y, color=alt.value("var(--c1)"), tooltip=bound)
    )
    return finish(bars, ticks, alt_text=alt_text, height=26 * len(rows))


def roofline(rows: Sequence[Mapping[str, Any]], peak: Mapping[str, float], *, alt_text: str = "") -> Chart:
    """Achieved rates under the roofs of memory and ports: rows of one multiplier and number of threads.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of ``golden.speed.run_bench``; those without bytes (networks) are left out.
    peak : mapping
        The entry of its ``peaks`` for that number of threads.
    alt_text : str
        What it says, in words.
    """
    rows = [row for row in rows if row["bytes"]]
    name = rows[0]["multiplier"]
    intensity = [row["macs"] / row["bytes"] for row in rows]
    bounds = sorted({row["bound"] for row in rows if row["bound"] is not None})
    grid = np.geomspace(min(intensity) / 2, max(intensity) * 2, 100)
    roofs, torch, ours = [], "exact torch", f"{name}, bit-exact"
    for kind, bound in ((torch, 1.0), *((ours, b) for b in bounds[:1])):
        level = peak["gmacs"] / bound
        label = f"{level:.0f} GMAC/s"
        roofs += [
            {"kind": kind, "intensity": float(at), "rate": float(min(peak["gbytes"] * at, level)), "roof": label}
            for at in grid
        ]
    reached = [
        {"kind": kind, "intensity": at, "rate": row[key], "shape": row["shape"]}
        for row, at in zip(rows, intensity, strict=True)
        for kind, key in ((torch, "torch_gmacs"), (ours, "gmacs"))
    ]
    x = alt.X(
        "intensity:Q",
        title="multiply-accumulates per byte of operands and results",
        scale=alt.Scale(type="log", nice=False),
        axis=NUMBER,
    )
    y = alt.Y("rate:Q", title="10^9 multiply-accumulates per second", scale=alt.Scale(type="log"))
    y = y.axis(NUMBER)
    colour = alt.Color("kind:N", scale=colours([ours, torch]), title=None)
    lines = alt.Chart(points(roofs)).mark_line(strokeWidth=1.3).encode(x=x, y=y, color=colour)
    lines = lines.encode(tooltip=["kind:N", "roof:N"])
    dots = (
        alt.Chart(points(reached))
        .mark_point(size=40, filled=True, opacity=1)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.Shape("kind:N", scale=alt.Scale(domain=[ours, torch]), title=None),
            tooltip=["kind:N", "shape:N", alt.Tooltip("rate:Q", title="GMAC/s", format=".3~g")],
        )
    )
    return finish(lines, dots, alt_text=alt_text, height=300, legend=[ours, torch])


def shares(rows: Sequence[Mapping[str, Any]], *, title: str, alt_text: str) -> Chart:
    """Shares with their 95% intervals, in percent; rows as those of ``intervals``, of 1."""
    keys = ("value", "low", "high")
    percent = [{**row, **{key: round(100 * row[key], 2) for key in keys}} for row in rows]
    return intervals(percent, title=title, alt_text=alt_text, domain=(0, 100))


def intervals(
    rows: Sequence[Mapping[str, Any]], *, title: str, alt_text: str, domain: tuple[float, float] | None = None
) -> Chart:
    """Values with their 95% intervals, grouped: groups down the page, a dot for each target.

    Parameters
    ----------
    rows : sequence of mapping
        ``group`` and ``target``, their names; ``value``, ``low`` and ``high``.
    title : str
        Of the axis.
    alt_text : str
        What it says, in words.
    domain : tuple of float, optional
        Ends of the axis; from 0 as far as it takes where it is not given.
    """
    groups, targets = (list(dict.fromkeys(row[key] for row in rows)) for key in ("group", "target"))
    base = alt.Chart(points(rows)).encode(
        y=alt.Y("group:N", title=None, sort=groups, axis=alt.Axis(grid=True)),
        yOffset=alt.YOffset("target:N", sort=targets, scale=alt.Scale(paddingOuter=0.4)),
        color=alt.Color("target:N", scale=colours(targets), title=None),
        tooltip=[
            alt.Tooltip("group:N", title="of"),
            "target:N",
            alt.Tooltip("value:Q", title=title, format=".4~g"),
            alt.Tooltip("low:Q", title="from", format=".4~g"),
            alt.Tooltip("high:Q", title="to", format=".4~g"),
        ],
    )
    scale = alt.Scale(domain=list(domain)) if domain else alt.Scale(zero=True)
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", title=title, scale=scale), x2="high:Q")
    dots = base.mark_circle(size=45, opacity=1).encode(x=alt.X("value:Q", title=title, scale=scale))
    return finish(bars, dots, alt_text=alt_text, height=len(groups) * (11 * len(targets) + 14), legend=targets)


def against(
    rows: Sequence[Mapping[str, Any]], x: tuple[str, str], y: tuple[str, str], *, alt_text: str, log: bool = True
) -> Chart:
    """Two costs of each multiplier, with names, and the line of those that none beats in both.

    Parameters
    ----------
    rows : sequence of mapping
        ``name`` and the two values; those that are not above 0 have no place on a logarithmic axis and are left out.
    x, y : tuple of str
        Key of the value, and title of the axis.
    alt_text : str
        What it says, in words.
    log : bool
        Whether the axis of ``y`` is logarithmic too; that of ``x`` always is.
    """
    rows = [row for row in rows if row[x[0]] > 0 and row[y[0]] > 0]
    pairs = [(row[x[0]], row[y[0]]) for row in rows]
    front = sorted({p for p in pairs if not any(o[0] <= p[0] and o[1] <= p[1] and o != p for o in pairs)})
    shown = [{"name": row["name"], "x": row[x[0]], "y": row[y[0]], "family": family(row["name"])} for row in rows]
    across = alt.X("x:Q", title=x[1], scale=alt.Scale(type="log", padding=16), axis=NUMBER)
    up = alt.Y("y:Q", title=y[1], scale=alt.Scale(type="log" if log else "linear", padding=12), axis=NUMBER)
    tips = ["name:N", alt.Tooltip("x:Q", title=x[1], format=".4~g"), alt.Tooltip("y:Q", title=y[1], format=".4~g")]
    step = (
        alt.Chart(points({"x": a, "y": b} for a, b in front))
        .mark_line(interpolate="step-after", strokeWidth=1, color=SOFT)
        .encode(x="x:Q", y="y:Q")
    )
    named = _named(alt.Chart(points(shown)).encode(x=across, y=up), tips)
    return finish(step, *named, alt_text=alt_text, height=320, legend=FAMILIES)


def chosen() -> Chart:
    """The chart of ``section.Explorer``: rows named ``rows``, with the ends of intervals; the page sets the titles.

    Its rows have ``name``, ``family``, ``state``, ``x``, ``x0``, ``x1``, ``y``, ``y0``, ``y1``, and the two values in
    words, ``across`` and ``up``.
    """
    base = alt.Chart(alt.NamedData("rows")).encode(opacity=_beaten())
    x, y = alt.X("x:Q", axis=NUMBER), alt.Y("y:Q", axis=NUMBER)
    wide = base.mark_rule(strokeWidth=1).encode(x=alt.X("x0:Q", axis=NUMBER), x2="x1:Q", y=y)
    high = base.mark_rule(strokeWidth=1).encode(x=x, y=alt.Y("y0:Q", axis=NUMBER), y2="y1:Q")
    tips = ["name:N", "family:N", "across:N", "up:N", "state:N"]
    return finish(wide, high, *_named(base.encode(x=x, y=y), tips), alt_text="", height=380, legend=FAMILIES)


def _beaten() -> alt.Opacity:
    scale = alt.Scale(domain=["not beaten", "beaten in both"], range=[1, 0.35])
    return alt.Opacity("state:O", scale=scale, title=None)


def _named(base: alt.Chart, tips: list[Any]) -> tuple[alt.Chart, alt.Chart]:
    """Dots with names; the page's script finds the two by their names and moves the letters to where they fit."""
    domain = alt.Scale(domain=list(FAMILIES))
    dots = base.mark_point(filled=True, size=60).encode(
        color=alt.Color("family:N", scale=colours(FAMILIES), title=None),
        shape=alt.Shape("family:N", scale=domain, title=None),
        tooltip=tips,
    )
    text = base.mark_text(align="left", dx=7, baseline="middle", fontSize=11, color=INK).encode(text="name:N")
    return dots.properties(name="dots"), text.properties(name="labels")
