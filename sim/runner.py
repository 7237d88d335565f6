"""Running a bench: golden expectations first, then the generated Verilog in a simulator, then the comparison."""

from __future__ import annotations

import contextlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from golden.cache import publish, work_folder
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.errors import InvalidInput, MissingTool
from golden.registry import Registry, check_choice
from hdl.limits import check_adder_stages
from sim.array import ARRAY
from sim.build import Build, SimulationError, build, log_tail, plain_workshop, without_pytest
from sim.checker import JOB_FILE, RESULT_FILE, load_result
from sim.engine import ENGINE
from sim.job import Bench, Job, Setting
from sim.limits import check_simulated, check_vectors
from sim.operands import ADDER, MAC, MULTIPLIER, SIGNIFICAND
from sim.pe import PE
from sim.report import SimReport
from sim.streams import PACES
from sim.tools import Simulator, find, is_its_own

__all__ = ["BENCHES", "run"]


LOG = "simulation.log"

BENCHES: Registry[Bench] = Registry(
    "bench",
    {
        "multiplier": MULTIPLIER,
        "significand": SIGNIFICAND,
        "adder": ADDER,
        "mac": MAC,
        "pe": PE,
        "array": ARRAY,
        "engine": ENGINE,
    },
    said="no bench for block",
)
"""Benches by the block they check."""


def run(
    block: str = "multiplier",
    *,
    multiplier: str | Multiplier = "ax-fpm",
    simulator: str = "verilator",
    vectors: int = 20_000,
    seed: int = 0,
    stages: int = 0,
    pace: str | None = None,
    waves: bool = False,
    build_dir: Path | str | None = None,
    verilog: str | None = None,
    bench: Bench | None = None,
    **shape: int,
) -> SimReport:
    """Hold a block's Verilog against the golden model in a simulator.

    Parameters
    ----------
    block : str
        A name in ``BENCHES``.
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier; an adder takes the format of its words.
    simulator : str
        ``icarus`` or ``verilator``.
    vectors : int
        Operand pairs: directed ones fill up to half, seeded random ones the rest.
    seed : int
        Decides pairs, stalls and resets.
    stages : int
        Pipeline stages; 0 is combinational.
    pace : str, optional
        How often beats are offered and taken on the streams of an array or engine, a name in ``sim.streams.PACES``:
        ``mixed`` by default; ``always`` shows the throughput that the block allows.
    waves : bool
        Record waveforms; the report says where.
    build_dir : path, optional
        Where simulators are built and kept; by default a folder of the cache.
    verilog : str, optional
        Simulate this text (top module named as the block) in place of the generated design: a hand-edited one, or a
        netlist.
    bench : Bench, optional
        Another bench for the block than the one in ``BENCHES``, as ``sim.axi.AXI_ENGINE``.
    **shape : int
        What the block has beside multiplier and stages: ``rows`` and ``columns`` of an array or engine.

    Returns
    -------
    SimReport
        What was checked and what differed.

    Raises
    ------
    InvalidInput
        If the block, multiplier or simulator is unknown, a number is out of range, or the folder cannot be written.
    MissingTool
        If the simulator, cocotb or Amaranth is not installed.
    SimulationError
        If the design does not compile, or the simulation breaks off.
    """
    usual = BENCHES.look_up(block)
    bench = bench or usual
    for key, value in sorted(shape.items()):
        check_choice(f"the block {block!r} has no parameter", key, ("multiplier", "stages", *bench.shape))
        check_count(key, value)
    full = {**bench.shape, **shape}
    if "rows" in full:
        check_simulated(full["rows"], full["columns"], stages, full["adder_stages"] or None)
    else:
        check_adder_stages(stages, full.get("adder_stages") or None)
    if pace is not None:
        check_choice("unknown pace", pace, PACES)
        if not bench.streams:
            raise InvalidInput(f"the block {block!r} has no streams, and so no pace; leave it out")
    check_vectors(vectors, rows=full.get("rows", 1), columns=full.get("columns", 1))
    check_seed(seed)
    m = look_up(multiplier)
    tool = find(simulator)
    setting = Setting(m, vectors, seed, stages, full, pace or "mixed")
    job = bench.prepare(setting)
    folder = work_folder("sim", build_dir)
    text = _generate(block, bench.parameters(setting)) if verilog is None else verilog
    built = build(text, top=block, ports=bench.ports(setting), simulator=tool, waves=waves, folder=folder)

    with plain_workshop(folder, f"run-{block}") as place:
        try:
            got, seconds = _simulate(bench, block, job, tool, built, place, waves)
        except _BrokeOff as error:
            log = _keep(place, folder, block) / LOG
            raise SimulationError(f"{error}; {log} ends:\n{log_tail(log)}") from None
        comparison = job.judge(got)
        recorded = [name for name in ("dump.vcd", f"{block}.fst") if waves and (place / name).is_file()]
        kept = _keep(place, folder, block) if comparison.failures or recorded else None
    return SimReport(
        block=block,
        multiplier=str(m),
        stages=stages,
        simulator=tool.name,
        version=tool.version,
        vectors=vectors,
        seed=seed,
        checks=comparison.checks,
        failures=comparison.failures,
        mismatches=comparison.mismatches,
        kinds=job.kinds,
        corners=job.corners | comparison.events,
        seconds=seconds,
        build_seconds=built.seconds,
        log=kept and kept / LOG,
        waves=kept / recorded[0] if kept and recorded else None,
        throughput=comparison.throughput,
    )


class _BrokeOff(Exception):
    """A simulation that wrote no result."""


def _keep(place: Path, folder: Path, block: str) -> Path:
    """Move the folder of a run to a name that stays, for its log and waveforms."""
    return publish(place, folder / f"run-{block}-{secrets.token_hex(4)}")


def _generate(block: str, parameters: dict[str, Any]) -> str:
    try:
        from hdl.verilog import generate
    except ImportError as error:
        raise MissingTool(f"{error.name} is not installed: run `pip install 'axfpm[hardware]'`") from None
    return generate(block, **parameters)


def _simulate(
    bench: Bench, top: str, job: Job, tool: Simulator, built: Build, place: Path, waves: bool
) -> tuple[Any, float]:
    from cocotb_tools.runner import get_runner

    np.savez(place / JOB_FILE, allow_pickle=False, **job.arrays)
    result = place / RESULT_FILE
    ended = "it wrote no result"
    try:
        with tool.activated(), without_pytest(), _importable():
            get_runner(tool.name).test(
                test_module=bench.module,
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                build_dir=built.folder,
                test_dir=place,
                results_xml=str(place / "results.xml"),
                plusargs=[f"+dumpfile_path={place / top}.fst"] if waves and tool.name == "icarus" else [],
                waves=waves,
                log_file=place / LOG,
            )
    except (RuntimeError, SystemExit) as error:
        if not is_its_own(error):
            raise
        ended = str(error)
    if not result.is_file():
        raise _BrokeOff(f"the {top} bench broke off in {tool.name} ({ended})")
    return load_result(result)


@contextlib.contextmanager
def _importable() -> Iterator[None]:
    """Let the simulator's Python, which takes this one's path but works elsewhere, import these packages."""
    root = str(Path(__file__).resolve().parent.parent)
    sys.path.append(root)
    try:
        yield
    finally:
        sys.path.remove(root)
