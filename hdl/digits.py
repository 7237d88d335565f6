r"""Digit products: the n x n row-ripple array of one cell, or a lookup table.

The array for n = 3. ``+`` is a cell: A, the new partial product, comes in from the upper left, B, the running-sum bit,
from above, and Cin from the right; Sum leaves downwards, Cout to the left, and a row's last Cout is the running sum's
next bit. Row 0 starts the running sum and needs no cells::

    weight   5         4         3         2         1         0

    row 0                                a0b2      a0b1      a0b0
                                           |         |         |
    row 1                   a1b2  0   a1b1 |    a1b0 |         |
                                \ |       \|        \|         |
                       .<---------+<-------+<--------+<- 0     |
                       |          |        |         |         |
    row 2       a2b2   |    a2b1  |   a2b0 |         |         |
                    \  |        \ |       \|         |         |
             .<--------+<---------+<-------+<- 0     |         |
             |         |          |        |         |         |
    product p5        p4         p3       p2        p1        p0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from amaranth.hdl import Module

from golden.cells import Cell
from hdl.bits import Bit, and_, from_truth_table, hold
from hdl.cells import full_adder

__all__ = ["cell_block", "row_ripple", "table_block"]

T = TypeVar("T")


def row_ripple(
    n: int,
    product: Callable[[int, int], T],
    cell: Callable[[T, T, T, int, int], tuple[T, T]],
    zero: T,
) -> list[T]:
    """Run the n x n array over any kind of bit: hardware, sets of possible values, columns of a truth table.

    Parameters
    ----------
    n : int
        Digit width.
    product : callable
        ``product(i, j)``: the partial product a_i & b_j.
    cell : callable
        ``cell(a, b, cin, i, j)`` -> (sum, carry): the cell in row i, column j.
    zero : bit
        The constant 0.

    Returns
    -------
    list of bit
        The 2n product bits, lowest first.
    """
    running = [product(0, j) for j in range(n)] + [zero] * n
    for i in range(1, n):
        carry = zero
        for j in range(n):
            running[i + j], carry = cell(product(i, j), running[i + j], carry, i, j)
        running[i + n] = carry
    return running


def cell_block(m: Module, cell: Cell, a: Sequence[Bit], b: Sequence[Bit], name: str = "block") -> list[Bit]:
    """Build the row-ripple array of one cell.

    Parameters
    ----------
    m : Module
        Receives the cells.
    cell : Cell
        The full adder at every position.
    a, b : sequences of n bits
        Digits of activation and weight, lowest bit first.
    name : str
        Prefix of the wires.

    Returns
    -------
    list of bit
        The 2n product bits, lowest first; a bit that is always 0 is the constant 0.
    """

    def product(i: int, j: int) -> Bit:
        return hold(m, and_(a[i], b[j]), f"{name}_pp_{i}_{j}")

    def build(x: Bit, y: Bit, cin: Bit, i: int, j: int) -> tuple[Bit, Bit]:
        return full_adder(m, cell, x, y, cin, f"{name}_fa_{i}_{j}")

    return row_ripple(len(a), product, build, 0)


def table_block(m: Module, table: Sequence[int], a: Sequence[Bit], b: Sequence[Bit], name: str = "block") -> list[Bit]:
    """Build a digit product from its table, as one shared multiplexer graph per block.

    Parameters
    ----------
    m : Module
        Receives the multiplexers.
    table : sequence of int
        Entry ``a << n | b`` is the product of the digits a and b, below 2^(2n).
    a, b : sequences of n bits
        Digits of activation and weight, lowest bit first.
    name : str
        Prefix of the wires.

    Returns
    -------
    list of bit
        The 2n product bits, lowest first.
    """
    inputs = [*reversed(a), *reversed(b)]
    nodes: dict = {}
    columns = []
    for weight in range(2 * len(a)):
        column = int("".join("01"[entry >> weight & 1] for entry in reversed(table)), 2)
        columns.append(from_truth_table(m, inputs, column, f"{name}_lut", nodes))
    return columns
