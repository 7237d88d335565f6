"""When bits settle inside a stage: what ``hdl.pipeline`` weighs to place registers.

Times are in units of one two-input gate, 0.11 ns in OSU018, and count from the registers (or inputs) in front of the
stage. A segment says how it makes times of times. Most segments wait for their slowest input and take a while, which is
a number. Two do not, and adding their worst cases would be far off:

- a level of a compressor tree delays the columns that have adders in it, and no others;
- a carry that ripples through the columns' last two rows meets the low ones, which are finished early, while the tree
  still works on the tall ones in the middle. Behind a whole 24 x 24 tree half of the ripple is hidden; behind a
  register none of it is.

The constants were fitted to critical paths of OSU018 (``axfpm synth``); docs/hardware.md shows how estimates compare
with what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "CARRY",
    "COUNT",
    "LEVEL",
    "SUM",
    "Delay",
    "Times",
    "adder_delay",
    "ripple",
    "rows",
    "settle",
    "stage_delays",
    "tree_level",
    "unpacked",
]

Times = Mapping[Any, float]
"""What settles -> when. A column has its weight as its key; ``None`` stands for all that has no key of its own."""

Delay = float | Callable[[Times], Times]
"""What a segment does to times: the delay behind its slowest input, or a function."""

LEVEL = 4.0
"""A level of full adders: two exclusive ors, one of them of late inputs."""
CARRY = 1.3
"""A bit of a rippling carry: mapping for area makes carries ripple, whatever adder the netlist had."""
COUNT = 0.6
"""A bit of a rippling carry where one operand is 0: an AND."""
SUM = 1.5
"""From the last carry to the sum."""


def adder_delay(width: int) -> float:
    """Estimate the delay of an adder whose operands are there at once: 1.3 gates a bit and 1.5 more in OSU018.

    Measured: 8, 16, 32, 48 bits 1.32, 2.46, 4.82, 7.09 ns.
    """
    return SUM + CARRY * width


def settle(delay: Delay, times: Times) -> Times:
    """Take times through one segment."""
    if callable(delay):
        return delay(times)
    return {None: max(times.values(), default=0.0) + delay}


def _of(times: Times, key: Any) -> float:
    return times.get(key, times.get(None, 0.0))


def unpacked(rounded: float, exponent: float) -> Delay:
    """Operands taken apart: fractions after ``rounded`` gates, the sum of exponents after ``exponent`` gates."""
    return lambda times: {None: _of(times, None) + rounded, "exponent": max(times.values(), default=0.0) + exponent}


def rows(delay: float) -> Delay:
    """Bits of rows or blocks made of the fractions, while the sum of exponents goes on."""
    return lambda times: {**times, None: _of(times, None) + delay}


def tree_level(
    before: Mapping[int, Sequence[Any]], after: Mapping[int, Sequence[Any]], *, delay: float = LEVEL
) -> Delay:
    """A level of a compressor tree, from the heaps before and after it.

    Parameters
    ----------
    before, after : mapping of int to sequence of bits
        Weight -> bits. A bit of ``after`` that is no bit of ``before`` is the sum of an adder in its column, or the
        carry of one in the column to its right.
    delay : float
        From the slowest bit of a column to the sums and carries of its adders.
    """
    old = {w: {id(bit) for bit in bits} for w, bits in before.items()}
    made = {w for w, bits in after.items() if any(id(bit) not in old.get(w, ()) for bit in bits)}

    def times_after(times: Times) -> Times:
        result = {key: time for key, time in times.items() if not isinstance(key, int)}
        for weight in after:
            result[weight] = _of(times, weight)
            if weight in made:
                result[weight] = delay + max(result[weight], _of(times, weight - 1) if weight - 1 in made else 0.0)
        return result

    return times_after


def ripple(columns: range, *, rate: float = CARRY) -> Delay:
    """A carry through some columns, from the carry out of the columns to their right, if those were in the stage.

    Parameters
    ----------
    columns : range
        Weights, as in the times of the tree before.
    rate : float
        Gates a bit.
    """

    def times_after(times: Times) -> Times:
        carry = times.get("carry", 0.0)
        for weight in columns:
            carry = max(carry, _of(times, weight)) + rate
        return {**times, "carry": carry, "sum": carry + SUM}

    return times_after


def stage_delays(delays: Sequence[Delay]) -> list[list[float]]:
    """How long a stage of consecutive segments takes: ``[i][j]`` of the segments i .. j - 1, 0 where there are none."""
    count = len(delays)
    table = [[0.0] * (count + 1) for _ in range(count + 1)]
    for start in range(count):
        times: Times = {}
        for end in range(start, count):
            times = settle(delays[end], times)
            table[start][end + 1] = max(times.values(), default=0.0)
    return table
