"""Sections that are quick to make, for tests of the page; what is drawn can be checked in the head."""

import numpy as np
import pytest

from axfpm.report import figures
from axfpm.report.curves import in_words, lines
from axfpm.report.section import Figure, Picture, Section, Table
from golden.catalogue import multiplier

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
"""A PNG of one grey pixel."""


@pytest.fixture(scope="session")
def drawn():
    """Two charts, one of dots, and a table with a name that a page must escape."""
    errors = {"ax-fpm": np.linspace(-0.4, 0.9, 100), "e8m2": np.linspace(-0.1, 0.1, 100)}
    m = multiplier("ax-bf16")
    counted, dots = figures.row_dots(m.design, m.precision, alt_text="Dots.")
    table = Table("conditions", ("name", "value"), [("x", 0.5), ("<b>", 2)])
    return Section(
        "arithmetic",
        "First",
        ["It holds."],
        "axfpm list",
        [table],
        [
            Figure(counted, counted, dots, half=True),
            Figure("drawn", "Errors.", figures.error_histogram(errors, alt_text="Errors.")),
        ],
        {"errors": [], "uniform": {}},
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
