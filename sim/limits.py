"""How much a simulation may be asked for: constants, each with its reason, and one sentence before any work."""

from __future__ import annotations

from golden.checks import check_count
from golden.errors import InvalidInput
from hdl.limits import check_shape

__all__ = ["MOST_ELEMENTS", "MOST_VECTORS", "MOST_WORDS", "check_simulated", "check_vectors"]

MOST_VECTORS = 4_000_000
"""Held in memory with their results, some 500 bytes each; cocotb checks ten to thirty thousand a second."""

MOST_WORDS = 4_000_000
"""Words of the widest stream: the bits of each are spelled out in memory, 256 bytes a word."""

MOST_ELEMENTS = 1024
"""Processing elements: Verilator compiles one in about a second, where a bench watches the design."""


def check_vectors(vectors: int, *, rows: int = 1, columns: int = 1) -> int:
    """Return a number of vectors, or raise unless a bench can hold them, each as wide as the array.

    Raises
    ------
    InvalidInput
        If they are fewer than 1 or too many.
    InvalidType
        If the number is not whole.
    """
    most = min(MOST_VECTORS, MOST_WORDS // max(rows, columns))
    return check_count("vectors", vectors, 1, max(most, 1), "which take minutes, and 2 GB of memory")


def check_simulated(rows: int, columns: int, stages: int = 1, adder_stages: int | None = None) -> None:
    """Raise unless an array of this shape can be compiled for simulation in reasonable time.

    Raises
    ------
    InvalidInput
        If a number is too small, or the array too large.
    InvalidType
        If a number is not whole.
    """
    check_shape(rows, columns, stages, adder_stages)
    if rows * columns > MOST_ELEMENTS:
        raise InvalidInput(
            f"rows={rows}, columns={columns} is too large to simulate: {rows * columns} elements compile for about "
            f"{rows * columns / 60:.0f} minutes; give at most {MOST_ELEMENTS}"
        )
