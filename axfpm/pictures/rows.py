"""Partial products as dots: the bits that a multiplier adds, each at its weight."""

from __future__ import annotations

from axfpm.dots import partial_products
from axfpm.pictures.svg import COLOURS, Drawing
from golden.catalogue import Multiplier
from golden.designs import CellBlocks, TableBlocks
from golden.errors import InvalidInput
from golden.significand import closed_form

__all__ = ["draw_rows", "rows_of"]

STEP = 9.0
"""Pixels between dots."""
LEFT, TOP = 24.0, 52.0


def draw_rows(m: Multiplier) -> Drawing:
    """Draw the bits of partial products, a row each, the greatest weight on the left.

    Raises
    ------
    InvalidInput
        If the multiplier has none: a function or circuit of its own.
    """
    rows, kind = rows_of(m)
    width = 1 + max(weight for row in rows for weight in row)
    title = f"{m}: {len(rows)} {kind}, {sum(map(len, rows))} bits"
    drawing = Drawing(
        max(2 * LEFT + STEP * width, 320.0),
        TOP + STEP * len(rows) + 6,
        title=title,
        description=f"Bits of {kind}, one dot each, the greatest weight on the left. The exact product of two "
        f"significands of {m.precision} bits has {m.precision} rows, {m.precision**2} bits. {_meaning(m)}",
    )
    drawing.text(LEFT, 18, title, size=13, font_weight="bold")
    for weight in range(0, width, 8):
        x = LEFT + STEP * (width - 1 - weight)
        drawing.text(x, TOP - 14, f"2^{weight}", size=9, text_anchor="middle", opacity=0.75)
    drawing.points(
        ((LEFT + STEP * (width - 1 - weight), TOP + STEP * y) for y, row in enumerate(rows) for weight in row),
        colour=COLOURS[0],
        size=6.5,
    )
    return drawing


def rows_of(m: Multiplier) -> tuple[tuple[tuple[int, ...], ...], str]:
    """Weights of the bits by row, and what a row is: a row of partial products, or the product of two digits.

    Raises
    ------
    InvalidInput
        If there are none.
    """
    design, p = m.design, m.precision
    rows = partial_products(design, p)
    if rows:
        return rows, "rows"
    if not isinstance(design, TableBlocks):
        raise InvalidInput(
            f"{m} has no partial products to draw, it is a function or circuit of its own; choose a multiplier of "
            "rows, cells or block tables"
        )
    digits = range(0, p, design.block)
    return tuple(tuple(range(i + j, i + j + 2 * design.block)) for i in digits for j in digits), "digit products"


def _meaning(m: Multiplier) -> str:
    """What becomes of the bits, in a sentence."""
    design = m.design
    if isinstance(design, CellBlocks) and closed_form(design, m.precision) is None:
        return f"Here they enter {design.block} x {design.block} arrays of {design.cell.name} cells."
    return "All of them are added exactly."
