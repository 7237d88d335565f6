"""Reading what the energy sum needs of cells: only those that a netlist uses, each kept in the cache.

Liberty has no unit of its own for internal energy: it is the capacitance unit times the square of the voltage unit
(1 pF and 1 V give pJ, 1 fF and 1 V give fJ). Which axis of a table is the slew and which the load is said by its
template, and differs between libraries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from golden.cache import Cache
from golden.errors import InvalidInput
from golden.registry import unknown
from synth.energy.cells import Cell, Internal, Leakage, Pin, Register, Table
from synth.liberty import Library
from synth.liberty_cells import name_of, number, word

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["read_cells"]

CELLS_VERSION = 2
TIMES = (
    *("cell_rise", "cell_fall", "rise_transition", "fall_transition", "rise_constraint", "fall_constraint"),
    *("retaining_rise", "retaining_fall", "retain_rise_slew", "retain_fall_slew"),
    *("output_current_rise", "output_current_fall", "receiver_capacitance"),
)
"""Tables of delays, which OpenSTA reads: most of a library."""


@dataclass(frozen=True)
class _Units:
    ns: float
    ff: float
    pj: float
    mw: float


def read_cells(library: Library, wanted: Iterable[str]) -> dict[str, Cell]:
    """Read cells of a library.

    Parameters
    ----------
    library : Library
        The library.
    wanted : iterable of str
        Names of cells, usable or not.

    Returns
    -------
    dict of str to Cell
        Those that were asked for.

    Raises
    ------
    InvalidInput
        If a cell is missing, a latch, or without a function, a table cannot be read, or the library names no supply.
    MissingTool
        If the package liberty-parser is missing.
    """
    asked, found, kept = set(wanted), {}, Cache("cells")
    for part in library.parts:
        here = [cell.name for cell in part.cells if cell.name in asked]
        keys = {name: hashlib.sha256(f"{CELLS_VERSION} {part.sha256} {name}".encode()).hexdigest() for name in here}
        known = {name: kept.get_json(keys[name], _from_json) for name in here}
        found |= {name: cell for name, cell in known.items() if cell is not None}
        missing = tuple(name for name, cell in known.items() if cell is None)
        if missing:
            units, templates = _units(library), _templates(part.header())
            for name, group in part.groups(missing, TIMES).items():
                found[name] = _cell(group, name, units, templates)
                kept.put_json(keys[name], asdict(found[name]))
    gone = sorted(asked - set(found))
    if gone:
        raise unknown("cell", gone[0], [cell.name for cell in library.cells])
    return found


def _from_json(plain: Any) -> Cell:
    def table(value: Any) -> Table | None:
        return None if value is None else Table(*(_deep(value[key]) for key in ("slew_ns", "load_ff", "pj")))

    def internal(value: Any) -> Internal:
        return Internal(
            tuple(value["related"]), value["when"], value["supply"], table(value["rise"]), table(value["fall"])
        )

    pins = {
        name: Pin(**{**pin, "paths": tuple(pin["paths"]), "internal": tuple(map(internal, pin["internal"]))})
        for name, pin in plain["pins"].items()
    }
    register = None if plain["register"] is None else Register(**plain["register"])
    leakage = tuple(Leakage(**each) for each in plain["leakage"])
    return Cell(plain["name"], pins, register, plain["leakage_mw"], leakage)


def _deep(value: Any) -> Any:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


def _units(library: Library) -> _Units:
    if library.voltage <= 0:
        raise InvalidInput(f"the library {library.name} names no supply voltage; add nom_voltage")
    return _Units(
        ns=library.time_s * 1e9,
        ff=library.capacitance_f * 1e15,
        pj=library.energy_j * 1e12,
        mw=library.leakage_w * 1e3,
    )


def _templates(header: Group) -> dict[str, Any]:
    kinds = ("power_lut_template", "lu_table_template")
    return {name_of(group): _axes(group) for kind in kinds for group in header.get_groups(kind)}


def _axes(template: Group) -> dict[str, Any]:
    """Return a template's axes: what each variable is, and its points where a table names none."""
    kinds = [word(template, f"variable_{k}") for k in (1, 2)]
    return {"kinds": kinds, "points": [_floats(template, f"index_{k}") for k in (1, 2)]}


