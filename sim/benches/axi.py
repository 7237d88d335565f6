"""cocotb bench of the engine's AXI4-Stream wrapper; ``sim.runner`` prepares and judges it like ``sim.benches.streams``.

Sources and the sink are those of cocotbext-axi, a bus model that others wrote; a watch on every stream counts events
and sees that an offer stands unchanged until it is taken. What the sink received is packed as the engine's own
``results`` payload (words, one keep bit for each, last), so that the same judge holds it against the same expectation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from sim.benches.streams import IDLE_LIMIT, TAIL, Stream
from sim.checker import JOB_FILE, RESULT_FILE, sample, save_result
from sim.streams import EVENTS

__all__ = ["Watch", "check_axi_engine"]

SOURCES = ("command", "activations", "weights", "biases")
WORD_BYTES = 4


class Watch(Stream):
    """Looks at a stream in the middle of every cycle, when its ports are settled."""

    def __init__(self, dut: Any, prefix: str, name: str, pace: np.ndarray) -> None:
        # Not the constructor above: it looks for other port names.
        self.name, self.pace = name, pace.tolist()
        self.events, self.when, self.stalled = dict.fromkeys(EVENTS, 0), [], 0
        self.valid, self.ready = (getattr(dut, f"{prefix}_{part}") for part in ("tvalid", "tready"))
        tags = ("tkeep", "tlast") if name == "results" else ()
        self.payload_ports = [getattr(dut, f"{prefix}_{part}") for part in ("tdata", *tags)]
        self.held: list[int | str] | None = None

    def pauses(self) -> Iterator[bool]:
        """Whether to pause, for cocotbext-axi's pause generators: the pace again and again."""
        while True:
            yield from (not moves for moves in self.pace)

    def watch(self, cycle: int, violations: list[str]) -> bool:
        """Look at the settled ports; return whether a beat passes."""
        valid, ready = sample(self.valid), sample(self.ready)
        payload = [sample(port) for port in self.payload_ports] if valid == 1 else None
        if isinstance(valid, str) or isinstance(ready, str):
            violations.append(f"{self.name}: tvalid or tready is undefined in cycle {cycle}")
        if payload is not None and any(isinstance(part, str) for part in payload):
            violations.append(f"{self.name}: the payload has undefined bits in cycle {cycle}")
        if self.held is not None and payload != self.held:
            what = "tvalid fell" if payload is None else "the payload changed"
            violations.append(f"{self.name}: {what} in cycle {cycle}, before the beat was taken")
        passes = self.count(cycle, valid == 1, ready == 1)
        self.held = None if passes else payload
        return passes


def _received(sink: AxiStreamSink, violations: list[str]) -> list[str]:
    """Beats of all whole frames as the engine's payload, in hexadecimal."""
    beats = []
    size = sink.byte_lanes
    columns = size // WORD_BYTES
    while not sink.empty():
        frame = sink.recv_nowait(compact=False)
        for at in range(0, len(frame.tdata), size):
            payload = int.from_bytes(frame.tdata[at : at + size], "little")
            lanes = frame.tkeep[at : at + size]
            for c in range(columns):
                word = lanes[c * WORD_BYTES : (c + 1) * WORD_BYTES]
                if len(set(word)) != 1:
                    violations.append(f"results, beat {len(beats)}: tkeep splits word {c}")
                payload |= word[0] << (8 * size + c)
            payload |= (at + size == len(frame.tdata)) << (8 * size + columns)
            beats.append(f"{payload:x}")
    return beats


@cocotb.test()
async def check_axi_engine(dut: Any) -> None:
    """Send every beat through cocotbext-axi's sources, with pauses on every stream, and receive what comes out."""
    job = np.load(JOB_FILE)
    start = time.perf_counter()
    wanted = int(job["wanted"][0])
    watches = {name: Watch(dut, f"s_axis_{name}", name, job[f"pace_{name}"]) for name in SOURCES}
    watches["results"] = results = Watch(dut, "m_axis_results", "results", job["pace_results"])
    strobe, outputs = getattr(dut, str(job["strobe"])), [getattr(dut, name) for name in job["record"].tolist()]
    falling = FallingEdge(dut.clk)
    for name in SOURCES:
        getattr(dut, f"s_axis_{name}_tvalid").value = 0
    dut.m_axis_results_tready.value = 0
    Clock(dut.clk, 2, "step").start(start_high=False)
    dut.rst.value = 1
    for _ in range(3):
        await falling
    dut.rst.value = 0

    counts = {}
    for name in SOURCES:
        source = AxiStreamSource(AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), dut.clk)
        source.log.setLevel(logging.WARNING)
        source.set_pause_generator(watches[name].pauses())
        rows = job[f"source_{name}"].copy()
        counts[name] = len(rows)
        if name == "command":
            rows[:, 6:] = 0xA5  # the top 16 bits say nothing
        assert rows.shape[1] == source.byte_lanes
        source.send_nowait(rows.tobytes())
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_results"), dut.clk)
    sink.log.setLevel(logging.WARNING)
    sink.set_pause_generator(results.pauses())

    recorded: list[list[int | str]] = []
    violations: list[str] = []
    cycle = idle = tail = 0
    while tail < TAIL and idle < IDLE_LIMIT:
        await falling
        passed = [watch.watch(cycle, violations) for watch in watches.values()]
        if sample(strobe) == 1:
            recorded.append([sample(port) for port in outputs])
        idle = 0 if any(passed) else idle + 1
        complete = len(results.when) >= wanted and all(len(watches[name].when) == n for name, n in counts.items())
        tail = tail + 1 if complete else 0
        cycle += 1
    got = {
        "beats": {"results": _received(sink, violations)},
        "when": {name: watch.when for name, watch in watches.items()},
        "events": {name: watch.events for name, watch in watches.items()},
        "violations": violations[:100],
        "recorded": recorded,
    }
    save_result(Path(RESULT_FILE), got, time.perf_counter() - start)
