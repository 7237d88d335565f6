"""One design through the flow: Yosys maps it to a cell library, OpenSTA times it.

The clock period is a constraint on timing and the delay target of the mapper. The default is one that ``exact-trunc``
meets in its library: all are compared at one throughput, and the slack says who misses it. ``abc`` maps for delay and
then resizes: with OSU018 whole multipliers keep their area within 0.3% and their delay within 3% from a target of 1 ps
to 10 ns, with sky130 delay falls by a quarter at the shortest. It also depends on how the same function is written, by
some 5%, so smaller differences between two rows mean nothing.

Inputs arrive at the clock edge from the library's smallest buffer, outputs drive four of its smallest inverters, and
wires have no capacitance unless the library's own wire load is asked for. Power is not estimated here: from assumed
input activity it moves by a third between two netlists of one function. Energy comes from simulated activity.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from golden.cache import cache_path, intact, publish, seal, work_folder, workshop
from golden.errors import AxfpmError, InvalidInput
from golden.files import expand
from golden.leftovers import sweep
from golden.templates import render
from hdl.limits import check_period
from synth import tools
from synth.liberty import Library, LibrarySource, read_liberty
from synth.libraries import recognise

__all__ = [
    "SynthesisResult",
    "check_identifier",
    "run_yosys",
    "synthesise",
]

CLOCK = "clk"
RESULT, NETLIST = "result.json", "netlist.v"
FLOW_VERSION = 2
"""Part of the cache's key: counts changes of what a result holds."""


@dataclass(frozen=True)
class SynthesisResult:
    """What synthesis says of one design, and under which conditions.

    Parameters
    ----------
    top : str
        Name of the module.
    area_um2, sequential_area_um2 : float
        Cell area, and the part of it in flip-flops (um^2; no wiring).
    cells : int
        Number of cells.
    cells_by_type : mapping
        Cell name to count.
    critical_path_ns : float
        The longest path: input to output of a combinational design, else the shortest clock period (setup included).
    slack_ns : float
        Period minus critical path; negative where the constraint is missed.
    critical_start, critical_end : str
        The ports or pins where the longest path starts and ends; empty where no path exists.
    period_ns : float
        The clock constraint, also the mapper's delay target.
    liberty, liberty_sha256, corner : str
        The library's name, its content's digest, and its corner.
    dont_use : tuple of str
        Patterns of cells that were not used.
    wire_loads : bool
        Whether nets have the capacitance of the library's default wire load; none where False.
    yosys, opensta : str
        Versions of the tools.
    netlist : pathlib.Path
        The mapped Verilog.
    cached : bool
        Whether an earlier run's result was returned.
    """

    top: str
    area_um2: float
    sequential_area_um2: float
    cells: int
    cells_by_type: Mapping[str, int]
    critical_path_ns: float
    slack_ns: float
    critical_start: str
    critical_end: str
    period_ns: float
    liberty: str
    liberty_sha256: str
    corner: str
    dont_use: tuple[str, ...]
    wire_loads: bool
    yosys: str
    opensta: str
    netlist: Path
    cached: bool = field(default=False, compare=False)

    @property
    def conditions(self) -> str:
        """What every figure here was obtained with, in one sentence."""
        wires = "the library's own wire load" if self.wire_loads else "no wires"
        known = recognise(self.liberty)
        own = [pattern for pattern in self.dont_use if known is None or pattern not in known.dont_use]
        left_out = f" without {' '.join(own)}" if own else ""
        return (
            f"{self.liberty}{left_out}, corner {self.corner}, clock {self.period_ns:g} ns, pre-layout, {wires}, "
            f"{self.yosys}, {self.opensta}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        own = {"cells_by_type": dict(self.cells_by_type), "dont_use": list(self.dont_use), "netlist": str(self.netlist)}
        return {**vars(self), **own}


def synthesise(
    verilog: str,
    *,
    top: str,
    liberty: LibrarySource = None,
    period_ns: float | None = None,
    work_dir: str | Path | None = None,
    refresh: bool = False,
    timeout_s: float = 900,
) -> SynthesisResult:
    """Map a Verilog design to a cell library; return its area, cells and critical path.

    Results are kept under a digest of the Verilog, the library, the constraints, the flow's scripts and the tools'
    versions; the same question is answered from there.

    Parameters
    ----------
    verilog : str
        The design's text.
    top : str
        Its top module. A port ``clk`` is the clock; without one the clock is virtual and the design combinational.
    liberty : str, path, sequence of paths or Library, optional
        The cell library, as for ``synth.liberty.read_liberty``; the default one where None.
    period_ns : float, optional
        Clock constraint and delay target, ns; the library's ``period_ns`` where None.
    work_dir : path, optional
        Folder for runs and results, instead of the cache.
    refresh : bool
        Synthesise even where a result is kept.
    timeout_s : float
        Limit for each of the two programs, seconds.

    Raises
    ------
    InvalidInput
        If the Verilog or the library cannot be used, the design needs flip-flops that the library lacks, the period is
        not positive, or a program ran past the limit.
    MissingTool
        If Yosys, OpenSTA or the library is not installed.
    """
    check_identifier(top)
    if period_ns is not None:
        period_ns = check_period(period_ns)
    library = read_liberty(liberty)
    period_ns = library.period_ns if period_ns is None else period_ns
    yosys, _ = tools.yosys(), tools.opensta()
    found = tools.versions()
    scripts = _scripts(library, top, period_ns)
    question = {
        "flow": FLOW_VERSION,
        "verilog": verilog,
        "liberty": library.sha256,
        "dont_use": library.dont_use,
        "wire_loads": library.wire_loads,
        "tools": found,
        **scripts,
    }
    key = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]
    root = cache_path("synth") if work_dir is None else expand(work_dir)
    sweep(root)
    known = None if refresh else _load(root / key)
    if known is not None:
        return known
    root = work_folder("synth", work_dir)
    kept = root / key
    with workshop(root, key[:8]) as scratch:
        for name, text in {**scripts, "design.v": verilog}.items():
            (scratch / name).write_text(text)
        library.write(scratch)
        stat = _map(scratch, [*yosys, "-q", "-l", "yosys.log", "-s", "map.ys"], library, timeout_s)
        timing = _time(scratch, timeout_s)
        for file in library.file_names:
            (scratch / file).unlink()
        plain = _combine(stat, timing, top=top, period_ns=period_ns, library=library, found=found)
        (scratch / RESULT).write_text(json.dumps(plain, indent=1))
        seal(scratch, (RESULT, NETLIST), name=kept.name)
        if refresh and kept.exists():
            shutil.rmtree(kept, ignore_errors=True)
        kept = publish(scratch, kept)
    known = _load(kept)
    if known is None:
        raise AxfpmError(f"the synthesis result in {kept} cannot be read back; delete that folder and try again")
    return _with_cached(known, cached=False)