def _cell(group: Group, name: str, units: _Units, templates: dict[str, Any]) -> Cell:
    kinds = {each.group_name for each in group.groups}
    for kind, words in (
        ("latch", "a latch"),
        ("latch_bank", "latches"),
        ("statetable", "a state table"),
        ("ff_bank", "a bank of flip-flops"),
        ("bus", "a bus"),
        ("bundle", "a bundle of pins"),
    ):
        if kind in kinds:
            raise InvalidInput(f"the cell {name} has {words}, which is not simulated here; map without it (dont-use)")
    registers = group.get_groups("ff")
    if len(registers) > 1:
        raise InvalidInput(f"the cell {name} has {len(registers)} flip-flops, one is simulated here; map without it")
    pins = {name_of(pin): _pin(pin, units, templates) for pin in group.get_groups("pin")}
    for pin in pins.values():
        if pin.output and not pin.function:
            raise InvalidInput(f"the cell {name} has an output {pin.name} without a function; map without it")
    leakage = tuple(
        Leakage(word(each, "when"), word(each, "related_pg_pin"), number(each, "value", 0.0) * units.mw)
        for each in group.get_groups("leakage_power")
    )
    total = number(group, "cell_leakage_power", 0.0) * units.mw
    return Cell(name, pins, _register(registers[0]) if registers else None, total, leakage)


def _register(group: Group) -> Register:
    state, inverse = (str(each).strip('"') for each in group.args[:2])
    return Register(
        state=state,
        inverse=inverse,
        next_state=word(group, "next_state"),
        clocked_on=word(group, "clocked_on"),
        clear=word(group, "clear"),
        preset=word(group, "preset"),
        both_state=word(group, "clear_preset_var1"),
        both_inverse=word(group, "clear_preset_var2"),
    )


def _pin(group: Group, units: _Units, templates: dict[str, Any]) -> Pin:
    both = number(group, "capacitance", 0.0)
    direction = word(group, "direction")
    if direction not in ("input", "output", "internal") or "three_state" in group:
        raise InvalidInput(f"the pin {name_of(group)} is neither input nor output; map without its cell (dont-use)")
    paths = {
        name: None for timing in group.get_groups("timing") for name in word(timing, "related_pin").split() if name
    }
    return Pin(
        name=name_of(group),
        output=direction == "output",
        rise_ff=number(group, "rise_capacitance", both) * units.ff,
        fall_ff=number(group, "fall_capacitance", both) * units.ff,
        function=word(group, "function") if direction == "output" else "",
        paths=tuple(paths) if direction == "output" else (),
        internal=tuple(_internal(each, units, templates) for each in group.get_groups("internal_power")),
    )


def _internal(group: Group, units: _Units, templates: dict[str, Any]) -> Internal:
    def table(kind: str) -> Table | None:
        groups = group.get_groups(kind) or group.get_groups("power")
        return _table(groups[0], units, templates) if groups else None

    return Internal(
        related=tuple(word(group, "related_pin").split()),
        when=word(group, "when"),
        supply=word(group, "related_pg_pin"),
        rise=table("rise_power"),
        fall=table("fall_power"),
    )


def _table(group: Group, units: _Units, templates: dict[str, Any]) -> Table:
    name = name_of(group)
    if name not in templates and name != "scalar":
        raise InvalidInput(
            f"a power table names the template {name!r}, which the library lacks; give the whole library"
        )
    template = templates.get(name, {"kinds": [], "points": []})
    rows = [
        [float(v) for v in str(row).strip('"').replace(",", " ").split()] for row in group.get_attributes("values")[-1]
    ]
    axes: dict[str, tuple[float, ...]] = {}
    shape: list[str] = []
    for k, kind in enumerate(template["kinds"], start=1):
        if kind not in _AXES:
            continue
        axis, scale = ("slew", units.ns) if _AXES[kind] == "slew" else ("load", units.ff)
        points = _floats(group, f"index_{k}") or template["points"][k - 1]
        axes[axis] = tuple(float(f"{point * scale:.12g}") for point in points)
        shape.append(axis)
    slew, load = axes.get("slew", (0.0,)), axes.get("load", (0.0,))
    flat = [value * units.pj for row in rows for value in row]
    if len(flat) != len(slew) * len(load):
        raise InvalidInput(f"a power table of template {name!r} has {len(flat)} values; mend the library")
    step = (1, len(slew)) if shape[:1] == ["load"] else (len(load), 1)
    values = tuple(tuple(flat[i * step[0] + j * step[1]] for j in range(len(load))) for i in range(len(slew)))
    return Table(slew, load, values)


_AXES = {
    "input_transition_time": "slew",
    "input_net_transition": "slew",
    "total_output_net_capacitance": "load",
    "equal_or_opposite_output_net_capacitance": "load",
}


def _floats(group: Group, key: str) -> tuple[float, ...]:
    values = group.get_attributes(key)
    text = " ".join(str(each) for each in values[-1]) if values else ""
    return tuple(float(value) for value in text.replace('"', " ").replace(",", " ").split())
