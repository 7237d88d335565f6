"""How large hardware may be asked for: constants, each with its reason, and the checks that need no Amaranth."""

from __future__ import annotations

from golden.checks import check_count, check_number
from golden.errors import InvalidInput

__all__ = [
    "ACCUMULATORS",
    "BIASES",
    "DEPTH",
    "LARGEST_SIZE",
    "MOST_MEMORY_BITS",
    "MOST_STAGES",
    "MOST_WORDS",
    "SHORTEST_PERIOD_NS",
    "SIZE_BITS",
    "check_adder_stages",
    "check_buffers",
    "check_period",
    "check_shape",
    "check_stages",
]

SIZE_BITS = 16
"""Width of M, K and N in an engine's command."""
LARGEST_SIZE = (1 << SIZE_BITS) - 1

DEPTH, ACCUMULATORS, BIASES = 256, 1024, 64
"""An engine's buffers where nothing else is asked for: rows of A, of partial sums, of biases."""

MOST_STAGES = 256
"""No datapath has as many places for registers; beyond them they only delay."""

MOST_WORDS = 1 << 16
"""Elements and skewing registers of an array. Measured: 5 ms and 70 kB each to write the Verilog, 5 minutes in all."""

MOST_MEMORY_BITS = 1 << 23
"""Of an engine's buffers. Netlists spell every bit of a memory out: this many take a minute and 1 GB to write."""

SHORTEST_PERIOD_NS = 0.001
"""Tools count in whole picoseconds."""

SECONDS_PER_WORD, BYTES_PER_WORD = 5e-3, 70e3


def check_stages(stages: int) -> int:
    """Return ``stages``, or raise unless it is a whole number from 0 to ``MOST_STAGES``.

    Raises
    ------
    InvalidInput
        If it is out of range.
    InvalidType
        If it is not an integer.
    """
    stages = check_count("stages", stages, None, MOST_STAGES, "more than any datapath has places for")
    if stages < 0:
        raise InvalidInput(f"stages={stages} is negative; give 0 for a combinational block, or the latency in cycles")
    return stages


def check_adder_stages(stages: int, adder_stages: int | None, *, least: int = 1) -> int:
    """Return the registers of an adder behind a multiplier: by default as many as that has, and ``least`` at least.

    A processing element needs one, a multiply-add none.
    """
    check_stages(stages)
    if adder_stages is None:
        return max(stages, least)
    return check_count("adder_stages", adder_stages, least, MOST_STAGES, "more than any datapath has places for")


def check_period(period_ns: float) -> float:
    """Return a clock period as a float, or raise unless it is a number of nanoseconds that tools can resolve.

    Raises
    ------
    InvalidInput
        If it is below ``SHORTEST_PERIOD_NS``, or not finite.
    InvalidType
        If it is not a number.
    """
    return check_number("period_ns", period_ns, SHORTEST_PERIOD_NS)


def check_shape(rows: int, columns: int, stages: int = 1, adder_stages: int | None = None) -> None:
    """Raise unless an array of this shape can be written in minutes.

    Raises
    ------
    InvalidInput
        If a number is too small, or the array too large; the message estimates what it would take.
    InvalidType
        If a number is not whole.
    """
    rows, columns = check_count("rows", rows), check_count("columns", columns)
    depth = check_adder_stages(stages, adder_stages)
    # Row r delays activations by r D, column c sums by c + 1 + stages, weights by c, and results by C - 1 - c.
    skew = depth * rows * (rows - 1) // 2 + 3 * columns * (columns - 1) // 2 + columns * (1 + stages)
    words = rows * columns + skew
    if words > MOST_WORDS:
        hours, gigabytes = words * SECONDS_PER_WORD / 3600, words * BYTES_PER_WORD / 1e9
        raise InvalidInput(
            f"rows={rows}, columns={columns} is too large: {words} elements and skewing registers would take about "
            f"{hours:.2g} hours and {gigabytes:.2g} GB to write; give a shape that has at most {MOST_WORDS}, such as "
            "128 x 128 with one stage"
        )


def check_buffers(depth: int, accumulators: int, biases: int, *, rows: int, columns: int, word_bits: int) -> None:
    """Raise unless an engine's buffers are within reach of a command and of a netlist.

    Raises
    ------
    InvalidInput
        If a number is too small or too large.
    InvalidType
        If a number is not whole.
    """
    check_count("depth", depth, 1, LARGEST_SIZE, f"as M has {SIZE_BITS} bits")
    check_count("biases", biases, 1, LARGEST_SIZE, f"as N has {SIZE_BITS} bits")
    check_count("accumulators", accumulators, 1, MOST_MEMORY_BITS)
    banks = rows << (depth - 1).bit_length() + 1
    bits = word_bits * (banks + columns * (accumulators + biases))
    if bits > MOST_MEMORY_BITS:
        raise InvalidInput(
            f"depth={depth}, accumulators={accumulators}, biases={biases} make buffers of {bits} bits with {rows} rows "
            f"and {columns} columns; give less, {MOST_MEMORY_BITS} bits at most"
        )
