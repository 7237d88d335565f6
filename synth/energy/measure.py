"""Energy per operation of a mapped netlist under real operands: the whole way from Verilog to picojoules.

Each netlist is simulated twice: with the delays of its cells, so that it glitches as it would, and without any, where
every net changes at most once per operation. The difference is what glitches cost. Inputs change at one instant; the
design is not laid out, and wires have no capacitance but that of the library's default wire load where it is asked for;
the clock's pins count at ``stages`` >= 1 and its tree does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.cache import Cache, work_folder, workshop
from golden.checks import check_count, check_number
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.registry import check_choice
from synth import tools
from synth.energy import bench
from synth.energy.cells import Cell
from synth.energy.charges import Charges, charge
from synth.energy.delays import time_netlist
from synth.energy.kinds import Conditions
from synth.energy.measured import CellEnergy, Energy, Measured, from_json, to_json
from synth.energy.models import models
from synth.energy.netlist import Netlist, completed, read_netlist, scalar_verilog
from synth.energy.reader import read_cells
from synth.energy.sdf import Delays, write_sdf
from synth.energy.toggles import Toggles, read_toggles
from synth.liberty import Library
from synth.wires import default_wire_load, layout

__all__ = ["check_delayed", "measure"]

MEASURE_VERSION = 1
"""Part of the cache's key: counts changes of what is measured."""


def measure(
    netlist: str | Path,
    *,
    top: str,
    library: Library,
    streams: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    stages: int = 0,
    latencies: Mapping[str, int] | None = None,
    period_ns: float,
    load_ff: float | None = None,
    timeout_s: float = 900,
    progress: Progress | None = None,
) -> Measured:
    """Measure the energy per operation of a mapped netlist on streams of operands.

    The first operands only set the state that the second ones change, and with ``stages`` the next ``stages`` fill the
    pipeline. All later ones are one recorded operation each. Results are kept under a digest of everything that they
    depend on.

    Parameters
    ----------
    netlist : str or pathlib.Path
        Its Verilog, or the file that holds it. ``clk``, ``rst`` and ``en`` clock, reset and enable it where it has
        them.
    top : str
        Its module.
    library : Library
        The library it is mapped to, with its wire loads or without.
    streams : mapping of str to numpy.ndarray
        For each other input port its words, unsigned integers, (n,), one for each cycle; of a port of more than 64
        bits uint64, (n, k), the lowest 64 first.
    expected : mapping of str to numpy.ndarray
        For each output port the right words, likewise; every one is compared.
    stages : int
        How many cycles of operands lie between the first and the first that is recorded: those that fill the pipeline.
    latencies : mapping of str to int, optional
        How many cycles after the operands of its place an output's word comes, for those where it is not ``stages``.
    period_ns : float
        The clock cycle, ns.
    load_ff : float, optional
        What the load at each output counts in energy, fF; by default the library's, which delays always have.
    timeout_s : float
        Limit for each program that is run, seconds.
    progress : Progress, optional
        Told of each of the four steps.

    Raises
    ------
    InvalidInput
        If netlist, library or operands cannot be used, an output is wrong, delays were not simulated, or a program ran
        past the limit.
    MissingTool
        If a program or package is missing.
    """
    period_ns = check_number("period_ns", period_ns, above=0)
    stages = check_count("stages", stages, least=0)
    streams, expected = _streams(streams, expected, stages)
    late = dict.fromkeys(expected, stages) | _latencies(latencies, expected)
    text = _text(netlist)
    size = len(next(iter(streams.values())))
    load_ff = library.load_ff if load_ff is None else check_number("load_ff", load_ff, 0)
    words = _words(library, period_ns, stages, size, load_ff)
    key, kept = _key(words, text, top, library, load_ff, streams, expected, stages, late), Cache("energy")
    known = kept.get_json(key, from_json)
    if known is not None:
        return known
    with workshop(work_folder("energy-runs"), "energy") as folder:
        say = progress or (lambda *_: None)
        say(0, 4, "reading the netlist")
        design = read_netlist(text, top=top, folder=folder, timeout_s=timeout_s)
        _check_ports(design, streams, expected, clocked=stages > 0)
        cells = read_cells(library, design.used)
        wires = default_wire_load(library) if library.wire_loads else None
        design = completed(design, cells)
        sources = scalar_verilog(design), models(cells[name] for name in sorted(cells))
        say(1, 4, "timing")
        delays, slews = time_netlist(
            design, sources[0], library, period_ns=period_ns, folder=folder, timeout_s=timeout_s
        )

        def run(sdf: str | None) -> tuple[Toggles, Charges]:
            dump = bench.simulate(
                design,
                sources=sources,
                sdf=sdf,
                streams=streams,
                expected=expected,
                stages=stages,
                latencies=late,
                period_ns=period_ns,
                folder=folder,
                timeout_s=timeout_s,
            )
            toggles = read_toggles(dump, design, **bench.recording(size, stages=stages, period_ns=period_ns))
            dump.unlink()
            given = Conditions(cells, library.voltage, load_ff, slews, _exact(delays) if sdf else {}, wires)
            return toggles, charge(toggles, design, given, period=bench.period_fs(period_ns))

        say(2, 4, "simulating")
        delayed = run(_sdf(delays, top, cells))
        say(3, 4, "simulating without delays")
        instant = run(None)
    check_delayed(delayed[0], instant[0], [n for nets in design.inputs.values() for n in nets])
    result = _measured(design, (delayed, instant), bench.period_fs(period_ns), words)
    kept.put_json(key, to_json(result))
    return result


