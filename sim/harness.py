"""The compiled harness for streams: what ``sim.benches.streams`` does, some hundred times faster, on Verilator only."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np

from golden.cache import work_folder, workshop
from golden.templates import render
from sim.build import SimulationError
from sim.compiled import program
from sim.streams import EVENTS, Seen, StreamJob, stride_of
from sim.tools import find

__all__ = ["run_streams"]


def run_streams(verilog: str, job: StreamJob, *, top: str, build_dir: Path | str | None = None) -> Seen:
    """Run a job on a design in Verilator.

    Parameters
    ----------
    verilog : str
        The whole design.
    job : StreamJob
        What goes in, how many beats are to come out, and when.
    top : str
        The top module.
    build_dir : path, optional
        Where the simulator is built and kept; by default a folder of the cache.

    Raises
    ------
    MissingTool
        If Verilator is not installed.
    SimulationError
        If the design does not compile or run.
    """
    tool = find("verilator")
    folder = work_folder("sim", build_dir)
    main = render(
        "sim",
        "streams.cpp.j2",
        sources=[(name, stride_of(source.bits)) for name, source in job.sources.items()],
        sinks=[(name, stride_of(wanted.bits)) for name, wanted in job.sinks.items()],
        streams=[*job.sources, *job.sinks],
        strobe=job.strobe,
        record=job.record,
    )
    # Elements are compiled once; copied into one function for each of them, 64 would take minutes.
    apart = [f"{top}_pe"] if f"module {top}_pe(" in verilog else []
    runnable = program(verilog, main, top=top, tool=tool, folder=folder, apart=apart)
    with workshop(folder, "run") as place:
        for name, source in job.sources.items():
            source.beats.tofile(place / f"{name}.in")
        for name, levels in job.pace.items():
            levels.astype(np.uint8).tofile(place / f"{name}.pace")
        np.array([len(wanted.beats) for wanted in job.sinks.values()], np.int64).tofile(place / "wanted")
        start = time.perf_counter()
        done = subprocess.run([str(runnable), str(place)], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise SimulationError(f"the simulation of {top} broke off (exit code {done.returncode}): {done.stderr}")
        names = (*job.sources, *job.sinks)
        rows = {
            name: np.fromfile(place / f"{name}.out", np.uint8).reshape(-1, stride_of(wanted.bits))
            for name, wanted in job.sinks.items()
        }
        violations = []
        for name in job.sinks:
            count, first = np.fromfile(place / f"{name}.breaches", np.int64).tolist()
            if count:
                violations.append(
                    f"{name}: an offer changed before it was taken, {count} times, first in cycle {first}"
                )
        recorded = np.fromfile(place / "recorded", np.int64).reshape(-1, max(len(job.record), 1))
        return Seen(
            beats=rows,
            when={name: np.fromfile(place / f"{name}.when", np.int64) for name in names},
            events={
                name: dict(zip(EVENTS, np.fromfile(place / f"{name}.events", np.int64).tolist(), strict=True))
                for name in names
            },
            violations=violations,
            recorded=recorded,
            seconds=seconds,
        )
