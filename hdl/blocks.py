# amaranth: UnusedElaboratable=no
# A component that refuses its parameters is not a forgotten one.
"""The blocks that ``axfpm verilog`` writes, and what the headers of their files say.

Blocks register themselves in ``BLOCKS``: a name, which is also the top module's, and a builder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from amaranth.lib import wiring

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput
from golden.formats import FORMATS, Format
from golden.registry import add_entry
from hdl.adder import FloatAdder
from hdl.multiplier import FloatMultiplier

__all__ = ["BLOCKS", "Block", "Built", "register_block"]


@dataclass(frozen=True)
class Built:
    """A component ready to be written, with what its header says."""

    component: wiring.Component
    """Its signature's members become the ports."""
    command: str
    """Arguments of ``axfpm verilog`` that give this file; empty where it was built from unnamed parts."""
    header: list[str] = field(default_factory=list)
    """Lines on ports, latency and numerics."""
    parts: dict[str, wiring.Component] = field(default_factory=dict)
    """Further modules that the component instantiates as ``part_KEY``; they are written once, as ``TOP_KEY``."""
    clocked: bool = True
    """Whether there are registers, and so the ports ``clk`` and ``rst``."""


@dataclass(frozen=True)
class Block:
    """A kind of circuit that ``axfpm verilog`` writes.

    Parameters
    ----------
    name : str
        Name on the command line and of the top module.
    build : callable
        ``build(**parameters) -> Built``.
    """

    name: str
    build: Callable[..., Built]


BLOCKS: dict[str, Block] = {}
"""Every block by name; ``register_block`` adds to it."""


def register_block(block: Block) -> Block:
    """Make a block available to ``generate``, and return it.

    Raises
    ------
    InvalidInput
        If another block has that name.
    """
    return add_entry(BLOCKS, "block", block.name, block)


def _build_multiplier(*, multiplier: Multiplier | str = "ax-fpm", stages: int = 0, tree: str = "dadda") -> Built:
    m = look_up(multiplier)
    component = FloatMultiplier(m, stages=stages, tree=tree)
    fmt = m.format
    top = fmt.word_bits - 1
    operands = "as they are" if fmt.dropped_bits == 0 else f"{_ROUNDINGS[m.operands]} to {fmt.fraction_bits} bits"
    kept = "exact" if m.product == "exact" else f"{_ROUNDINGS[m.product]} to {fmt.fraction_bits} bits"
    header = [
        f"floating-point multiplier {m}.",
        "",
        "Ports",
        f"  a[{top}:0]  activation: {_layout(fmt)}",
        f"  b[{top}:0]  weight, in the same form; an approximate product may change when a and b are exchanged",
        f"  y[{top}:0]  product, in the same form",
        *(_CLOCKED_PORTS if stages else []),
        "",
        _latency(stages),
        "",
        "Numerics",
        f"  Significands of {m.precision} bits are multiplied by {m.design.name}.",
        *([f"  Bit {2 * m.precision} of the significand product {_CARRIES[m.carry]}."] if m.carry in _CARRIES else []),
        f"  Operand fractions: {operands}. Result fraction: {kept}.",
        "  Subnormal operands count as zero; results below the normal range become zero of their sign, above it",
        f"  infinity. Every NaN result is {_nan(fmt)}.",
        *_just_below_normal(m),
    ]
    command = f"--multiplier {m} --stages {stages}" + (f" --tree {tree}" if tree != "dadda" else "")
    return Built(component, command if _is_named(m) else "", header, clocked=stages > 0)


def _layout(fmt: Format) -> str:
    return f"sign, {fmt.exponent_bits}-bit biased exponent, {fmt.word_fraction_bits}-bit fraction"


def _nan(fmt: Format) -> str:
    return f"{fmt.word_bits}'h{(fmt.exponent_mask << 1 | 1) << (fmt.word_fraction_bits - 1):X}"


def _latency(stages: int) -> str:
    return f"Latency: {stages} cycles in which en is 1; a new pair may enter in each." if stages else "Combinational."


def _just_below_normal(m: Multiplier) -> list[str]:
    """Say where IEEE 754 rounds up to the smallest normal number, and arithmetic.md section 3 gives zero."""
    if not m.design.is_exact or m.product != "nearest":
        return []
    f, p = m.format, m.precision
    least, half = f.bias - 1, f.bias - 1 + p
    interval = f"2^-{least} - 2^-{half} <= |a b| < 2^-{least} - 2^-{half + 1}"
    return [
        f"  Where {interval}, the product rounds to {p} bits below the normal",
        "  range and becomes zero; IEEE 754, which rounds it on the grid of subnormal numbers, gives the smallest",
        f"  normal number, {f.word_bits}'h{1 << f.word_fraction_bits:0{f.word_bits // 4}X}, with the product's sign.",
    ]


_CLOCKED_PORTS = [
    "  clk      clock, rising edge",
    "  rst      synchronous reset, active high",
    "  en       1: the pipeline advances; 0: every register keeps its value",
]
_ROUNDINGS = {"truncate": "truncated", "nearest": "rounded to nearest even"}
_CARRIES = {
    "halve": "halves the result: its weight is taken to be that of the bit below",
    "widen": "counts with its true weight",
    "wrap": "is dropped",
}


def _is_named(m: Multiplier) -> bool:
    try:
        return look_up(str(m)) == m
    except InvalidInput:
        return False


register_block(Block("multiplier", _build_multiplier))


def _build_adder(*, format: Format | str = "fp32", stages: int = 0) -> Built:  # noqa: A002
    if not isinstance(format, Format) and format not in FORMATS:
        raise InvalidInput(f"unknown format {format!r}; choose from {', '.join(FORMATS)}")
    fmt = format if isinstance(format, Format) else FORMATS[format]
    component = FloatAdder(fmt, stages=stages)
    top = fmt.word_bits - 1
    header = [
        f"floating-point adder of {fmt.word_bits}-bit words.",
        "",
        "Ports",
        f"  a[{top}:0]  operand: {_layout(fmt)}",
        f"  b[{top}:0]  operand, in the same form",
        f"  y[{top}:0]  sum, in the same form",
        *(_CLOCKED_PORTS if stages else []),
        "",
        _latency(stages),
        "",
        "Numerics",
        "  IEEE 754, round to nearest, ties to even; subnormal operands and results are kept. Exact cancellation gives",
        f"  +0, and only (-0) + (-0) gives -0. Every NaN result is {_nan(fmt)}.",
    ]
    # A format from outside, whatever its name, is not what the command would write.
    named = FORMATS.get(fmt.name) == fmt
    command = (f"--format {fmt.name} " if fmt.name != "fp32" else "") + f"--stages {stages}"
    return Built(component, command if named else "", header, clocked=stages > 0)


register_block(Block("adder", _build_adder))
