"""``axfpm.energy``: several multipliers beside exact ones, each as several netlists, on the same operands.

The work is a grid of designs and netlist variants. Each place of it (map, prove, measure) stands alone and is kept when
it is done, so that what was interrupted goes on and what is asked again is answered at once. Variant ``v`` of every
design is measured on batch ``v`` of the operands, so that ratios compare like with like.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count
from golden.errors import InvalidInput
from golden.multiply import multiply_words, require_float32_words
from golden.progress import Progress
from golden.registry import check_choice
from hdl.compressor import OPERATOR
from hdl.limits import check_period, check_stages
from synth import tools
from synth.energy import bench
from synth.energy.cells import CellLibrary
from synth.energy.measure import measure
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, Run, make_rows
from synth.energy.stimulus import draw
from synth.energy.variants import map_variant
from synth.liberty import Library, read_liberty

__all__ = ["BASELINES", "BLOCKS", "CONTROLS", "DEFAULT_NAMES", "FULL_NAMES", "PAIRS", "VARIANTS", "energy"]

BLOCKS = ("multiplier",)
PAIRS, VARIANTS = 2000, 5
BASELINES = ("exact", "exact-trunc", "e8m2")
"""IEEE 754, the same rounding as ``ax-fpm``, and a narrow exact multiplier that errs less than it."""
DEFAULT_NAMES = ("bf16", "e8m3", "e8m1", "mitchell", "ax-fpm")
FULL_NAMES = (
    *("bf16", "bf16-trunc", "e8m1", *(f"e8m{bits}" for bits in range(3, 11)), "mitchell"),
    *("ax-fpm", "ax-fpm-widen", "ax-fpm-wrap", "ax-bf16", "ax-array"),
    *(f"ax-fpm:block={width}" for width in (2, 3, 6, 8, 12)),
    *(f"ax-fpm:cell=AMA{cell}" for cell in range(1, 5)),
)
CONTROLS = (Design("exact-trunc", OPERATOR, baseline=True),)
"""Baselines that no name stands for: the exact product left to the synthesiser's own multiplier."""
FEWEST_PAIRS = 10
MAX_JOBS = 64
STEP_NS = 0.01
"""Fastest clocks are multiples of it."""


