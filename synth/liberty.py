"""What the flow needs to know of a Liberty cell library: units, corner, and the cells that stand around a design."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golden.cache import Cache
from golden.errors import InvalidInput, MissingTool
from golden.files import expand
from synth.tools import default_liberty

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["Cell", "Library", "read_liberty"]

SUMMARY_VERSION = 1
FANOUT_LOAD = 4
"""Outputs drive this many of the smallest inverter's inputs."""
FARADS = {"ff": 1e-15, "pf": 1e-12, "nf": 1e-9, "f": 1.0}


@dataclass(frozen=True)
class Cell:
    """A buffer or inverter: name, area (um^2), input capacitance (fF) and the largest load it may drive (fF)."""

    name: str
    area: float
    input_ff: float
    max_load_ff: float


@dataclass(frozen=True)
class Library:
    """A summary of a Liberty file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sha256 : str
        Digest of its content.
    name : str
        The library's name.
    process, voltage, temperature : float
        The corner it was characterised at: process factor, V, degrees Celsius.
    conditions : str
        The name of the default operating conditions, empty where it has none.
    time_unit, power_unit, capacitance_unit : str
        Units of its tables, as written. Area has no unit in Liberty: square micrometres by custom.
    combinational, sequential : int
        Numbers of usable cells.
    buffers, inverters : tuple of Cell
        By area, the smallest first.
    """

    path: Path
    sha256: str
    name: str
    process: float
    voltage: float
    temperature: float
    conditions: str
    time_unit: str
    power_unit: str
    capacitance_unit: str
    combinational: int
    sequential: int
    buffers: tuple[Cell, ...]
    inverters: tuple[Cell, ...]

    @property
    def corner(self) -> str:
        """The corner in words."""
        values = f"process {self.process:g}, {self.voltage:g} V, {self.temperature:g} C"
        return f"{self.conditions} ({values})" if self.conditions else values

    @property
    def driving_cell(self) -> str:
        """The cell that drives every input: the smallest buffer, or inverter where there is no buffer."""
        return (self.buffers or self.inverters)[0].name

    @property
    def load_ff(self) -> float:
        """The load at every output, in fF: four inputs of the smallest inverter (or buffer)."""
        return FANOUT_LOAD * (self.inverters or self.buffers)[0].input_ff


def read_liberty(path: str | Path | None = None) -> Library:
    """Read a Liberty file, or the default library where ``path`` is None.

    The summary is kept in the cache under the file's digest, because parsing a large library takes seconds.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is not Liberty, or has no cells a netlist could be made of.
    MissingTool
        If no file is given and none is installed, or the package liberty-parser is missing.
    """
    source = default_liberty() if path is None else expand(path)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read the Liberty file {source} ({error.strerror}); give a readable file") from None
    digest = hashlib.sha256(content).hexdigest()

    def library(summary: dict[str, Any]) -> Library:
        cells = {kind: tuple(Cell(**cell) for cell in summary[kind]) for kind in ("buffers", "inverters")}
        return Library(path=source, sha256=digest, **{**summary, **cells})

    kept, key = Cache("liberty"), f"{digest}-{SUMMARY_VERSION}"
    known = kept.get_json(key, library)
    if known is not None:
        return known
    summary = _summarise(source, content.decode("utf-8", errors="replace"))
    kept.put_json(key, summary)
    return library(summary)


