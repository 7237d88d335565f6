"""Verilog models of library cells for a simulator, made from their Liberty functions alone.

Every cell is a module of the simulator's finest time step, its outputs driven by assignments, with one ``specify`` path
of no delay per timing arc of the Liberty cell: delays come later, from a file in Standard Delay Format, which can only
set paths that are there. Arcs that start at another output of the cell (a full adder's sum timed from its carry) are
left out: a path starts at an input.

A flip-flop is its ``ff`` group: it takes ``next_state`` at the rising edge of ``clocked_on``, ``clear`` and ``preset``
act at once and before the clock, and where both act the group says what state and inverse are.
"""

from __future__ import annotations

from collections.abc import Iterable

from golden.errors import InvalidInput
from synth.energy import boolean
from synth.energy.cells import Cell, Register

__all__ = ["TIMESCALE", "models"]

TIMESCALE = "`timescale 1ps / 1fs\n"
BOTH = {"": "1'bx", "L": "1'b0", "H": "1'b1", "X": "1'bx", "N": "{0}", "T": "~{0}"}
"""State where clear and preset act together, by the letters of ``clear_preset_var1`` and ``var2``."""


def models(cells: Iterable[Cell]) -> str:
    """Return one Verilog module for each cell.

    Raises
    ------
    InvalidInput
        If a function of a cell cannot be read, or names what is no input of it.
    """
    return TIMESCALE + "\n".join(_model(cell) for cell in cells)


def _model(cell: Cell) -> str:
    inputs = [pin.name for pin in cell.pins.values() if not pin.output]
    outputs = [pin for pin in cell.pins.values() if pin.output]
    register = cell.register
    known = {*inputs, *((register.state, register.inverse) if register else ())}
    lines = [f"module {cell.name}({', '.join([*inputs, *(pin.name for pin in outputs)])});"]
    lines += [f"  input {name};" for name in inputs] + [f"  output {pin.name};" for pin in outputs]
    if register is not None:
        lines += _register(register)
    for pin in outputs:
        alien = set(boolean.names(pin.function)) - known
        if alien:
            raise InvalidInput(f"the function of {cell.name}/{pin.name} names {min(alien)}, no input of it; mend it")
        lines.append(f"  assign {pin.name} = {boolean.verilog(pin.function)};")
    paths = [f"    ({source} => {pin.name}) = 0;" for pin in outputs for source in pin.paths if source in inputs]
    lines += ["  specify", *paths, "  endspecify"] if paths else []
    return "\n".join([*lines, "endmodule", ""])


def _register(register: Register) -> list[str]:
    state, inverse = register.state, register.inverse
    takes = boolean.verilog(register.next_state)
    events, branches = ["posedge clocks"], ""
    lines = [f"  reg {state}, {inverse};", f"  wire clocks = {boolean.verilog(register.clocked_on)};"]
    for name, value, expression in (("clears", 0, register.clear), ("presets", 1, register.preset)):
        if expression:
            lines.append(f"  wire {name} = {boolean.verilog(expression)};")
            events.append(f"posedge {name}")
            branches += f"if ({name}) begin {state} <= 1'b{value}; {inverse} <= 1'b{1 - value}; end else "
    if register.clear and register.preset:
        both = [BOTH.get(letter, "1'bx").format(state) for letter in (register.both_state, register.both_inverse)]
        branches = f"if (clears & presets) begin {state} <= {both[0]}; {inverse} <= {both[1]}; end else {branches}"
    lines.append(f"  always @({' or '.join(events)})")
    lines.append(f"    {branches}begin {state} <= {takes}; {inverse} <= ~{takes}; end")
    return lines
