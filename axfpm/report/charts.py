"""How every chart of the report looks: colours that follow the page, one look for all, and charts as SVG text.

A chart is a Vega-Lite specification, built by Altair. It names its colours, and the page's style sheet says what they
are, in the light and in the dark: so a chart changes with the page and is not drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version as version_of
from typing import Any
from xml.sax.saxutils import quoteattr

import altair as alt

from axfpm import __version__
from golden.cache import Cache

__all__ = [
    "CONFIG",
    "DARK",
    "INK",
    "LIGHT",
    "NUMBER",
    "SOFT",
    "bundle",
    "colours",
    "colours_of_multipliers",
    "finish",
    "points",
    "svg",
]

INK, SOFT, LINE, PAPER = "var(--ink)", "var(--soft)", "var(--line)", "var(--paper)"
SERIES = 8
"""Colours that the style sheet tells apart: --c0 .. --c7."""

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "system-ui, 'Segoe UI', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT,
        "titleColor": INK,
        "domainColor": SOFT,
        "tickColor": SOFT,
        "gridColor": LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 150,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    },
    "axisX": {"tickCount": {"expr": "max(3, floor(width / 70))"}},
    "axisY": {"tickCount": {"expr": "max(3, floor(height / 60))"}},
    "legend": {"disable": True},
    "title": {"color": INK},
    "text": {"color": INK},
    "rule": {"color": INK},
}
"""The look that all charts share, for ``vegaEmbed``; legends are the page's, since they wrap and are read aloud."""
NUMBER = alt.Axis(
    labelExpr="abs(datum.value) < 0.001 && datum.value != 0 ? format(datum.value, '.0e') : format(datum.value, '~g')"
)
"""An axis whose values span powers of ten."""

LIGHT = {
    **{"ink": "#1f2933", "soft": "#52606d", "line": "#d9dee3", "paper": "#ffffff", "tint": "#f3f5f7"},
    **{"link": "#1d5a96", "good": "#2c6e2f", "warn": "#9a3412", "alarm": "#fdf1ec"},
    **{"c0": "#2b66a3", "c1": "#b5452d", "c2": "#3f7a40", "c3": "#7b5ca6"},
    **{"c4": "#94700f", "c5": "#2a7d82", "c6": "#666666", "c7": "#a34d76"},
}
DARK = {
    **{"ink": "#e4e8ec", "soft": "#a9b4bf", "line": "#39434d", "paper": "#14191e", "tint": "#1e252c"},
    **{"link": "#8cbdf0", "good": "#86c98a", "warn": "#f0a07c", "alarm": "#33221b"},
    **{"c0": "#7db4ee", "c1": "#f08c6f", "c2": "#86c98a", "c3": "#bfa3e6"},
    **{"c4": "#dfb84e", "c5": "#6fcbd0", "c6": "#b0b0b0", "c7": "#e894bb"},
}
"""The page's colours by name: every text and line stands at 3 : 1 from the paper at least, text at 4.5 : 1."""


def colours(names: Sequence[str]) -> alt.Scale:
    """The scale that gives each name a colour, the same for the same place."""
    return alt.Scale(domain=list(names), range=[_colour(index) for index in range(len(names))])


COLOURED = ("exact", "ax-fpm", "e8m1", "e8m2", "bf16", "mitchell")
"""Multipliers that have the same colour wherever several are drawn, in its place."""


def colours_of_multipliers(names: Sequence[str]) -> alt.Scale:
    """The scale that gives each multiplier a colour: its own, and the next ones to those without."""
    places = {name: place for place, name in enumerate((*COLOURED, *(name for name in names if name not in COLOURED)))}
    return alt.Scale(domain=list(names), range=[_colour(places[name]) for name in names])


def _colour(index: int) -> str:
    return f"var(--c{index % SERIES})"


def points(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as the data of a chart."""
    return alt.InlineData(values=[dict(row) for row in rows])


def finish(*layers: alt.Chart, alt_text: str, height: int, legend: Sequence[str] | alt.Scale = ()) -> dict[str, Any]:
    """A chart as a specification as wide as its place on the page.

    Parameters
    ----------
    *layers : altair.Chart
        What is drawn, one on the other.
    alt_text : str
        What it says, in words.
    height : int
        Of the plot, in CSS pixels.
    legend : sequence of str or altair.Scale
        Names in the order of ``colours``, or a scale with its own; the page writes them below, from ``usermeta``.
    """
    chart = layers[0] if len(layers) == 1 else alt.LayerChart(layer=list(layers))
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    scale = (legend if isinstance(legend, alt.Scale) else colours(legend)).to_dict()
    pairs = zip(scale["domain"], scale["range"], strict=True)
    meta = {"legend": [{"name": name, "colour": colour} for name, colour in pairs]}
    return chart.properties(
        width="container", height=height, description=alt_text, autosize=fit, usermeta=meta
    ).to_dict()


def svg(chart: Mapping[str, Any], *, width: int = 720) -> str:
    """A chart as SVG text in the colours of the light, for places without a page around it.

    Parameters
    ----------
    chart : mapping
        A specification by ``finish``.
    width : int
        In CSS pixels.
    """
    import vl_convert

    # Here nothing defines the names of colours, and no element says how wide the chart is.
    text = json.dumps(
        {"spec": {**chart, "width": width}, "config": {**CONFIG, "background": LIGHT["paper"], "legend": {}}}
    )
    for name, colour in LIGHT.items():
        text = text.replace(f"var(--{name})", colour)
    plain = json.loads(text)
    drawn = vl_convert.vegalite_to_svg(plain["spec"], config=plain["config"])
    return drawn.replace("<svg ", f'<svg role="img" aria-label={quoteattr(chart["description"])} ', 1)


@cache
def bundle() -> str:
    """The JavaScript that draws the charts, Vega with Vega-Lite and Vega-Embed: all of it, nothing is loaded later.

    Returns
    -------
    str
        A script that sets ``window.vegaEmbed``. Bundling takes seconds, so that it is kept.
    """
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    kept, key = Cache("report"), f"vega-{__version__}-{version_of('vl-convert-python')}-{version}"
    found = kept.get(key)
    if found is None:
        import vl_convert

        found = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version).encode()
        kept.put(key, found)
    # What would end the script element early means the same with a backslash inside a string or a pattern.
    return found.decode().replace("</script", r"<\/script")
