"""Long additions in segments, so that registers can go between them."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module

from hdl.bits import Bit, Word, wire, word_of
from hdl.pipeline import Cut, Path

__all__ = ["SEGMENT", "add_in_segments", "adder_delay"]

SEGMENT = 16
"""Bits between cuts: in OSU018 a ripple this long takes about as long as five levels of a compressor tree."""


def adder_delay(width: int) -> float:
    """Estimate the delay of an adder, in units of one two-input gate.

    Mapping for area makes the carry ripple, whatever adder the netlist had: about 1.3 gates a bit (measured in OSU018).
    """
    return 3.0 + 1.3 * width


def add_in_segments(
    m: Module, first: Sequence[Bit], second: Sequence[Bit], carry: Bit = 0, *, name: str = "segment"
) -> Path:
    """Add two numbers and a carry: a datapath (see ``hdl.pipeline``) with a cut after every ``SEGMENT`` bits.

    Parameters
    ----------
    m : Module
        Receives the adders.
    first, second : sequences of n bits
        Lowest bit first.
    carry : bit
        Added at weight 0.
    name : str
        Prefix of the wires.

    Returns
    -------
    Word
        The sum modulo 2^n.
    """
    done: list[Word] = []
    rows = [list(first), list(second)]
    while rows[0]:
        # The carry comes in by a column of its own below the segment: one adder, whatever synthesis does with `+`.
        width = min(SEGMENT, len(rows[0]))
        augend, addend = (word_of([carry, *row[:width]]) for row in rows)
        total = wire(m, augend + addend, f"{name}_{len(done)}")
        done, carry = [*done, total[1 : width + 1]], total[width + 1]
        rows = [row[width:] for row in rows]
        done, carry, rows = yield Cut(adder_delay(width), (done, carry, rows))
    return Cat(*done)
