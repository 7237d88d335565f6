"""One-bit full adder cells: exact, and the approximate mirror adders AMA1 to AMA5.

Truth tables after V. Gupta, D. Mohapatra, A. Raghunathan, K. Roy, "Low-Power Digital Signal Processing Using
Approximate Adders", IEEE TCAD 32(1), 2013.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from golden.errors import InvalidInput
from golden.registry import Registry

__all__ = ["CELLS", "EXACT", "Cell"]


@dataclass(frozen=True)
class Cell:
    """A one-bit full adder, exact or approximate, as its truth table.

    Cells are equal where their tables are, whatever their names.

    Parameters
    ----------
    name : str
        The name in the catalogue's dial.
    sum : str
        Eight characters ``0`` or ``1``: Sum for A B Cin = 000, 001, .. 111.
    carry : str
        The same for Cout.
    """

    name: str = field(compare=False)
    sum: str
    carry: str

    def __post_init__(self) -> None:
        for output in (self.sum, self.carry):
            if len(output) != 8 or set(output) - {"0", "1"}:
                raise InvalidInput(f"cell {self.name!r}: give each output as eight characters 0 or 1, not {output!r}")

    def __call__(self, a: int, b: int, cin: int) -> tuple[int, int]:
        """(Sum, Cout) of three bits."""
        row = a << 2 | b << 1 | cin
        return int(self.sum[row]), int(self.carry[row])

    @property
    def is_exact(self) -> bool:
        """Whether this is the exact full adder, under whatever name."""
        return (self.sum, self.carry) == ("01101001", "00010111")


EXACT = Cell("exact", "01101001", "00010111")

CELLS = Registry(
    "cell",
    {
        cell.name: cell
        for cell in (
            EXACT,
            Cell("AMA1", "01000001", "00110111"),
            Cell("AMA2", "11101000", "00010111"),
            Cell("AMA3", "11001000", "00110111"),
            Cell("AMA4", "01010001", "00001111"),
            Cell("AMA5", "00110011", "00001111"),
        )
    },
    of=Cell,
    characters=".-_",
)
"""Cells by name, read-only; ``golden.catalogue.register_cell`` adds to it."""
