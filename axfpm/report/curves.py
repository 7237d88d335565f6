"""Lines with intervals and bands: shares that rise or fall with something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from axfpm.report.charts import SOFT, colours, finish, points

__all__ = ["in_words", "lines"]


def in_words(what: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Where each line begins and ends: what a chart of ``lines`` says to those who do not see it."""
    said = []
    for name in dict.fromkeys(map(_name, rows)):
        own = sorted((row for row in rows if _name(row) == name), key=lambda row: row["x"])
        first, last = own[0], own[-1]
        said.append(f"{name}: {first['y']:.3g} at {first['x']:.3g}, {last['y']:.3g} at {last['x']:.3g}")
    return f"{what} {'; '.join(said)}."


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name", row["line"]))


def lines(
    rows: Sequence[Mapping[str, Any]],
    *,
    x: str,
    y: str,
    alt_text: str,
    bands: Sequence[Mapping[str, Any]] = (),
    names: Sequence[str] = (),
    top: float = 100,
    diagonal: bool = False,
) -> dict[str, Any]:
    """A line for each name.

    Parameters
    ----------
    rows : sequence of mapping
        ``line``, ``x``, ``y``; ``low`` and ``high`` where there is an interval; ``dashed`` and ``name`` where two lines
        share a colour.
    x, y : str
        Titles of the axes.
    alt_text : str
        What it says, in words.
    bands : sequence of mapping
        ``line``, ``x``, ``low``, ``high``: what chance alone makes of it.
    names : sequence of str
        The order of colours, for charts that belong together; those of the rows where it is not given.
    top : float
        The end of the axis of ``y``, which begins at 0.
    diagonal : bool
        Whether to draw y = x.
    """
    found = dict.fromkeys(row["line"] for row in (*rows, *bands))
    names = [*(name for name in names if name in found), *(name for name in found if name not in names)]
    colour = alt.Color("line:N", scale=colours(names), title=None)
    across = alt.X("x:Q", title=x, scale=alt.Scale(nice=False, padding=8))
    domain = alt.Scale(domain=[0, top])
    tips = [
        alt.Tooltip("name:N", title="line"),
        alt.Tooltip("x:Q", title=x, format=".4~g"),
        alt.Tooltip("y:Q", title=y, format=".4~g"),
    ]
    ends = [alt.Tooltip("low:Q", title="from", format=".4~g"), alt.Tooltip("high:Q", title="to", format=".4~g")]
    dash = alt.StrokeDash("dashed:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [5, 4]]), legend=None)
    plain = [{"dashed": False, "name": row["line"], **row} for row in rows]
    curves = alt.Chart(points(plain)).encode(x=across, y=alt.Y("y:Q", title=y, scale=domain), color=colour)
    layers: list[alt.Chart] = []
    if bands:
        area = alt.Chart(points(bands)).mark_area(opacity=0.18)
        layers.append(area.encode(x=across, y=alt.Y("low:Q", title=y, scale=domain), y2="high:Q", color=colour))
    if diagonal:
        ends_of_it = points([{"x": 0, "y": 0}, {"x": top, "y": top}])
        layers.append(alt.Chart(ends_of_it).mark_line(color=SOFT, strokeDash=[2, 3]).encode(x="x:Q", y="y:Q"))
    if any("low" in row for row in rows):
        layers.append(curves.mark_rule().encode(y=alt.Y("low:Q", title=y, scale=domain), y2="high:Q"))
        tips += ends
    layers += [
        curves.mark_line(strokeWidth=1.5).encode(strokeDash=dash),
        curves.mark_circle(size=36, opacity=1).encode(tooltip=tips),
    ]
    return finish(*layers, alt_text=alt_text, height=280, legend=names)
