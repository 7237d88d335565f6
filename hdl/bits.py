"""One-bit values that may be known constants: gates that fold them away before any hardware is made.

A bit is a Python ``0`` or ``1`` or a one-bit Amaranth value. Folding here, rather than in synthesis, matters because a
compressor tree is planned on the number of bits in each column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux as _Mux, Signal, Value

__all__ = ["Bit", "Word", "and_", "from_truth_table", "hold", "mux", "not_", "or_", "wire", "word_of", "xor_"]

Word = Any
"""An Amaranth value of any width. Amaranth types its slices and concatenations as possible I/O values, which have no
operators, so annotations that mean a value say so by this name and leave the check to elaboration."""

Bit = int | Word
"""A constant 0 or 1, or a one-bit value."""


def not_(x: Bit) -> Bit:
    """Return NOT x."""
    return 1 - x if isinstance(x, int) else ~x


def and_(*inputs: Bit) -> Bit:
    """Return the conjunction of the inputs."""
    values = [x for x in inputs if not isinstance(x, int)]
    if any(isinstance(x, int) and x == 0 for x in inputs):
        return 0
    return _chain(values, lambda x, y: x & y, 1)


def or_(*inputs: Bit) -> Bit:
    """Return the disjunction of the inputs."""
    values = [x for x in inputs if not isinstance(x, int)]
    if any(isinstance(x, int) and x == 1 for x in inputs):
        return 1
    return _chain(values, lambda x, y: x | y, 0)


def xor_(*inputs: Bit) -> Bit:
    """Return the exclusive disjunction of the inputs."""
    values = [x for x in inputs if not isinstance(x, int)]
    odd = sum(x for x in inputs if isinstance(x, int)) & 1
    result = _chain(values, lambda x, y: x ^ y, 0)
    return not_(result) if odd else result


def _chain(values, operation, empty: int) -> Bit:
    if not values:
        return empty
    result = values[0]
    for value in values[1:]:
        result = operation(result, value)
    return result


def mux(select: Bit, one: Bit, zero: Bit) -> Bit:
    """Return ``one`` where ``select`` is 1, else ``zero``."""
    if isinstance(select, int):
        return one if select else zero
    if isinstance(one, int) and isinstance(zero, int):
        return one if one == zero else (select if one else ~select)
    if isinstance(one, int):
        return or_(select, zero) if one else and_(~select, zero)
    if isinstance(zero, int):
        return or_(~select, one) if zero else and_(select, one)
    return one if one is zero else _Mux(select, one, zero)


def hold(m: Module, value: Bit, name: str) -> Bit:
    """Give an expression a wire of its own, so that every use shares it; constants and wires pass through."""
    if isinstance(value, int | Signal):
        return value
    return wire(m, value, name)


def wire(m: Module, value: Word, name: str) -> Word:
    """Give a word a named wire of its own shape; constants pass through."""
    value = Value.cast(value)
    if isinstance(value, Const):
        return value
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def word_of(bits: Sequence[Bit]) -> Word:
    """Concatenate bits, lowest first, into a word."""
    return Cat(*(Const(bit, 1) if isinstance(bit, int) else bit for bit in bits))


def from_truth_table(m: Module, inputs: Sequence[Bit], table: int, name: str, cache: dict | None = None) -> Bit:
    """Build a Boolean function from its truth table as a multiplexer graph with shared nodes.

    The graph is the reduced ordered binary decision diagram of the function in the order of ``inputs``, so constant
    functions, unused inputs and plain wires cost nothing.

    Parameters
    ----------
    m : Module
        Receives the multiplexers.
    inputs : sequence of bits
        The most significant input first.
    table : int
        Bit r is the value of the function where the inputs, read as a number, are r.
    name : str
        Prefix of the wires.
    cache : dict, optional
        Nodes to share between functions of the same inputs.
    """
    nodes: dict[tuple[int, int], Bit] = {} if cache is None else cache

    def node(depth: int, table: int) -> Bit:
        rows = 1 << (len(inputs) - depth)
        full = (1 << rows) - 1
        if table in (0, full):
            return int(table != 0)
        if (depth, table) not in nodes:
            half = rows // 2
            zero, one = table & ((1 << half) - 1), table >> half
            value = node(depth + 1, one)
            if zero != one:
                value = mux(inputs[depth], value, node(depth + 1, zero))
            nodes[depth, table] = hold(m, value, f"{name}_{len(nodes)}")
        return nodes[depth, table]

    return node(0, table)
