"""Sections that are quick to make, for tests of the page; what is drawn can be checked in the head."""

import numpy as np
import pytest

from axfpm.pictures.rows import draw_rows
from axfpm.report import figures
from axfpm.report.curves import in_words, lines
from axfpm.report.section import Figure, Picture, Section, Table
from golden.catalogue import multiplier
from golden.metrics import error

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
"""A PNG of one grey pixel."""
SPEEDS = [{"shape": f"gemm {k}", "ratio": 3.0 + k, "bound": 2.5} for k in range(3)]


@pytest.fixture(scope="session")
def drawn():
    """A drawing, two charts, and a table with a name that a page must escape."""
    errors = {"ax-fpm": np.linspace(-0.4, 0.9, 100), "e8m2": np.linspace(-0.1, 0.1, 100)}
    dots = draw_rows(multiplier("ax-bf16"))
    table = Table("conditions", ("name", "value"), [("x", 0.5), ("<b>", 2)])
    return Section(
        "arithmetic",
        "First",
        ["It holds."],
        "axfpm list",
        [table],
        [
            Figure("dots", dots.title, svg=dots.svg(), half=True),
            Figure("bars", "Bars.", figures.slowdown_bars(SPEEDS, alt_text="Bars."), half=True),
            Figure("drawn", "Errors.", figures.error_histogram(errors, alt_text="Errors.")),
        ],
        {"errors": [], "uniform": error("ax-fpm", "uniform", n=1000).to_dict()},
    )


@pytest.fixture(scope="session")
def attacked():
    """Curves with intervals and a band, and a gallery."""
    rows = [
        {"line": name, "x": x, "y": 10.0 * x * k, "low": 8.0 * x * k, "high": 12.0 * x * k}
        for k, name in enumerate(("ax-fpm", "exact"), 1)
        for x in (1, 2, 4)
    ]
    bands = [{"line": "noise", "x": x, "low": 5, "high": 30} for x in (1, 4)]
    words = in_words("Rates.", rows)
    return Section(
        "verdict",
        "Attacked",
        figures=[
            Figure("curves", words, lines(rows, bands=bands, x="budget", y="rate, %", alt_text=words), half=True),
            Figure("examples", "One.", pictures={"clean": [Picture("7: 7", "a 7, taken for a 7", DOT)]}),
        ],
        tables=[Table("long", ("name", "rate"), [(f"row {k}", "-" if k else 0.25) for k in range(40)])],
        data={"verdict": {}, "suites": []},
        origin="file",
    )
