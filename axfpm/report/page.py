"""The page: chapters of sections, the style sheet, the charts and the script that draws them, all in one file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from axfpm import __version__
from axfpm.console import plain
from axfpm.report.charts import CONFIG, DARK, LIGHT, bundle
from axfpm.report.section import Scope, Section, Table
from golden.templates import render

__all__ = ["cell", "page"]

MOST_ROWS = 20
"""A longer table is folded up."""
EXPONENTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def page(
    sections: Sequence[Section],
    chapters: Mapping[str, Sequence[str]],
    parts: Sequence[Mapping[str, Any]],
    scope: Scope,
) -> str:
    """The sections as HTML text that needs no other file and no network.

    Parameters
    ----------
    sections : sequence of Section
        In any order.
    chapters : mapping of str to sequence of str
        Keys of sections by the chapter's title; a chapter without any is left out.
    parts : sequence of mapping
        Of the installation: ``name``, ``version``, ``needed_for``, ``remedy``.
    scope : Scope
        How much it covers.
    """
    by_key = {s.key: s for s in sections}
    shown = {title: [by_key[key] for key in keys if key in by_key] for title, keys in chapters.items()}
    explorers = [s.explorer for s in sections if s.explorer is not None]
    data = {
        "config": CONFIG,
        "charts": {
            f"{s.key}-{index}": figure.chart
            for s in sections
            for index, figure in enumerate(s.figures, start=1)
            if figure.chart
        },
        "catalogue": {**explorers[0].to_dict(), "chart": explorers[0].chart} if explorers else None,
    }
    return render(
        "axfpm",
        "report.html",
        chapters=[(title, members) for title, members in shown.items() if members],
        parts=parts,
        version=__version__,
        full=scope.full,
        seed=scope.seed,
        page_data=plain(data),
        shown=cell,
        numeric_columns=_numeric_columns,
        embedded=_embedded,
        anchor=_anchor,
        most_rows=MOST_ROWS,
        style=render("axfpm", "report.css", light=_declared(LIGHT), dark=_declared(DARK)),
        library=bundle() if data["charts"] or explorers else "",
        script=render("axfpm", "report.js"),
    )


def cell(value: Any) -> str:
    """A cell of a table: three significant digits, thousands separated, small numbers with a power of ten."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    if value != 0 and abs(value) < 1e-3:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}\N{MULTIPLICATION SIGN}10{str(int(exponent)).translate(EXPONENTS)}"
    return f"{value:.3g}"


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and at most signs that there is none."""
    found = []
    for index in range(len(table.columns)):
        cells = [row[index] for row in table.rows]
        texts = {cell for cell in cells if isinstance(cell, str)}
        found.append(texts <= {"", "-"} and any(isinstance(cell, int | float) for cell in cells))
    return found


def _embedded(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _anchor(title: str) -> str:
    return f"chapter-{title.lower()}"


def _declared(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
