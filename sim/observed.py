"""Streams in Amaranth's own simulator: for short runs to look at. It needs no compiler and sees every signal inside.

The third way to run a ``StreamJob``, beside cocotb's (``sim.benches.streams``) and the compiled one (``sim.harness``):
the component itself runs, not its Verilog, some thousand times slower than compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.errors import InvalidInput, MissingTool
from sim.streams import EVENTS, Seen, StreamJob, stride_of

__all__ = ["LONGEST", "Run", "observe"]

LONGEST = 2000
"""Most cycles of a run, which is to be looked at."""


@dataclass(frozen=True)
class Run:
    """What was seen in every cycle, from the first one after reset.

    Parameters
    ----------
    levels : dict of str to tuple of int
        Values by signal, one for each cycle: of each stream ``NAME__valid``, ``NAME__ready`` and ``NAME__payload``, of
        the job's strobe and record, and of what else was watched.
    cycles : int
        How many.
    job : StreamJob
        What was run.
    """

    levels: dict[str, tuple[int, ...]]
    cycles: int
    job: StreamJob

    def passes(self, stream: str) -> list[int]:
        """The cycles in which a beat of a stream passes: valid and ready are both 1."""
        valid, ready = (self.levels[f"{stream}__{part}"] for part in ("valid", "ready"))
        return [cycle for cycle in range(self.cycles) if valid[cycle] and ready[cycle]]

    def seen(self) -> Seen:
        """The same as a harness reports it, for ``sim.streams.judge``."""
        job = self.job
        names = (*job.sources, *job.sinks)
        rows = {}
        for name, wanted in job.sinks.items():
            payload, stride = self.levels[f"{name}__payload"], stride_of(wanted.bits)
            flat = b"".join(payload[cycle].to_bytes(stride, "little") for cycle in self.passes(name))
            rows[name] = np.frombuffer(flat, np.uint8).reshape(-1, stride)
        strobes = [c for c in range(self.cycles) if job.strobe and self.levels[job.strobe][c]]
        recorded = np.array([[self.levels[name][c] for name in job.record] for c in strobes], np.int64)
        return Seen(
            beats=rows,
            when={name: np.array(self.passes(name), np.int64) for name in names},
            events={name: self._events(name) for name in names},
            violations=[text for name in job.sinks for text in self._violations(name)],
            recorded=recorded.reshape(len(strobes), len(job.record)),
        )

    def _events(self, name: str) -> dict[str, int]:
        valid, ready = (np.array(self.levels[f"{name}__{part}"], bool) for part in ("valid", "ready"))
        passes, stall = valid & ready, valid & ~ready
        run = np.zeros(self.cycles + 1, np.int64)
        for cycle in range(self.cycles):
            run[cycle + 1] = run[cycle] + 1 if stall[cycle] else 0
        after = passes & (run[:-1] > 0)
        counts = (passes[1:] & passes[:-1], ~valid, stall, run == 9, after)
        return dict(zip(EVENTS, (int(np.count_nonzero(hits)) for hits in counts), strict=True))

    def _violations(self, name: str) -> list[str]:
        valid, ready, payload = (self.levels[f"{name}__{part}"] for part in ("valid", "ready", "payload"))
        held = [c for c in range(1, self.cycles) if valid[c - 1] and not ready[c - 1]]
        return [
            f"{name}: an offer changed in cycle {c}, before the beat was taken"
            for c in held
            if not valid[c] or payload[c] != payload[c - 1]
        ]


def observe(component: Any, job: StreamJob, watch: Callable[[], Mapping[str, Any]] = dict) -> Run:
    """Run a job on a component and note every cycle, until all beats have come.

    Parameters
    ----------
    component : wiring.Component
        With the job's ports.
    job : StreamJob
        What goes in, how many beats are to come out, and when.
    watch : callable, optional
        ``watch() -> {name: Value}``: further signals, asked for once the component is elaborated.

    Raises
    ------
    MissingTool
        If Amaranth is not installed.
    InvalidInput
        If the run is longer than ``LONGEST``.
    """
    try:
        from amaranth.hdl import Value
        from amaranth.sim import Simulator
    except ImportError as error:
        raise MissingTool(f"{error.name} is not installed: run `pip install 'axfpm[hardware]'`") from None
    simulator = Simulator(component)
    simulator.add_clock(1e-9)
    ports: dict[str, Any] = {}
    for name in (*job.sources, *job.sinks):
        stream = getattr(component, name)
        ports |= {f"{name}__{part}": Value.cast(getattr(stream, part)) for part in ("valid", "ready", "payload")}
    ports |= {name: getattr(component, name) for name in (*job.record, *filter(None, (job.strobe,)))}
    ports |= {name: Value.cast(signal) for name, signal in watch().items()}
    levels: dict[str, list[int]] = {name: [] for name in ports}

    async def bench(ctx: Any) -> None:
        offers = {name: _numbers(source.beats) for name, source in job.sources.items()}
        taken, given = dict.fromkeys(offers, 0), dict.fromkeys(job.sinks, 0)
        offering = dict.fromkeys(offers, False)
        cycle = 0
        while any(taken[name] < len(offers[name]) for name in offers) or any(
            given[name] < len(wanted.beats) for name, wanted in job.sinks.items()
        ):
            if cycle == LONGEST:
                raise InvalidInput(f"the run is longer than {LONGEST} cycles; ask for fewer vectors or smaller sizes")
            for name, beats in offers.items():
                pace = job.pace[name]
                if not offering[name] and taken[name] < len(beats) and pace[cycle % len(pace)]:
                    offering[name] = True
                    ctx.set(ports[f"{name}__payload"], beats[taken[name]])
                ctx.set(ports[f"{name}__valid"], int(offering[name]))
            for name in job.sinks:
                ctx.set(ports[f"{name}__ready"], int(job.pace[name][cycle % len(job.pace[name])]))
            for name, signal in ports.items():
                levels[name].append(ctx.get(signal))
            for name in (*offers, *job.sinks):
                if levels[f"{name}__valid"][-1] and levels[f"{name}__ready"][-1]:
                    if name in offers:
                        taken[name], offering[name] = taken[name] + 1, False
                    else:
                        given[name] += 1
            await ctx.tick()
            cycle += 1
        # One cycle more, in which what a last beat leaves behind is seen.
        for name in (*offers, *job.sinks):
            ctx.set(ports[f"{name}__{'valid' if name in offers else 'ready'}"], 0)
        for name, signal in ports.items():
            levels[name].append(ctx.get(signal))

    simulator.add_testbench(bench)
    simulator.run()
    found = {name: tuple(values) for name, values in levels.items()}
    return Run(found, len(next(iter(found.values()))), job)


def _numbers(rows: np.ndarray) -> list[int]:
    """Beats as whole numbers."""
    return [int.from_bytes(row.tobytes(), "little") for row in rows]
