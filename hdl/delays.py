"""When bits settle inside a stage: what ``hdl.pipeline`` weighs to place registers.

Times are in units of one two-input gate, about 0.11 ns in OSU018, and a third of a look-up table with its wires, 0.35
ns, in an ECP5. They count from the registers (or inputs) in front of the stage. A segment says how it makes times of
times. Most segments wait for their slowest input and take a while, which is a number. Two do not, and adding their
worst cases would be far off:

- a level of a compressor tree delays the columns that have adders in it, and no others;
- a carry that ripples through the columns' last two rows meets the low ones, which are finished early, while the tree
  still works on the tall ones in the middle. Behind a whole 24 x 24 tree half of the ripple is hidden; behind a
  register none of it is.

Where the two technologies differ is the carry: through cells it ripples, on FPGAs it has wires of its own that cost
little a bit, and much to enter and leave. So registers go to other places, and each has its constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golden.registry import Registry

__all__ = [
    "CELLS",
    "LEVEL",
    "TECHNOLOGIES",
    "Delay",
    "Technology",
    "Times",
    "either",
    "ripple",
    "rows",
    "settle",
    "stage_delays",
    "tree_level",
    "unpacked",
]

Times = Mapping[Any, float]
"""What settles -> when. A column has its weight as its key; ``None`` stands for all that has no key of its own."""

LEVEL = 4.0
"""A level of full adders: two exclusive ors, one of them of late inputs."""


@dataclass(frozen=True)
class Technology:
    """What carries take.

    Parameters
    ----------
    name : str
        Its name.
    carry, count : float
        A bit of a carry, and the same where one operand is 0.
    sum : float
        What an adder takes beside its bits: into the carry, and from the last carry to the sum.
    """

    name: str
    carry: float
    count: float
    sum: float

    def adder_delay(self, width: int) -> float:
        """Estimate the delay of an adder whose operands are there at once."""
        return self.sum + self.carry * width


_OWN = (
    # Mapping for area makes carries ripple, whatever adder the netlist had. Measured in OSU018: adders of 8, 16, 32, 48
    # bits take 1.32, 2.46, 4.82, 7.09 ns; incrementers of 8, 16, 31, 48 bits 0.85, 1.64, 2.98, 4.58 ns.
    Technology("cells", carry=1.3, count=0.87, sum=1.5),
    # ECP5: 0.07 ns for two bits, 0.45 ns in and 0.44 ns out, and two wires.
    Technology("luts", carry=0.1, count=0.1, sum=7.0),
)
TECHNOLOGIES = Registry("technology", {technology.name: technology for technology in _OWN}, of=Technology)
"""What circuits are built of, by name: cells of a library, or an FPGA's look-up tables with carry chains."""

CELLS = TECHNOLOGIES["cells"]

Delay = float | Callable[[Times, Technology], Times]
"""What a segment does to times: the delay behind its slowest input, or a function."""


def settle(delay: Delay, times: Times, technology: Technology = CELLS) -> Times:
    """Take times through one segment."""
    if callable(delay):
        return delay(times, technology)
    return {None: max(times.values(), default=0.0) + delay}


def _of(times: Times, key: Any) -> float:
    return times.get(key, times.get(None, 0.0))


def either(cells: float, *, luts: float) -> Delay:
    """So long behind the slowest input, of cells or of look-up tables."""

    def times_after(times: Times, technology: Technology) -> Times:
        return {None: max(times.values(), default=0.0) + (luts if technology.name == "luts" else cells)}

    return times_after


def unpacked(rounded: float, exponent: float) -> Delay:
    """Operands taken apart: fractions after ``rounded`` gates, the sum of exponents after ``exponent`` gates."""
    return lambda times, _: {None: _of(times, None) + rounded, "exponent": max(times.values(), default=0.0) + exponent}


def rows(delay: float, *, luts: float | None = None) -> Delay:
    """Bits made of the fractions after ``delay`` gates, or ``luts`` on FPGAs, while the sum of exponents goes on."""

    def times_after(times: Times, technology: Technology) -> Times:
        own = luts if luts is not None and technology.name == "luts" else delay
        return {**times, None: _of(times, None) + own}

    return times_after


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

    def times_after(times: Times, _: Technology) -> Times:
        result = {key: time for key, time in times.items() if not isinstance(key, int)}
        for weight in after:
            result[weight] = _of(times, weight)
            if weight in made:
                result[weight] = delay + max(result[weight], _of(times, weight - 1) if weight - 1 in made else 0.0)
        return result

    return times_after


def ripple(columns: range, *, counts: bool = False) -> Delay:
    """A carry through some columns, from the carry out of the columns to their right, if those were in the stage.

    Parameters
    ----------
    columns : range
        Weights, as in the times of the tree before.
    counts : bool
        Whether one operand is 0.
    """

    def times_after(times: Times, technology: Technology) -> Times:
        rate = technology.count if counts else technology.carry
        carry = times.get("carry", 0.0)
        for weight in columns:
            carry = max(carry, _of(times, weight)) + rate
        return {**times, "carry": carry, "sum": carry + technology.sum}

    return times_after


def stage_delays(delays: Sequence[Delay], technology: Technology = CELLS) -> list[list[float]]:
    """How long a stage of consecutive segments takes: ``[i][j]`` of the segments i .. j - 1, 0 where there are none."""
    count = len(delays)
    table = [[0.0] * (count + 1) for _ in range(count + 1)]
    for start in range(count):
        times: Times = {}
        for end in range(start, count):
            times = settle(delays[end], times, technology)
            table[start][end + 1] = max(times.values(), default=0.0)
    return table
