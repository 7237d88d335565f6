"""The cells of a Liberty file: which of them are for logic, and why the others are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["LOGIC", "Cell", "name_of", "number", "read_cell", "word"]

LOGIC = ("gate", "buffer", "inverter", "flip-flop")


@dataclass(frozen=True)
class Cell:
    """A cell.

    Parameters
    ----------
    name : str
        Its name.
    kind : str
        One of ``LOGIC``, or why it is not for logic: ``latch``, ``state table``, ``scan``, ``three-state``,
        ``no function``, ``no area``, ``unknown state`` (a function of what is no pin), ``dont_use``.
    area : float
        um^2, by custom: Liberty has no unit for it.
    input_ff, max_load_ff : float
        Of a buffer or inverter: input capacitance and the largest load it may drive, fF.
    """

    name: str
    kind: str
    area: float
    input_ff: float = 0.0
    max_load_ff: float = 0.0

    @property
    def is_logic(self) -> bool:
        """Whether a mapper may use it."""
        return self.kind in LOGIC


def read_cell(cell: Group, farads: float) -> Cell:
    """Return what a cell is; ``farads`` is the library's unit of capacitance."""
    kind, area = _kind(cell), number(cell, "area", 0.0)
    if kind not in ("buffer", "inverter"):
        return Cell(name_of(cell), kind, area)
    source, output = (next(pin for pin in cell.get_groups("pin") if word(pin, "direction") == way) for way in _WAYS)
    return Cell(
        name_of(cell),
        kind,
        area,
        number(source, "capacitance", 0.0) * farads * 1e15,
        number(output, "max_capacitance", 0.0) * farads * 1e15,
    )


_WAYS = ("input", "output")


def _kind(cell: Group) -> str:
    """What a cell is for; the order of the questions is that of the answers a reader would want."""
    groups = {group.group_name for group in cell.groups}
    pins = cell.get_groups("pin")
    outputs = [pin for pin in pins if word(pin, "direction") == "output"]
    scan = "test_cell" in groups or any("signal_type" in pin for pin in pins)
    barred = (
        ("dont_use", word(cell, "dont_use") == "true"),
        ("state table", "statetable" in groups or "clock_gating_integrated_cell" in cell),
        ("latch", bool(groups & {"latch", "latch_bank"})),
        ("scan", scan),
        ("three-state", any("three_state" in pin for pin in outputs)),
        ("no function", not any("function" in pin for pin in outputs)),
        ("no area", number(cell, "area", 0.0) <= 0),
        ("unknown state", not groups & {"ff", "ff_bank"} and any(_is_of_a_state(pin, pins) for pin in outputs)),
    )
    why = next((name for name, applies in barred if applies), None)
    if why is not None:
        return why
    if groups & {"ff", "ff_bank"}:
        return "flip-flop"
    inputs = [pin for pin in pins if word(pin, "direction") == "input"]
    inverting = _inverting(outputs[0], name_of(inputs[0])) if len(inputs) == len(outputs) == 1 else None
    return "gate" if inverting is None else "inverter" if inverting else "buffer"


def _is_of_a_state(output: Group, pins: list[Group]) -> bool:
    """Whether an output's function names something that is no pin, as those of registers name their state."""
    return not set(re.findall(r"[A-Za-z_]\w*", word(output, "function"))) <= {name_of(pin) for pin in pins}


def _inverting(pin: Group, source: str) -> bool | None:
    """Whether a single-input cell inverts (True) or buffers (False) its input; None where it does neither."""
    from liberty.boolean_functions import parse_boolean_function
    from sympy import Not, Symbol

    try:
        function = parse_boolean_function(word(pin, "function"))
    except Exception:  # an unreadable function only means that this cell is neither
        return None
    if function == Symbol(source):
        return False
    return True if function == Not(Symbol(source)) else None


def name_of(group: Group) -> str:
    """A group's first argument, without quotes; empty where it has none."""
    return str(group.args[0]).strip('"') if group.args else ""


def word(group: Group, key: str) -> str:
    """A simple attribute as text, without quotes; empty where a group has none of that name, the last of several."""
    values = group.get_attributes(key)
    return str(values[-1]).strip('"').strip() if values else ""


def number(group: Group, key: str, default: float) -> float:
    """A simple attribute as a number; the default where a group has none, or none that is a number."""
    try:
        return float(word(group, key))
    except ValueError:
        return default
