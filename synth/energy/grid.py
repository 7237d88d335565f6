"""Every netlist variant of every design, mapped and measured: a grid, some places of it at once.

All are mapped and proved first, which says whether they meet the clock, and then measured. Each place stands alone and
is kept when it is done, so that what was interrupted goes on, and what is asked again is answered at once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from golden.errors import InvalidInput
from golden.progress import Progress
from synth.energy.blocks import BLOCKS, Build
from synth.energy.kept import kept_verilog
from synth.energy.measure import measure
from synth.energy.rows import Design, Run
from synth.energy.stimulus import Operands
from synth.energy.variants import map_variant
from synth.flow import SynthesisResult
from synth.liberty import Library

__all__ = ["Task", "run"]

T = TypeVar("T")
Place = tuple[Design, int]
"""A design and which of its netlists."""

STEP_NS = 0.01
"""Fastest clocks are multiples of it."""


@dataclass(frozen=True)
class Task:
    """What is done at each place of the grid.

    Parameters
    ----------
    block : str
        The circuit, a name in ``BLOCKS``.
    stages, adder_stages : int, int or None
        Its pipeline stages, as in ``synth.energy.blocks.Build``.
    library : Library
        What it is mapped to.
    period_ns : float
        The mapper's delay target, and the common clock where all netlists meet it.
    operands : callable
        ``operands(n, batch) -> Operands``: a stream of so many, the same one for each design.
    each : int
        How many operations are measured of each netlist.
    """

    block: str
    stages: int
    adder_stages: int | None
    library: Library
    period_ns: float
    operands: Callable[[int, int], Operands]
    each: int
    python: threading.Lock = field(default_factory=threading.Lock)
    """Held while hardware is elaborated and operands are drawn: Python that shares state."""
    texts: dict[Design, str] = field(default_factory=dict)
    """Verilog by design, which takes seconds to write."""

    def build(self, design: Design) -> Build:
        """Return what the block is built for."""
        return Build(design.multiplier, design.tree, self.stages, self.adder_stages)

    @property
    def clocked(self) -> bool:
        """Whether the block has registers."""
        return BLOCKS[self.block].latency(self.build(Design("exact"))) > 0

    def verilog(self, design: Design) -> str:
        """Write a design, once."""
        with self.python:
            if design not in self.texts:
                parameters = BLOCKS[self.block].parameters(self.build(design))
                self.texts[design] = kept_verilog(self.block, **parameters)
            return self.texts[design]

    def mapped(self, design: Design, variant: int, period_ns: float) -> SynthesisResult:
        """Map and prove one variant of a design."""
        text = self.verilog(design)
        return map_variant(text, variant, top=self.block, library=self.library, period_ns=period_ns)

    def fastest(self, design: Design, variant: int) -> SynthesisResult:
        """Map one variant for the shortest period of the design's first netlist."""
        first = self.mapped(design, 0, self.period_ns)
        return self.mapped(design, variant, _up(first.critical_path_ns, STEP_NS))

    def operands_of(self, design: Design, n: int, batch: int) -> Operands:
        """Return a stream for a design: the same one for each."""
        return self.operands(n, batch)

    def measured(self, design: Design, variant: int, netlist: SynthesisResult, period_ns: float) -> Run:
        """Measure one netlist on its batch of operands."""
        block, build = BLOCKS[self.block], self.build(design)
        latency = block.latency(build)
        with self.python:
            lead = 1 + latency  # those that only set the state
            streams = block.streams(self.operands_of(design, self.each + lead, variant), build)
        result = measure(
            netlist.netlist,
            top=self.block,
            library=self.library,
            streams=streams.inputs,
            expected=streams.expected,
            latencies=streams.latencies,
            stages=latency,
            period_ns=period_ns,
        )
        return Run(netlist.area_um2, netlist.critical_path_ns, period_ns, result)


def _up(value: float, step: float) -> float:
    """The next multiple of a step; periods are whole picoseconds."""
    return round(math.ceil(round(value / step, 9)) * step, 6)


def _common_period(netlists: Iterable[tuple[Place, SynthesisResult]], period_ns: float, *, asked: bool) -> float:
    """The clock that every netlist meets: the one given, or where none was asked for longer by quarters of it.

    Raises
    ------
    InvalidInput
        If the period was asked for and a netlist misses it.
    """
    (design, _), slowest = max(netlists, key=lambda each: each[1].critical_path_ns)
    path = slowest.critical_path_ns
    if path <= period_ns:
        return period_ns
    if asked:
        raise InvalidInput(
            f"{design.name} takes {path:.3f} ns and the clock is {period_ns:g} ns; give a longer period, more stages, "
            "or ask for the fastest clock"
        )
    return _up(path, period_ns / 4)


def _everywhere(
    grid: Sequence[Place], jobs: int, work: Callable[[Place], T], progress: Callable[[Place], None]
) -> dict[Place, T]:
    """Do a piece of work at every place of the grid, some at once; the first error ends it."""
    lock = threading.Lock()

    def one(place: Place) -> T:
        done = work(place)
        with lock:
            progress(place)
        return done

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = {place: pool.submit(one, place) for place in grid}
        try:
            return {place: future.result() for place, future in futures.items()}
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def run(
    task: Task,
    designs: Sequence[Design],
    variants: int,
    *,
    jobs: int,
    fastest: bool,
    asked: bool,
    progress: Progress | None,
) -> tuple[dict[Design, list[Run]], str]:
    """Map every variant of every design, then measure each.

    Parameters
    ----------
    task : Task
        What is done with each.
    designs : sequence of Design
        What is built.
    variants : int
        How many netlists of each.
    jobs : int
        How many are in work at once.
    fastest : bool
        Clock each netlist at its own shortest period.
    asked : bool
        Whether the task's period was asked for, so that no other will do.
    progress : callable, optional
        ``progress(done, total, message)``, by one thread at a time.

    Returns
    -------
    runs : dict of Design to list of Run
        In the order of the variants.
    clock : str
        The clock in words.

    Raises
    ------
    InvalidInput
        If a netlist misses the period that was asked for; and as ``map_variant`` and ``measure`` do.
    """
    grid = [(design, variant) for variant in range(variants) for design in designs]
    done = 0

    def say(what: str) -> Callable[[Place], None]:
        def tell(place: Place) -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, 2 * len(grid), f"{what} {place[0].name}, netlist {place[1] + 1} of {variants}")

        return tell

    def to_netlist(place: Place) -> SynthesisResult:
        return task.fastest(*place) if fastest else task.mapped(*place, task.period_ns)

    netlists = _everywhere(grid, jobs, to_netlist, say("mapped"))
    period = task.period_ns if fastest else _common_period(netlists.items(), task.period_ns, asked=asked)

    def to_run(place: Place) -> Run:
        own = _up(netlists[place].critical_path_ns, STEP_NS) if fastest else period
        return task.measured(*place, netlists[place], own)

    runs = _everywhere(grid, jobs, to_run, say("measured"))
    stretched = f", the library's {task.period_ns:g} ns and as many quarters of it as the slowest netlist needs"
    clock = "each design's shortest clock period" if fastest else f"clock {period:g} ns"
    clock += stretched if period != task.period_ns else ""
    clock += ", its pins counted and its tree not" if task.clocked else ""
    return {design: [runs[design, variant] for variant in range(variants)] for design in designs}, clock