def energy(
    block: str = "multiplier",
    *,
    multiplier: str | Multiplier | Sequence[str | Multiplier],
    library: str = "osu018",
    liberty: str | Path | Sequence[str | Path] | Library | None = None,
    stimulus: str = "uniform",
    pairs: int = PAIRS,
    stages: int = 0,
    period_ns: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    fastest: bool = False,
    variants: int = VARIANTS,
    baselines: Iterable[str | Multiplier] = BASELINES,
    controls: Iterable[Design] = (),
    dont_use: Sequence[str] = (),
    progress: Progress | None = None,
) -> Energy:
    """Measure the energy per product of multipliers from simulated activity, beside exact ones.

    Each design is mapped as several netlists of the same function, each is proved equal to the design, simulated with
    the delays of its cells on operands in order, every output is compared with the golden model, and what each change
    of each net costs is added up (``synth.energy.measure``). Finished parts are kept.

    Parameters
    ----------
    block : str
        ``multiplier``: float32 words in, their product out.
    multiplier : str, Multiplier, or a sequence of them
        Catalogue or dial names, or Multipliers, of float32 words.
    library : str
        A name in ``synth.libraries.LIBRARIES``.
    liberty : path, sequence of paths, or Library, optional
        A Liberty file, or those of one library, instead.
    stimulus : str
        A name in ``synth.energy.stimulus.STIMULI``: ``uniform``, ``relu``, ``lenet5`` ...
    pairs : int
        Products measured of each multiplier, from 10; split evenly over the variants, rounded up.
    stages : int
        Pipeline stages; 0 is combinational.
    period_ns : float, optional
        The clock of all designs, ns; the library's own where None.
    seed : int
        Of the operands.
    jobs : int
        Netlists in work at once, from 1 to 64.
    fastest : bool
        Map and clock each design for its own shortest period instead: that of its first netlist, up to the next
        multiple of 0.01 ns that it meets.
    variants : int
        Netlists for each design: the first as it is written, the others with names at random.
    baselines : iterable of str or Multiplier
        What ratios are taken to.
    controls : iterable of Design
        Further baselines, such as ``CONTROLS``.
    dont_use : sequence of str
        Patterns of cells that are not used, beside the library's own.
    progress : callable, optional
        Called as ``progress(done, total, message)`` after each netlist, by one thread at a time.

    Returns
    -------
    Energy
        A row for each multiplier, and the conditions.

    Raises
    ------
    InvalidInput
        If a name is unknown, a number out of range, a clock too fast for a design, or the library cannot be used.
    InvalidType
        If a number is of the wrong type.
    AxfpmError
        If a netlist is not proved equal to its design.
    MissingTool
        If a program or package of the flow is not installed.
    """
    check_choice("energy is not measured of the block", block, BLOCKS)
    check_count("jobs", jobs, 1, MAX_JOBS, "a simulation each")
    check_count("variants", variants)
    check_count("pairs", pairs, FEWEST_PAIRS)
    named = [multiplier] if isinstance(multiplier, str | Multiplier) else list(multiplier)
    designs = _designs(named, baselines, controls)
    if fastest and period_ns is not None:
        raise InvalidInput("a period and the fastest one were asked for; give one of them")
    found = _programs()
    cells = read_liberty(library if liberty is None else liberty, dont_use=dont_use)
    period = cells.period_ns if period_ns is None else check_period(period_ns)
    task = _Task(block, check_stages(stages), cells, period, fastest, stimulus, -(-pairs // variants), seed)
    draw(stimulus, 1, seed=seed)  # what is wrong with it is said before minutes are spent
    runs = _run(task, designs, variants, jobs, progress)
    description = draw(stimulus, 1, seed=seed).description
    return Energy(
        block=block,
        stages=stages,
        conditions=Conditions(
            library=cells.name,
            corner=cells.corner,
            liberty_sha256=cells.sha256,
            dont_use=cells.dont_use,
            clock="each design's shortest clock period" if fastest else f"clock {period:g} ns",
            stimulus=description,
            pairs=task.each * variants,
            variants=variants,
            seed=seed,
            tools=found,
        ),
        rows=make_rows([(design, runs[design]) for design in designs]),
    )


def _designs(
    named: Sequence[str | Multiplier], baselines: Iterable[str | Multiplier], controls: Iterable[Design]
) -> list[Design]:
    """Each design once: baselines first."""
    designs = [Design(str(require_float32_words(look_up(name))), baseline=True) for name in baselines]
    designs += controls
    known = {design.name for design in designs}
    designs += [d for d in (Design(str(require_float32_words(look_up(name)))) for name in named) if d.name not in known]
    if not designs:
        raise InvalidInput("there is nothing to measure; name at least one multiplier or baseline")
    return list(dict.fromkeys(designs))


def _programs() -> dict[str, str | None]:
    """Versions of the programs; what is missing is said before minutes are spent."""
    tools.yosys(), tools.opensta(), tools.abc(), bench.icarus()
    return {name: version for name, version in tools.versions().items() if name != "abc"} | {"icarus": bench.version()}


@dataclass(frozen=True)
class _Task:
    block: str
    stages: int
    library: Library
    period_ns: float
    fastest: bool
    stimulus: str
    each: int
    seed: int
    python: threading.Lock = field(default_factory=threading.Lock)
    """Held while hardware is elaborated and operands are drawn: Python that shares state."""
    texts: dict[Design, str] = field(default_factory=dict)
    """Verilog by design, which takes seconds to write."""

    def verilog(self, design: Design) -> str:
        """Write a design, once."""
        from hdl.verilog import generate

        if design not in self.texts:
            self.texts[design] = generate(
                self.block, multiplier=design.multiplier, stages=self.stages, tree=design.tree
            )
        return self.texts[design]

    def measured(self, design: Design, variant: int, cells: CellLibrary) -> Run:
        """Map, prove and measure one variant of a design."""
        with self.python:
            verilog = self.verilog(design)
            lead = 1 + self.stages  # those that only set the state
            operands = draw(self.stimulus, self.each + lead, seed=self.seed, batch=variant)
            expected = multiply_words(operands.a, operands.b, look_up(design.multiplier))
        around = {"top": self.block, "library": self.library}
        mapped = map_variant(verilog, variant, **around, period_ns=self.period_ns)
        period = self.period_ns
        if self.fastest:
            first = mapped if variant == 0 else map_variant(verilog, 0, **around, period_ns=period)
            mapped = map_variant(verilog, variant, **around, period_ns=_shortest(first.critical_path_ns))
            period = _shortest(mapped.critical_path_ns)
        if mapped.critical_path_ns > period:
            raise InvalidInput(
                f"{design.name} takes {mapped.critical_path_ns:.3f} ns and the clock is {period:g} ns; give a longer "
                "period, more stages, or ask for the fastest clock"
            )
        result = measure(
            mapped.netlist,
            top=self.block,
            library=cells,
            a=operands.a,
            b=operands.b,
            expected=expected,
            stages=self.stages,
            period_ns=period,
        )
        return Run(mapped.area_um2, mapped.critical_path_ns, period, result)


def _shortest(path_ns: float) -> float:
    return round(math.ceil(path_ns / STEP_NS) * STEP_NS, 6)


def _run(
    task: _Task, designs: Sequence[Design], variants: int, jobs: int, progress: Progress | None
) -> dict[Design, list[Run]]:
    library = task.library
    cells = CellLibrary(
        f"{library.name}, corner {library.corner}", library.texts(), library.driving_cell, library.load_ff
    )
    grid = [(design, variant) for variant in range(variants) for design in designs]
    finished, lock = 0, threading.Lock()

    def one(design: Design, variant: int) -> Run:
        nonlocal finished
        run = task.measured(design, variant, cells)
        with lock:
            finished += 1
            if progress is not None:
                progress(finished, len(grid), f"{design.name}, netlist {variant + 1} of {variants}")
        return run

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(one, *place) for place in grid]
        try:
            found = [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    by_design: dict[Design, list[Run]] = {design: [] for design in designs}
    for (design, _), run in zip(grid, found, strict=True):
        by_design[design].append(run)
    return by_design