def _scripts(library: Library, top: str, period_ns: float) -> dict[str, str]:
    """The flow's scripts by file name; times in them are ps for Yosys and ns for OpenSTA, loads fF and pF."""
    options = " ".join(f"-liberty {name}" for name in library.file_names)
    around = {"driving_cell": library.driving_cell, "load_ff": library.load_ff}
    mapping = {"top": top, "liberty": options, "has_flip_flops": bool(library.flip_flops)}
    timing = {"top": top, "files": library.file_names, "clock": CLOCK, "period_ns": f"{period_ns:.6g}"}
    return {
        "map.ys": render("synth", "map.ys.j2", target_ps=max(1, round(period_ns * 1000)), **mapping),
        "abc.constr": render("synth", "abc.constr.j2", **around),
        "timing.tcl": render("synth", "timing.tcl.j2", **timing, **around),
    }


def _map(folder: Path, command: list[str], library: Library, timeout_s: float) -> dict[str, Any]:
    try:
        return run_yosys(folder, command, timeout_s)
    except InvalidInput as error:
        if not library.flip_flops and "selection is not empty" in str(error):
            raise InvalidInput(
                f"the design has registers and the library {library.name} no usable flip-flop; give a library with "
                "flip-flops, or a combinational design (stages 0)"
            ) from None
        raise


def check_identifier(name: str) -> None:
    """Raise InvalidInput unless ``name`` is a plain Verilog identifier."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise InvalidInput(f"{name!r} is not a Verilog identifier; use letters, digits and _, not first a digit")


def run_yosys(folder: Path, command: list[str], timeout_s: float) -> dict[str, Any]:
    """Run Yosys in ``folder`` and return its statistics of the flattened design."""
    try:
        status, output = tools.run(command, folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(f"Yosys ran past {timeout_s:g} s; give a smaller design or a larger time limit") from None
    try:
        stat = json.loads((folder / "stat.json").read_text())["design"]
    except (OSError, ValueError, KeyError):
        stat = None
    if status != 0 or stat is None:
        log = folder / "yosys.log"
        said = tools.last_line(output + (log.read_text(errors="replace") if log.exists() else ""))
        raise InvalidInput(f"Yosys could not map this design: {said}")
    return stat


def _time(folder: Path, timeout_s: float) -> dict[str, str]:
    """Run OpenSTA in ``folder`` and return the lines of its report, keyed by their first words."""
    command = [str(tools.opensta()), "-no_init", "-no_splash", "-exit", "timing.tcl"]
    try:
        _, output = tools.run(command, folder=folder, timeout_s=timeout_s)
    except TimeoutError:
        raise InvalidInput(f"OpenSTA ran past {timeout_s:g} s; give a smaller design or a larger time limit") from None
    report = folder / "timing.txt"
    lines = report.read_text().splitlines() if report.exists() else []
    found = {key: value for key, _, value in (line.partition(" ") for line in lines)}
    # Its script goes on after an error, to the end.
    if "complete" not in found or re.search(r"^Error:", output, re.MULTILINE):
        raise InvalidInput(f"OpenSTA could not time the mapped design: {tools.last_line(output)}")
    return found


def _combine(
    stat: dict[str, Any],
    timing: dict[str, str],
    *,
    top: str,
    period_ns: float,
    library: Library,
    found: dict[str, str | None],
) -> dict[str, Any]:
    slack = float(timing.get("slack_ns", period_ns))
    return {
        "top": top,
        "area_um2": float(stat.get("area", 0.0)),
        "sequential_area_um2": float(stat.get("sequential_area", 0.0)),
        "cells": int(stat["num_cells"]),
        "cells_by_type": stat.get("num_cells_by_type", {}),
        "critical_path_ns": period_ns - slack,
        "slack_ns": slack,
        "critical_start": timing.get("start", ""),
        "critical_end": timing.get("end", ""),
        "period_ns": period_ns,
        "liberty": library.name,
        "liberty_sha256": library.sha256,
        "corner": library.corner,
        "dont_use": library.dont_use,
        "wire_loads": library.wire_loads,
        "yosys": found["yosys"],
        "opensta": found["opensta"],
    }


def _load(kept: Path) -> SynthesisResult | None:
    if not intact(kept):
        return None
    try:
        plain = json.loads((kept / RESULT).read_text())
        plain |= {"cells_by_type": MappingProxyType(plain["cells_by_type"]), "dont_use": tuple(plain["dont_use"])}
        return SynthesisResult(**plain, netlist=kept / NETLIST, cached=True)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _with_cached(result: SynthesisResult, *, cached: bool) -> SynthesisResult:
    return SynthesisResult(**{**vars(result), "cached": cached})
