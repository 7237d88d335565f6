"""Circuits of gates over arrays: one machine word carries the same wire of 64 products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from golden.designs import Circuit
from golden.errors import InvalidInput
from golden.significand import bit_planes, from_bit_planes

__all__ = ["GATES", "CircuitProduct", "Gate", "Netlist", "Wire", "evaluate", "netlist", "table_of_circuit"]

GATES: Mapping[str, tuple[str, Callable[..., np.ndarray]]] = {
    "$_BUF_": ("A", lambda a: a),
    "$_NOT_": ("A", lambda a: ~a),
    "$_AND_": ("AB", lambda a, b: a & b),
    "$_NAND_": ("AB", lambda a, b: ~(a & b)),
    "$_OR_": ("AB", lambda a, b: a | b),
    "$_NOR_": ("AB", lambda a, b: ~(a | b)),
    "$_XOR_": ("AB", lambda a, b: a ^ b),
    "$_XNOR_": ("AB", lambda a, b: ~(a ^ b)),
    "$_ANDNOT_": ("AB", lambda a, b: a & ~b),
    "$_ORNOT_": ("AB", lambda a, b: a | ~b),
    "$_MUX_": ("ABS", lambda a, b, s: a & ~s | b & s),
    "$_NMUX_": ("ABS", lambda a, b, s: ~(a & ~s | b & s)),
}
"""Yosys' gates: names of the inputs, and what they compute on words of bits."""

Wire = int | str
"""A wire of a netlist by number; the constants are ``"0"`` and ``"1"``."""
Gate = tuple[str, Wire, tuple[Wire, ...]]
"""Kind, output, inputs."""
Netlist = tuple[tuple[Wire, ...], tuple[Gate, ...], tuple[Wire, ...], tuple[tuple[Wire, ...], ...]]
"""Inputs (a, b, lowest bit first), gates in order, outputs, and for each gate the wires that are not read again."""


def netlist(cells: Sequence[Gate], inputs: Sequence[Wire], outputs: Sequence[Wire]) -> Netlist:
    """Put those gates in order that the outputs depend on, each after what it reads.

    Raises
    ------
    InvalidInput
        If a wire depends on itself or on nothing, or has two drivers; the sentence lacks its subject, the circuit.
    """
    driver = {cell[1]: cell for cell in cells}
    if len({*inputs, *driver}) < len(inputs) + len(cells):
        raise InvalidInput("has a wire with two drivers; give each one")
    done: dict[Wire, None] = dict.fromkeys((*inputs, "0", "1"))
    found: list[Gate] = []
    for output in outputs:
        # Depth first: a wire is left on the stack, marked, below those that it reads.
        waiting: list[tuple[Wire, bool]] = [(output, False)]
        above: set[Wire] = set()
        while waiting:
            wire, read = waiting.pop()
            if wire in done:
                continue
            if wire not in driver:
                raise InvalidInput("has a product that depends on a bit that is not driven, or x; drive every wire")
            if read:
                above.discard(wire)
                done[wire] = None
                found.append(driver[wire])
                continue
            if wire in above:
                raise InvalidInput("has gates in a loop; cut it, as a combinational circuit has none")
            above.add(wire)
            waiting.append((wire, True))
            waiting += [(each, False) for each in driver[wire][2] if each not in done]
    needed: set[Wire] = {*outputs, "0", "1"}
    last: list[tuple[Wire, ...]] = []
    for _, _, reads in reversed(found):
        gone = tuple(dict.fromkeys(wire for wire in reads if wire not in needed))
        needed.update(gone)
        last.append(gone)
    return tuple(inputs), tuple(found), tuple(outputs), tuple(reversed(last))


def evaluate(circuit: Circuit, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products of a circuit.

    Parameters
    ----------
    circuit : Circuit
        What multiplies.
    a, b : ndarray of uint64
        Operands below 2^width, of equal one-dimensional shape: activation and weight.

    Returns
    -------
    ndarray of uint64
        Products below 2^(2 width).
    """
    inputs, gates, outputs, last = circuit.gates
    planes: dict[Wire, np.ndarray] = dict(
        zip(inputs, bit_planes(a, circuit.width) + bit_planes(b, circuit.width), strict=True)
    )
    planes["0"] = np.zeros(-(-a.size // 64), np.uint64)
    planes["1"] = ~planes["0"]
    for (kind, wire, reads), gone in zip(gates, last, strict=True):
        planes[wire] = GATES[kind][1](*(planes[each] for each in reads))
        for each in gone:
            del planes[each]
    return from_bit_planes([planes[each] for each in outputs], a.size)


def table_of_circuit(circuit: Circuit) -> list[list[int]]:
    """The products of all pairs of operands: 2^n rows of 2^n."""
    digits = np.arange(1 << circuit.width, dtype=np.uint64)
    products = evaluate(circuit, np.repeat(digits, digits.size), np.tile(digits, digits.size))
    return products.reshape(digits.size, digits.size).tolist()


@dataclass(frozen=True)
class CircuitProduct:
    """A circuit as the function of a ``golden.designs.Function``: equal where circuits are, and picklable."""

    circuit: Circuit

    def __call__(self, a: np.ndarray, b: np.ndarray, precision: int) -> np.ndarray:
        """Products of significands, as ``golden.designs.Function`` says."""
        return evaluate(self.circuit, a, b)