def _words(library: Library, period_ns: float, stages: int, pairs: int, load_ff: float) -> str:
    found = tools.versions()
    return (
        f"{library.name}, corner {library.corner}; {layout(library)}; clock {period_ns:g} ns, {stages} stages; "
        f"{pairs} operand pairs, all bits at one instant; inputs from {library.driving_cell}, {load_ff:.4g} fF "
        f"at each output; {found['yosys']}, {found['opensta']}, {tools.icarus_version()}"
    )


def _sdf(delays: Delays, top: str, cells: Mapping[str, Cell]) -> str | None:
    """The delays for the simulator; None for a design of wires alone, since it takes no file without cells."""
    inputs = {name: frozenset(p.name for p in cell.pins.values() if not p.output) for name, cell in cells.items()}
    return write_sdf(delays, top=top, inputs=inputs) if delays.paths else None


def check_delayed(delayed: Toggles, instant: Toggles, inputs: Sequence[int]) -> None:
    """Raise unless a simulation with delays differs from one without: a simulator may drop delays and say nothing.

    Parameters
    ----------
    delayed, instant : Toggles
        The two recordings.
    inputs : sequence of int
        Nets that the bench drives: they change alike in both.

    Raises
    ------
    InvalidInput
        If nets that cells drive have the same changes at the same times, and there are some.
    """
    with_delays, without = (
        np.stack([run.net, run.time])[:, ~np.isin(run.net, list(inputs))] for run in (delayed, instant)
    )
    if with_delays.size and np.array_equal(with_delays, without):
        raise InvalidInput(
            "the simulation with delays is the one without them, change for change; look whether delays were annotated"
        )


def _text(netlist: str | Path) -> str:
    if isinstance(netlist, str):
        return netlist
    try:
        return netlist.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the netlist {netlist} ({error}); give a mapped Verilog file") from None


def _streams(
    streams: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], stages: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    found = [{name: np.asarray(words) for name, words in each.items()} for each in (streams, expected)]
    if not all(found):
        raise InvalidInput("there are no operands, or no results; give the words of each port")
    given = {name: words for each in found for name, words in each.items()}
    if any(words.ndim not in (1, 2) or words.dtype.kind != "u" for words in given.values()):
        raise InvalidInput("operands and results are not one-dimensional arrays of unsigned integers; give words")
    sizes = {len(words) for words in given.values()}
    if len(sizes) != 1 or min(sizes) < stages + 2:
        there = ", ".join(f"{len(words)} of {name}" for name, words in given.items())
        raise InvalidInput(f"there are {there}; give as many words of each port, {stages + 2} at least")
    return found[0], found[1]


def _latencies(given: Mapping[str, int] | None, expected: Mapping[str, np.ndarray]) -> dict[str, int]:
    found = dict(given or {})
    for name, latency in found.items():
        check_choice("a latency is given of", name, expected)
        check_count("latency", latency, least=0)
    return found


def _check_ports(design: Netlist, streams: Mapping[str, Any], expected: Mapping[str, Any], *, clocked: bool) -> None:
    asked = {*streams, *(("clk",) if clocked else ())}
    if not asked <= set(design.inputs) <= {*streams, *bench.CONTROLS} or set(design.outputs) != set(expected):
        raise InvalidInput(
            f"the netlist has the ports {', '.join([*design.inputs, *design.outputs])}; give one with "
            f"{', '.join(streams)}, {'clk, ' if clocked else ''}perhaps rst and en, and the outputs "
            f"{', '.join(expected)}"
        )


def _exact(delays: Delays) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Delays in fs, as the simulator takes them from the file that is written in ps with three digits."""
    return {
        (name, source, target): (round(round(rise, 3) * 1000), round(round(fall, 3) * 1000))
        for name, paths in delays.paths.items()
        for (source, target), (rise, fall) in paths.items()
    }


def _measured(design: Netlist, runs: Sequence[tuple[Toggles, Charges]], period: int, words: str) -> Measured:
    own = [n for nets in design.inputs.values() for n in nets]

    def energy(toggles: Toggles, charges: Charges) -> Energy:
        cycle = (toggles.time[~np.isin(toggles.net, own)] - toggles.begin) // period
        counts = np.bincount(cycle, minlength=charges.switching.size)
        return Energy(charges.switching, charges.internal, charges.inputs, charges.leakage, counts)

    with_glitches, zero_delay = (energy(*run) for run in runs)
    charges = runs[0][1]
    columns = (charges.cell_changes, charges.cell_switching, charges.cell_internal, charges.cell_leakage)
    rows = zip(design.instances, *(column.tolist() for column in columns), strict=True)
    return Measured(
        with_glitches=with_glitches,
        zero_delay=zero_delay,
        cells=tuple(CellEnergy(each.given, each.cell, *row) for each, *row in rows),
        unmatched=charges.unmatched / max(int(with_glitches.toggles.sum()), 1),
        conditions=words,
    )


PAIR = (("a", "b"), ("y",))
"""Ports whose names are not part of the cache's key: once there were no others."""


def _key(
    words: str,
    text: str,
    top: str,
    library: Library,
    load_ff: float,
    streams: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    stages: int,
    latencies: Mapping[str, int],
) -> str:
    question: list[Any] = [MEASURE_VERSION, words, repr(load_ff), top, text, library.sha256]
    ports = tuple(streams), tuple(expected)
    if ports != PAIR or set(latencies.values()) != {stages}:
        wide = {name: each.shape[1] for name, each in {**streams, **expected}.items() if each.ndim > 1}
        question.append([ports, [latencies[name] for name in expected], wide])
    digest = hashlib.sha256(json.dumps(question).encode())
    for stream in (*streams.values(), *expected.values()):
        digest.update(np.ascontiguousarray(stream, "<u8").tobytes())
    return digest.hexdigest()
