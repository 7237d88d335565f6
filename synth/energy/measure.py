"""Energy per operation of a mapped netlist under real operands: the whole way from Verilog to picojoules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.cache import work_folder, workshop
from golden.checks import check_count, check_number
from golden.errors import InvalidInput
from golden.templates import render
from synth import tools
from synth.energy import bench
from synth.energy.cells import Cell, cut, read_cells
from synth.energy.charges import Charges, Conditions, charge
from synth.energy.models import models
from synth.energy.netlist import Netlist, read_netlist, scalar_verilog
from synth.energy.sdf import Delays, read_sdf, write_sdf
from synth.energy.toggles import Toggles, read_toggles

__all__ = ["CellLibrary", "Energy", "Measured", "measure"]


@dataclass(frozen=True)
class CellLibrary:
    """A cell library as text, and what stands around a design.

    Parameters
    ----------
    name : str
        The library and its corner, in words.
    parts : tuple of str
        The Liberty texts it is made of.
    driving_cell : str
        The cell that drives every input.
    load_ff : float
        The load at every output, fF.
    """

    name: str
    parts: tuple[str, ...]
    driving_cell: str
    load_ff: float


@dataclass(frozen=True)
class Energy:
    """Energy of each operation (pJ).

    Parameters
    ----------
    switching, internal, inputs : numpy.ndarray
        float64, (operations,): in the loads that cells drive, inside the cells, and in the pins that the netlist's own
        inputs drive, the clock's included.
    leakage : float
        What leaks in one clock cycle.
    toggles : numpy.ndarray
        int64, (operations,): changes of nets that cells drive.
    """

    switching: np.ndarray
    internal: np.ndarray
    inputs: np.ndarray
    leakage: float
    toggles: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """float64, (operations,): all of it."""
        return self.switching + self.internal + self.inputs + self.leakage


@dataclass(frozen=True)
class Measured:
    """What a netlist takes for each operation.

    Parameters
    ----------
    with_glitches, zero_delay : Energy
        Simulated with the delays of its cells, and without any delay.
    operations : int
        How many were recorded.
    cells : tuple of tuple
        For each cell of the netlist its name there, its library cell, and its switching, internal and leakage energy
        over the whole recording with glitches, pJ.
    conditions : str
        What the figures were obtained with, in words.
    """

    with_glitches: Energy
    zero_delay: Energy
    operations: int
    cells: tuple[tuple[str, str, float, float, float], ...]
    conditions: str

    @property
    def energy_pj(self) -> float:
        """Mean energy of an operation with glitches, pJ."""
        return float(self.with_glitches.total.mean())

    @property
    def energy_pj_zero_delay(self) -> float:
        """Mean energy of an operation if nothing glitched, pJ."""
        return float(self.zero_delay.total.mean())


def measure(
    netlist: str | Path,
    *,
    top: str,
    library: CellLibrary,
    a: np.ndarray,
    b: np.ndarray,
    expected: np.ndarray,
    stages: int = 0,
    period_ns: float,
    timeout_s: float = 900,
) -> Measured:
    """Measure the energy per operation of a mapped netlist on streams of operands.

    The first pair of operands only sets the state that the second one changes; with ``stages`` the following
    ``stages`` pairs fill the pipeline. Every later pair is one recorded operation.

    Parameters
    ----------
    netlist : str or pathlib.Path
        Its Verilog, or the file that holds it. Ports ``a`` and ``b`` are the operands; ``clk``, ``rst`` and ``en``
        clock, reset and enable it where it has them; one output port is the result.
    top : str
        Its module.
    library : CellLibrary
        The library it is mapped to.
    a, b : numpy.ndarray
        Words of the operands, unsigned integers, (n,), in the order in which they come.
    expected : numpy.ndarray
        The right results, (n,); every output is compared.
    stages : int
        After how many cycles a result follows its operands.
    period_ns : float
        The clock cycle, ns.
    timeout_s : float
        Limit for each program that is run, seconds.

    Raises
    ------
    InvalidInput
        If netlist, library or operands cannot be used, a result is wrong, or a program ran past the limit.
    MissingTool
        If a program or package is missing.
    """
    period_ns = check_number("period_ns", period_ns, above=0)
    stages = check_count("stages", stages, least=0)
    operands = _streams(a, b, expected, stages)
    with workshop(work_folder("energy"), "energy") as folder:
        text = netlist.read_text() if isinstance(netlist, Path) else netlist
        design = read_netlist(text, top=top, folder=folder, timeout_s=timeout_s)
        _check_ports(design, stages)
        cells, volt = read_cells(library.parts, design.used)
        sources = scalar_verilog(design), models(cells[name] for name in sorted(cells))
        delays, slews = _timing(design, sources[0], library, period_ns, folder, timeout_s)
        inputs = {name: frozenset(p.name for p in cell.pins.values() if not p.output) for name, cell in cells.items()}
        runs: list[tuple[Toggles, Charges]] = []
        for sdf in (write_sdf(delays, top=top, inputs=inputs), None):
            vcd = bench.simulate(
                design,
                sources=sources,
                sdf=sdf,
                streams={"a": operands[0], "b": operands[1]},
                expected={next(iter(design.outputs)): operands[2]},
                stages=stages,
                period_ns=period_ns,
                folder=folder,
                timeout_s=timeout_s,
            )
            known = _exact(delays) if sdf is not None else {}
            runs.append(_charge(vcd, design, Conditions(cells, volt, library.load_ff, slews, known), period_ns, stages, len(a)))
            vcd.unlink()
    return _measured(design, runs, period_ns, _words(library, period_ns, stages, len(a)))


def _streams(a: np.ndarray, b: np.ndarray, expected: np.ndarray, stages: int) -> tuple[np.ndarray, ...]:
    streams = tuple(np.asarray(each) for each in (a, b, expected))
    if any(each.ndim != 1 or each.dtype.kind != "u" for each in streams):
        raise InvalidInput("operands and expected words are one-dimensional arrays of unsigned integers")
    if len({each.size for each in streams}) != 1 or streams[0].size < stages + 2:
        sizes = ", ".join(str(each.size) for each in streams)
        raise InvalidInput(f"there are {sizes} operands and expected words; give as many of each, {stages + 2} at least")
    return streams


def _check_ports(design: Netlist, stages: int) -> None:
    asked = {"a", "b", *(("clk",) if stages else ())}
    given = set(design.inputs)
    if not asked <= given <= {"a", "b", *bench.CONTROLS} or len(design.outputs) != 1:
        raise InvalidInput(
            f"the netlist has the ports {', '.join([*design.inputs, *design.outputs])}; give one with a, b, "
            f"{'clk, ' if stages else ''}perhaps rst and en, and one output"
        )


def _timing(
    design: Netlist, verilog: str, library: CellLibrary, period_ns: float, folder: Path, timeout_s: float
) -> tuple[Delays, dict[tuple[str, str], tuple[float, float]]]:
    """Return delays and slews by OpenSTA, without wires."""
    parts = _without_wires(library, design.used | {library.driving_cell})
    for k, text in enumerate(parts):
        (folder / f"part{k}.lib").write_text(text)
    (folder / "netlist.v").write_text(verilog)
    clock = design.inputs.get("clk", ())
    script = render(
        "synth",
        "delays.tcl.j2",
        parts=[f"part{k}.lib" for k in range(len(parts))],
        top=design.top,
        clock=f"n{clock[0]}" if clock else "",
        period_ns=f"{period_ns:.6g}",
        data_inputs=[f"n{n}" for name, nets in design.inputs.items() if name != "clk" for n in nets],
        driving_cell=library.driving_cell,
        load_ff=library.load_ff,
    )
    (folder / "delays.tcl").write_text(script)
    command = [str(tools.opensta()), "-no_init", "-no_splash", "-exit", "delays.tcl"]
    try:
        _, output = tools.run(command, folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(f"OpenSTA ran past {timeout_s:g} s; give a smaller design or a larger time limit") from None
    slews = folder / "slews.txt"
    lines = slews.read_text().splitlines() if slews.exists() else []
    if lines[-1:] != ["complete"]:
        raise InvalidInput(f"OpenSTA could not time the netlist: {tools.last_line(output)}")
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines[:-1]:
        pin, rise, fall = line.split()
        instance, _, name = pin.partition("/")
        found[instance, name] = _ns(rise), _ns(fall)
    return read_sdf((folder / "delays.sdf").read_text()), found


def _ns(seconds: str) -> float:
    """A slew in ns; OpenSTA gives a huge or tiny number for a transition that never comes, which no one asks for."""
    value = float(seconds) * 1e9
    return value if 0 <= value < 1e6 else 0.0


def _without_wires(library: CellLibrary, used: frozenset[str]) -> list[str]:
    """The library's texts with the cells that are used and without wire loads, which OpenSTA would apply unasked."""
    import re

    texts = []
    for part in library.parts:
        around, cells = cut(part)
        mine = [text for name, text in cells.items() if name in used]
        around = re.sub(r"\bdefault_wire_load\w*\s*:[^;\n]*;?", "", around)
        if mine:
            place = around.rindex("}")
            texts.append(around[:place] + "\n".join(mine) + around[place:])
    return texts


