"""cocotb bench of a block with streams: drivers offer, monitors watch; ``sim.runner`` prepares and judges it.

``job.npz`` holds for each source ``source_NAME`` (beats) and for each stream ``pace_NAME``; ``sinks`` with the number
of beats that each is to give (``wanted``), ``strobe`` and ``record``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from sim.checker import JOB_FILE, RESULT_FILE, sample, save_result
from sim.streams import EVENTS

__all__ = ["Driver", "Monitor", "Stream", "check_streams"]

IDLE_LIMIT = 3000
"""A run ends after this many cycles without a beat on any stream."""

TAIL = 64
"""Cycles after the last wanted beat, in which one too many would show."""


class Stream:
    """A stream's ports, and the events on it."""

    def __init__(self, dut: Any, name: str, pace: np.ndarray) -> None:
        self.name = name
        self.payload, self.valid, self.ready = (
            getattr(dut, f"{name}__{part}") for part in ("payload", "valid", "ready")
        )
        self.pace = pace.tolist()
        self.events = dict.fromkeys(EVENTS, 0)
        self.when: list[int] = []
        self.stalled = 0

    def count(self, cycle: int, valid: bool, ready: bool) -> bool:
        """Count what this cycle is; return whether a beat passes."""
        self.events["idle cycles"] += not valid
        if valid and ready:
            self.events["back-to-back beats"] += bool(self.when) and self.when[-1] == cycle - 1
            self.events["beats after a stall"] += self.stalled > 0
            self.when.append(cycle)
        self.stalled = self.stalled + 1 if valid and not ready else 0
        self.events["stalls"] += self.stalled > 0
        self.events["stalls of more than 8 cycles"] += self.stalled == 9
        return valid and ready


class Driver(Stream):
    """Offers beats at its pace; an offer stands until it is taken. Between offers the payload is noise."""

    def __init__(self, dut: Any, name: str, pace: np.ndarray, rows: np.ndarray) -> None:
        super().__init__(dut, name, pace)
        self.beats = [int.from_bytes(row.tobytes(), "little") for row in rows]
        self.next, self.offering, self.shown = 0, False, -1
        self.ones = (1 << len(self.payload)) - 1
        self.valid.value = 0

    def drive(self, cycle: int) -> None:
        """Set valid and payload for a cycle."""
        if not self.offering and self.next < len(self.beats) and self.pace[cycle % len(self.pace)]:
            self.offering = True
        if self.shown != self.next:
            last = self.beats[max(self.next - 1, 0)] if self.beats else 0
            self.payload.value = self.beats[self.next] if self.offering else ~last & self.ones
            self.valid.value = self.offering
            self.shown = self.next if self.offering else -1

    def watch(self, cycle: int, violations: list[str]) -> bool:
        """Look at the settled ports; return whether a beat passes."""
        ready = sample(self.ready)
        if isinstance(ready, str):
            violations.append(f"{self.name}: ready is undefined in cycle {cycle}")
        if self.count(cycle, self.offering, ready == 1):
            self.next, self.offering = self.next + 1, False
            return True
        return False


class Monitor(Stream):
    """Takes beats at its pace, and sees that an offer stands unchanged until it is taken."""

    def __init__(self, dut: Any, name: str, pace: np.ndarray) -> None:
        super().__init__(dut, name, pace)
        self.beats: list[int | str] = []
        self.held: int | str | None = None
        self.taking = -1

    def drive(self, cycle: int) -> None:
        """Set ready for a cycle."""
        taking = self.pace[cycle % len(self.pace)]
        if taking != self.taking:
            self.ready.value = self.taking = taking

    def watch(self, cycle: int, violations: list[str]) -> bool:
        """Look at the settled ports; return whether a beat passes."""
        valid = sample(self.valid)
        payload = sample(self.payload) if valid == 1 else None
        if isinstance(valid, str):
            violations.append(f"{self.name}: valid is undefined in cycle {cycle}")
        if isinstance(payload, str):
            violations.append(f"{self.name}: the payload has undefined bits in cycle {cycle}")
        if self.held is not None and payload != self.held:
            what = "valid fell" if payload is None else "the payload changed"
            violations.append(f"{self.name}: {what} in cycle {cycle}, before the beat was taken")
        passes = self.count(cycle, valid == 1, self.taking == 1)
        self.held = None if passes else payload
        if passes and payload is not None:
            self.beats.append(payload)
        return passes


@cocotb.test()
async def check_streams(dut: Any) -> None:
    """Drive and watch every stream until all beats have come, or nothing moves any more."""
    job = np.load(JOB_FILE)
    start = time.perf_counter()
    names = [name.removeprefix("source_") for name in job.files if name.startswith("source_")]
    drivers = [Driver(dut, name, job[f"pace_{name}"], job[f"source_{name}"]) for name in names]
    sinks, wanted = job["sinks"].tolist(), job["wanted"].tolist()
    monitors = [Monitor(dut, name, job[f"pace_{name}"]) for name in sinks]
    strobe = getattr(dut, str(job["strobe"])) if str(job["strobe"]) else None
    outputs = [getattr(dut, name) for name in job["record"].tolist()]
    recorded: list[list[int | str]] = []
    violations: list[str] = []
    falling, settled = FallingEdge(dut.clk), ReadOnly()
    Clock(dut.clk, 2, "step").start(start_high=False)
    dut.rst.value = 1
    for _ in range(3):
        await falling
    dut.rst.value = 0
    cycle = idle = tail = 0
    while tail < TAIL and idle < IDLE_LIMIT:
        for stream in (*drivers, *monitors):
            stream.drive(cycle)
        await settled
        passed = [stream.watch(cycle, violations) for stream in (*drivers, *monitors)]
        if strobe is not None and sample(strobe) == 1:
            recorded.append([sample(port) for port in outputs])
        idle = 0 if any(passed) else idle + 1
        complete = all(len(m.beats) >= n for m, n in zip(monitors, wanted, strict=True))
        tail = tail + 1 if complete and all(d.next == len(d.beats) for d in drivers) else 0
        cycle += 1
        await falling
    streams = (*drivers, *monitors)
    got = {
        "beats": {m.name: [f"{beat:x}" if isinstance(beat, int) else beat for beat in m.beats] for m in monitors},
        "when": {s.name: s.when for s in streams},
        "events": {s.name: s.events for s in streams},
        "violations": violations[:100],
        "recorded": recorded,
    }
    save_result(Path(RESULT_FILE), got, time.perf_counter() - start)