def _summarise(path: Path, text: str) -> dict[str, Any]:
    group = _parse(path, text)
    unit, farads = _capacitance_unit(path, group)
    buffers: list[Cell] = []
    inverters: list[Cell] = []
    combinational = sequential = 0
    for cell in group.get_groups("cell"):
        area = _number(cell, "area", 0.0)
        if _word(cell, "dont_use") == "true" or area <= 0 or not cell.args:
            continue
        if any(g.group_name in ("ff", "ff_bank") for g in cell.groups):
            sequential += 1
            continue
        outputs = list(_outputs(cell))
        if not outputs or any(g.group_name in ("latch", "latch_bank", "statetable") for g in cell.groups):
            continue
        combinational += 1
        inputs = [pin for pin in cell.get_groups("pin") if _word(pin, "direction") == "input"]
        if len(inputs) == len(outputs) == 1:
            inverting = _inverting(outputs[0], str(inputs[0].args[0]))
            summary = Cell(
                name=str(cell.args[0]).strip('"'),
                area=area,
                input_ff=_number(inputs[0], "capacitance", 0.0) * farads * 1e15,
                max_load_ff=_number(outputs[0], "max_capacitance", 0.0) * farads * 1e15,
            )
            if inverting is not None:
                (inverters if inverting else buffers).append(summary)
    if not combinational:
        raise InvalidInput(
            f"the Liberty file {path} has no combinational cells with area and function; give a standard-cell library"
        )
    if not buffers and not inverters:
        raise InvalidInput(f"the Liberty file {path} has neither buffer nor inverter; give a standard-cell library")
    conditions = _word(group, "default_operating_conditions")
    corner = next((g for g in group.get_groups("operating_conditions") if _name(g) == conditions), None)

    def at(key: str, default: float) -> float:
        nominal = _number(group, f"nom_{key}", default)
        return nominal if corner is None else _number(corner, key, nominal)

    return {
        "name": _name(group),
        "process": at("process", 1.0),
        "voltage": at("voltage", 0.0),
        "temperature": at("temperature", 25.0),
        "conditions": conditions,
        "time_unit": _word(group, "time_unit") or "1ns",
        "power_unit": _word(group, "leakage_power_unit"),
        "capacitance_unit": unit,
        "combinational": combinational,
        "sequential": sequential,
        "buffers": [asdict(cell) for cell in sorted(buffers, key=_size)],
        "inverters": [asdict(cell) for cell in sorted(inverters, key=_size)],
    }


def _size(cell: Cell) -> tuple[float, float, str]:
    return cell.area, cell.input_ff, cell.name


def _parse(path: Path, text: str) -> Group:
    try:
        from liberty.parser import parse_liberty
    except ImportError:
        raise MissingTool("reading a cell library needs `pip install liberty-parser`") from None
    try:
        group = parse_liberty(text)
    except Exception as error:  # the parser has no exception of its own that covers all it raises
        reason = str(error).split("\n")[0][:120]
        raise InvalidInput(f"{path} is not a Liberty file ({reason}); give a standard-cell .lib file") from None
    if group.group_name != "library" or not group.args:
        raise InvalidInput(
            f"{path} holds a {group.group_name!r}, not a Liberty library; give a standard-cell .lib file"
        )
    return group


def _capacitance_unit(path: Path, group: Group) -> tuple[str, float]:
    values = group.get_attributes("capacitive_load_unit") or [[1, "pf"]]
    try:
        amount, unit = values[-1]
        return f"{amount:g}{unit}", float(amount) * FARADS[str(unit).strip('"').lower()]
    except (TypeError, ValueError, KeyError):
        raise InvalidInput(f"{path} has a capacitive_load_unit that cannot be read; write it as (1, pf)") from None


def _outputs(cell: Group) -> Iterator[Group]:
    """Yield the output pins of known function, three-state ones excepted."""
    for pin in cell.get_groups("pin"):
        if _word(pin, "direction") == "output" and "function" in pin and "three_state" not in pin:
            yield pin


def _inverting(pin: Group, source: str) -> bool | None:
    """Whether a single-input cell inverts (True) or buffers (False) its input; None where it does neither."""
    from liberty.boolean_functions import parse_boolean_function
    from sympy import Not, Symbol

    try:
        function = parse_boolean_function(_word(pin, "function"))
    except Exception:  # an unreadable function only means that this cell is neither
        return None
    if function == Symbol(source):
        return False
    return True if function == Not(Symbol(source)) else None


def _name(group: Group) -> str:
    return str(group.args[0]).strip('"') if group.args else ""


def _word(group: Group, key: str) -> str:
    values = group.get_attributes(key)
    return str(values[-1]).strip('"').strip() if values else ""


def _number(group: Group, key: str, default: float) -> float:
    try:
        return float(_word(group, key))
    except ValueError:
        return default