def _exact(delays: Delays) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {
        (name, source, target): (round(round(rise, 3) * 1000), round(round(fall, 3) * 1000))
        for name, paths in delays.paths.items()
        for (source, target), (rise, fall) in paths.items()
    }


def _charge(
    vcd: Path, design: Netlist, conditions: Conditions, period_ns: float, stages: int, pairs: int
) -> tuple[Toggles, Charges]:
    period = bench.period_fs(period_ns)
    begin = (bench.settling(stages) + 1 + stages) * period
    end = (bench.settling(stages) + pairs) * period
    toggles = read_toggles(vcd, design, begin=begin, end=end)
    return toggles, charge(toggles, design, conditions, period=period)


def _energy(design: Netlist, toggles: Toggles, charges: Charges, period: int) -> Energy:
    inputs = [n for nets in design.inputs.values() for n in nets]
    own = ~np.isin(toggles.net, inputs)
    cycle = (toggles.time[own] - toggles.begin) // period
    return Energy(
        switching=charges.switching,
        internal=charges.internal,
        inputs=charges.inputs,
        leakage=charges.leakage,
        toggles=np.bincount(cycle, minlength=charges.switching.size),
    )


def _measured(
    design: Netlist, runs: Sequence[tuple[Toggles, Charges]], period_ns: float, conditions: str
) -> Measured:
    (delayed, charged), _ = runs
    with_glitches, zero_delay = (_energy(design, *run, bench.period_fs(period_ns)) for run in runs)
    rows = zip(design.instances, charged.cell_switching, charged.cell_internal, charged.cell_leakage, strict=True)
    return Measured(
        with_glitches=with_glitches,
        zero_delay=zero_delay,
        operations=charged.switching.size,
        cells=tuple((each.given, each.cell, float(s), float(i), float(k)) for each, s, i, k in rows),
        conditions=conditions,
    )


def _words(library: CellLibrary, period_ns: float, stages: int, pairs: int) -> str:
    return (
        f"{library.name}; pre-layout, no wires; clock {period_ns:g} ns, {stages} stages; {pairs} operand pairs, all bits "
        f"at one instant; inputs from {library.driving_cell}, {library.load_ff:.4g} fF at each output"
    )
