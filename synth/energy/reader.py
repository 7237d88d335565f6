"""Reading cells from Liberty: only those that a netlist uses, each kept in the cache under its own text.

Large libraries take a minute to parse, and a netlist uses few of their cells. So the text is cut into its ``cell``
groups first, and only those that are asked for go through the parser.

Liberty has no unit of its own for internal energy: it is the capacitance unit times the square of the voltage unit
(1 pF and 1 V give pJ, 1 fF and 1 V give fJ). Which axis of a table is the slew and which the load is said by its
template, and differs between libraries.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from golden.cache import Cache
from golden.errors import InvalidInput, MissingTool
from golden.registry import unknown
from synth.energy.cells import Cell, Internal, Leakage, Pin, Register, Table
from synth.energy.text import cut

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["read_cells"]

CELLS_VERSION = 1
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}


@dataclass(frozen=True)
class _Units:
    ns: float
    ff: float
    pj: float
    mw: float
    volt: float


def read_cells(parts: Sequence[str], wanted: Iterable[str]) -> tuple[dict[str, Cell], float]:
    """Read cells of a library that comes in one or more Liberty texts.

    Parameters
    ----------
    parts : sequence of str
        The texts.
    wanted : iterable of str
        Names of cells.

    Returns
    -------
    cells : dict of str to Cell
        Those that were asked for.
    volt : float
        The supply of the corner, V.

    Raises
    ------
    InvalidInput
        If a text is not Liberty, or a cell is missing, a latch, without a function, or in two parts.
    MissingTool
        If the package liberty-parser is missing.
    """
    found: dict[str, Cell] = {}
    volts: set[float] = set()
    missing = sorted(set(wanted))
    known: list[str] = []
    for text in parts:
        around, texts = cut(text)
        library = _parse(around)
        units = _units(library)
        volts.add(units.volt)
        known += texts
        templates = {_name(g): _axes(g) for kind in _TEMPLATES for g in library.get_groups(kind)}
        for name in [name for name in missing if name in texts]:
            missing.remove(name)
            found[name] = _kept(name, texts[name], units, templates)
    if missing:
        raise unknown("cell", missing[0], known)
    if len(volts) != 1:
        raise InvalidInput(f"the parts of the library have supplies of {sorted(volts)} V; give parts of one corner")
    return found, volts.pop()


def _kept(name: str, text: str, units: _Units, templates: dict[str, Any]) -> Cell:
    question = [CELLS_VERSION, text, asdict(units), {key: axes for key, axes in templates.items() if key in text}]
    key = hashlib.sha256(json.dumps(question).encode()).hexdigest()
    kept = Cache("cells")
    known = kept.get_json(key, _from_json)
    if known is None:
        known = _cell(_parse(f"library (one) {{ {text} }}").get_groups("cell")[0], name, units, templates)
        kept.put_json(key, asdict(known))
    return known


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


def _parse(text: str) -> Group:
    try:
        from liberty.parser import parse_liberty
    except ImportError:
        raise MissingTool("reading a cell library needs `pip install liberty-parser`") from None
    try:
        group = parse_liberty(text)
    except Exception as error:  # the parser has no exception of its own that covers all it raises
        reason = str(error).split("\n")[0][:120]
        raise InvalidInput(f"the text is not Liberty ({reason}); give a standard-cell library") from None
    if group.group_name != "library":
        raise InvalidInput(f"the text holds a {group.group_name!r}, not a library; give a standard-cell library")
    return group


def _units(library: Group) -> _Units:
    volt_unit = _quantity(_word(library, "voltage_unit") or "1V")
    values = library.get_attributes("capacitive_load_unit") or [[1, "pf"]]
    try:
        farad = float(values[-1][0]) * PREFIXES[str(values[-1][1]).strip('"').lower().removesuffix("f")]
    except (TypeError, ValueError, KeyError, IndexError):
        raise InvalidInput("the library's capacitive_load_unit cannot be read; write it as (1, pf)") from None
    conditions = _word(library, "default_operating_conditions")
    corner = [g for g in library.get_groups("operating_conditions") if _name(g) == conditions]
    volt = _number(library, "nom_voltage", 0.0)
    volt = _number(corner[0], "voltage", volt) if corner else volt
    if volt <= 0:
        raise InvalidInput("the library names no supply voltage; add nom_voltage")
    return _Units(
        ns=_quantity(_word(library, "time_unit") or "1ns") * 1e9,
        ff=farad * 1e15,
        pj=farad * volt_unit**2 * 1e12,
        mw=_quantity(_word(library, "leakage_power_unit") or "1nW") * 1e3,
        volt=volt * volt_unit,
    )


def _quantity(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)\s*([fpnumk]?)(?:s|V|W|v|w)", text)
    if match is None:
        raise InvalidInput(f"the unit {text!r} of the library cannot be read; write it like 1ns, 1V or 1nW")
    return float(match[1]) * PREFIXES[match[2]]


_TEMPLATES = ("power_lut_template", "lu_table_template")


def _axes(template: Group) -> dict[str, Any]:
    """Return a template's axes: what each variable is, and its points where a table names none."""
    kinds = [_word(template, f"variable_{k}") for k in (1, 2)]
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
    pins = {_name(pin): _pin(pin, units, templates) for pin in group.get_groups("pin")}
    for pin in pins.values():
        if pin.output and not pin.function:
            raise InvalidInput(f"the cell {name} has an output {pin.name} without a function; map without it")
    leakage = tuple(
        Leakage(_word(each, "when"), _word(each, "related_pg_pin"), _number(each, "value", 0.0) * units.mw)
        for each in group.get_groups("leakage_power")
    )
    total = _number(group, "cell_leakage_power", 0.0) * units.mw
    return Cell(name, pins, _register(registers[0]) if registers else None, total, leakage)


