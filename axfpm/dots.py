"""Rows of partial-product bits, as weights and as text: what of the exact array a design leaves."""

from __future__ import annotations

from golden.designs import CellBlocks, Design
from golden.significand import closed_form

__all__ = ["drawing", "partial_products"]

DOT = "o"


def partial_products(design: Design, precision: int) -> tuple[tuple[int, ...], ...]:
    """Weights of the bits of each row of partial products, least first.

    A closed form P = (A & L) B + 2 (A & H) (B & T) has a row for each set bit of L, the whole of B at its weight, and
    one for each set bit of T, the bits of A & H at weights one higher. Blocks of any other cell take in all p^2 bits
    a_i b_j, row i at weights i + j.

    Parameters
    ----------
    design : Design
        What multiplies significands.
    precision : int
        Significand bits p.

    Returns
    -------
    tuple of tuples of int
        Exponents of two by row; empty where the design has no rows (a table, a function).
    """
    bits = range(precision)
    masks = closed_form(design, precision)
    if masks is None:
        return tuple(tuple(i + j for j in bits) for i in bits) if isinstance(design, CellBlocks) else ()
    low, high, top = masks
    rows = [tuple(i + j for j in bits) for i in bits if low >> i & 1]
    rows += [tuple(i + j + 1 for i in bits if high >> i & 1) for j in bits if top >> j & 1]
    return tuple(row for row in rows if row)


def drawing(rows: tuple[tuple[int, ...], ...]) -> tuple[str, ...]:
    """The rows as lines of text of equal width, the greatest weight on the left."""
    width = 1 + max((weight for row in rows for weight in row), default=-1)
    return tuple("".join(DOT if weight in row else " " for weight in reversed(range(width))) for row in rows)
