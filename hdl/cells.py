"""One-bit full adder cells as gates.

The exact cell and the approximate mirror adders AMA1 to AMA5 are written as gates after their truth tables; any other
cell is built from the table it brings. V. Gupta, D. Mohapatra, A. Raghunathan, K. Roy, "Low-Power Digital Signal
Processing Using Approximate Adders", IEEE TCAD 32(1), 2013.
"""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Module

from golden.cells import Cell
from hdl.bits import Bit, and_, from_truth_table, hold, not_, or_, xor_

__all__ = ["GATES", "full_adder", "half_adder"]

Gates = Callable[[Bit, Bit, Bit], tuple[Bit, Bit]]


def _exact(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    return xor_(xor_(a, b), c), or_(and_(a, b), and_(c, xor_(a, b)))


def _ama1(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    # Sum is 1 in rows 001 and 111 only: A equals B, and Cin.
    return and_(c, not_(xor_(a, b))), or_(b, and_(a, c))


def _ama2(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    carry = or_(and_(a, b), and_(c, or_(a, b)))
    return not_(carry), carry


def _ama3(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    carry = or_(b, and_(a, c))
    return not_(carry), carry


def _ama4(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    # Sum is 1 in rows 001, 011 and 111.
    return and_(c, or_(not_(a), b)), a


def _ama5(a: Bit, b: Bit, c: Bit) -> tuple[Bit, Bit]:
    return b, a


# By truth table (Sum, Cout), not by name: a plug-in cell that reuses a name keeps its own behaviour.
GATES: dict[tuple[str, str], Gates] = {
    ("01101001", "00010111"): _exact,
    ("01000001", "00110111"): _ama1,
    ("11101000", "00010111"): _ama2,
    ("11001000", "00110111"): _ama3,
    ("01010001", "00001111"): _ama4,
    ("00110011", "00001111"): _ama5,
}
"""Gate forms by the truth table they implement: Sum and Cout for A B Cin = 000 .. 111."""


def full_adder(m: Module, cell: Cell, a: Bit, b: Bit, cin: Bit, name: str = "cell") -> tuple[Bit, Bit]:
    """Build one full adder cell.

    Parameters
    ----------
    m : Module
        Receives the gates.
    cell : Cell
        Which adder. Cells without a gate form here are built from their truth tables.
    a, b, cin : bits
        In a block array: the new partial product, the running-sum bit, the carry from the right.
    name : str
        Prefix of the wires.

    Returns
    -------
    sum, carry : bits
    """
    gates = GATES.get((cell.sum, cell.carry))
    if gates is not None:
        total, carry = gates(a, b, cin)
    else:
        # Character r of a cell's table is the output in row r, and a truth table here holds row r in bit r.
        total, carry = (
            from_truth_table(m, (a, b, cin), int(table[::-1], 2), f"{name}_{output}")
            for output, table in (("s", cell.sum), ("c", cell.carry))
        )
    return hold(m, total, f"{name}_sum"), hold(m, carry, f"{name}_carry")


def half_adder(m: Module, a: Bit, b: Bit, name: str = "half") -> tuple[Bit, Bit]:
    """Build an exact half adder: (sum, carry) of two bits."""
    return hold(m, xor_(a, b), f"{name}_sum"), hold(m, and_(a, b), f"{name}_carry")