def _register(group: Group) -> Register:
    state, inverse = (str(each).strip('"') for each in group.args[:2])
    return Register(
        state=state,
        inverse=inverse,
        next_state=_word(group, "next_state"),
        clocked_on=_word(group, "clocked_on"),
        clear=_word(group, "clear"),
        preset=_word(group, "preset"),
        both_state=_word(group, "clear_preset_var1"),
        both_inverse=_word(group, "clear_preset_var2"),
    )


def _pin(group: Group, units: _Units, templates: dict[str, Any]) -> Pin:
    both = _number(group, "capacitance", 0.0)
    direction = _word(group, "direction")
    if direction not in ("input", "output", "internal") or "three_state" in group:
        raise InvalidInput(f"the pin {_name(group)} is neither input nor output; map without its cell (dont-use)")
    paths = {
        name: None for timing in group.get_groups("timing") for name in _word(timing, "related_pin").split() if name
    }
    return Pin(
        name=_name(group),
        output=direction == "output",
        rise_ff=_number(group, "rise_capacitance", both) * units.ff,
        fall_ff=_number(group, "fall_capacitance", both) * units.ff,
        function=_word(group, "function") if direction == "output" else "",
        paths=tuple(paths) if direction == "output" else (),
        internal=tuple(_internal(each, units, templates) for each in group.get_groups("internal_power")),
    )


def _internal(group: Group, units: _Units, templates: dict[str, Any]) -> Internal:
    def table(kind: str) -> Table | None:
        groups = group.get_groups(kind) or group.get_groups("power")
        return _table(groups[0], units, templates) if groups else None

    return Internal(
        related=tuple(_word(group, "related_pin").split()),
        when=_word(group, "when"),
        supply=_word(group, "related_pg_pin"),
        rise=table("rise_power"),
        fall=table("fall_power"),
    )


def _table(group: Group, units: _Units, templates: dict[str, Any]) -> Table:
    name = _name(group)
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
