"""Long additions that registers can go into: one adder between two registers, however many places it offers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from amaranth.hdl import Cat, Const, Module

from hdl.bits import Bit, Word, wire, word_of
from hdl.delays import CARRY, COUNT, ripple
from hdl.pipeline import Cut, Path

__all__ = ["SEGMENT", "add_in_segments"]

SEGMENT = 4
"""Bits between cuts: in OSU018 a ripple this long takes a little longer than one level of a compressor tree."""


def add_in_segments(
    m: Module,
    first: Sequence[Bit],
    second: Sequence[Bit],
    carry: Bit = 0,
    *,
    name: str = "segment",
    weight: int = 0,
    unread: int = 0,
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
    weight : int
        Weight of the lowest bit in the times of what comes before (``hdl.delays``).
    unread : int
        Lowest bits of the sum that nobody reads: 0 comes in their place, and no register holds them.

    Returns
    -------
    Word
        The sum modulo 2^n.
    """
    width = len(first)
    rate = COUNT if all(isinstance(bit, int) and bit == 0 for bit in second) else CARRY
    done: list[Word] = []
    start = 0
    rows: list[Any] = [list(first), list(second)]

    def add(end: int) -> tuple[list[Word], Word]:
        """The sum of what was not added yet, up to a bit, behind the parts before; and its carry."""
        # The carry comes in by a column of its own below the segment: one adder, whatever synthesis does with `+`.
        augend, addend = (word_of([carry, *row[: end - start]]) for row in rows)
        total = wire(m, augend + addend, f"{name}_{len(done) // 2}")
        lost = min(max(unread - start, 0), end - start)
        return [*done, Const(0, lost), total[lost + 1 : end - start + 1]], total[end - start + 1]

    def split(end: int) -> tuple[list[Word], Word, list[Any]]:
        """What a register at a bit holds."""
        return *add(end), [row[end - start :] for row in rows]

    for end in range(SEGMENT, width, SEGMENT):
        columns = range(weight + end - SEGMENT, weight + end)
        resumed = yield Cut(ripple(columns, rate=rate), partial(split, end))
        if resumed is not None:
            done, carry, rows = resumed
            start = end
    if width == 0:
        return Cat()
    done, _ = add(width)
    columns = range(weight + (width - 1) // SEGMENT * SEGMENT, weight + width)
    return Cat(*(yield Cut(ripple(columns, rate=rate), done)))
