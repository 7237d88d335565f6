"""``axfpm.energy``: several multipliers beside exact ones, each as several netlists, on the same operands.

Variant ``v`` of every design is measured on batch ``v`` of the operands, so that ratios compare like with like.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count
from golden.errors import InvalidInput, MissingTool
from golden.multiply import require_float32_words
from golden.progress import Progress
from hdl.compressor import BOOTH, OPERATOR
from hdl.limits import check_period, check_stages
from synth import tools
from synth.energy.blocks import BLOCKS, Build
from synth.energy.grid import Task, run
from synth.energy.kept import kept_operands
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, make_rows
from synth.energy.stimulus import Operands
from synth.liberty import Library, read_liberty
from synth.wires import layout

__all__ = [
    "BASELINES",
    "CONTROLS",
    "DEFAULT_NAMES",
    "FULL_NAMES",
    "MAX_JOBS",
    "PAIRS",
    "STRONGEST",
    "VARIANTS",
    "energy",
    "programs",
]

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
STRONGEST = Design("exact-trunc", BOOTH, baseline=True)
"""The exact product of least area and energy that is known here, with the rounding of ``ax-fpm``."""
CONTROLS = (STRONGEST, Design("exact-trunc", OPERATOR, baseline=True))
"""Baselines that no name stands for: that one, and the exact product left to the synthesiser's own multiplier."""
FEWEST_PAIRS = 10
MOST_PAIRS = 1_000_000
MOST_VARIANTS = 1000
MAX_JOBS = 64


def energy(
    block: str = "multiplier",
    *,
    multiplier: str | Multiplier | Sequence[str | Multiplier],
    library: str = "osu018",
    liberty: str | Path | Sequence[str | Path] | Library | None = None,
    stimulus: str = "uniform",
    pairs: int = PAIRS,
    stages: int | None = None,
    adder_stages: int | None = None,
    period_ns: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    fastest: bool = False,
    variants: int = VARIANTS,
    baselines: Iterable[str | Multiplier] | None = None,
    controls: Iterable[Design] = (),
    dont_use: Sequence[str] = (),
    wire_loads: bool = False,
    progress: Progress | None = None,
) -> Energy:
    """Measure the energy per operation of multipliers, and of what holds them, from simulated activity.

    Each design is mapped as several netlists of the same function, each is proved equal to the design, simulated with
    the delays of its cells on operands in order, every output is compared with the golden model, and what each change
    of each net costs is added up (``synth.energy.measure``). Finished parts are kept.

    Parameters
    ----------
    block : str
        ``multiplier``: float32 words in, their product out; ``significand``: the product of their significands alone;
        ``adder``: the product and the running sum that it is added to, whose multiplier is not part of it; ``mac``:
        multiplier and adder; ``pe``: the array's processing element, registers and their clock pins included.
    multiplier : str, Multiplier, or a sequence of them
        Catalogue or dial names, or Multipliers, of float32 words; of an adder, those whose products it adds.
    library : str
        A name in ``synth.libraries.LIBRARIES``.
    liberty : path, sequence of paths, or Library, optional
        A Liberty file, or those of one library, instead.
    stimulus : str
        A name in ``synth.energy.stimulus.STIMULI``: ``uniform``, ``relu``, ``lenet5`` ...
    pairs : int
        Operations measured of each multiplier, from 10; split evenly over the variants, rounded up.
    stages : int
        Pipeline stages; 0 is combinational. Of a block that has an adder beside the multiplier, the multiplier's. By
        default the block's own: 1 for a processing element, else 0.
    adder_stages : int, optional
        Those of the adder of such a block; as ``axfpm verilog`` has them where None.
    period_ns : float, optional
        The clock of all designs, ns; where None the library's own, longer by quarters of it if a netlist needs that.
    seed : int
        Of the operands.
    jobs : int
        Netlists in work at once, from 1 to 64.
    fastest : bool
        Instead, map each design for the critical path of its first netlist, and clock each netlist at its own, rounded
        up to 0.01 ns.
    variants : int
        Netlists for each design: the first as it is written, the others with names at random.
    baselines : iterable of str or Multiplier
        What ratios are taken to: by default ``BASELINES``, or ``exact`` alone for a block without multiplier.
    controls : iterable of Design
        Further baselines, such as ``CONTROLS``, for a block with a multiplier.
    dont_use : sequence of str
        Patterns of cells that are not used, beside the library's own.
    wire_loads : bool
        Give nets the capacitance of the library's default wire load, instead of no wires: a guess, to see how much
        ratios depend on wires.
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
    kind = BLOCKS.look_up(block)
    check_count("jobs", jobs, 1, MAX_JOBS, "a simulation each")
    check_count("variants", variants, 1, MOST_VARIANTS, "days of simulation")
    check_count("pairs", pairs, FEWEST_PAIRS, MOST_PAIRS, "days of simulation")
    named = [multiplier] if isinstance(multiplier, str | Multiplier) else list(multiplier)
    if adder_stages is not None and not kind.has_adder:
        raise InvalidInput(f"the block {block!r} has no adder beside a multiplier; leave out its stages")
    if baselines is None:
        baselines = BASELINES if kind.has_multiplier else BASELINES[:1]
    designs = _designs(named, baselines, controls if kind.has_multiplier else ())
    stages = kind.stages if stages is None else check_stages(stages)
    kind.latency(Build(designs[0].multiplier, stages=stages, adder_stages=adder_stages))
    if fastest and period_ns is not None:
        raise InvalidInput("a period and the fastest one were asked for; give one of them")
    found = programs()
    cells = read_liberty(library if liberty is None else liberty, dont_use=dont_use, wire_loads=wire_loads)
    period = cells.period_ns if period_ns is None else check_period(period_ns)

    def operands(n: int, batch: int) -> Operands:
        return kept_operands(stimulus, n, seed=seed, batch=batch)

    task = Task(block, stages, adder_stages, cells, period, operands, -(-pairs // variants))
    # What is wrong with the stimulus is said before minutes are spent.
    description = kept_operands(stimulus, 1, seed=seed).description
    runs, clock = run(
        task, designs, variants, jobs=jobs, fastest=fastest, asked=period_ns is not None, progress=progress
    )
    return Energy(
        block=block,
        stages=stages,
        conditions=Conditions(
            library=cells.name,
            corner=cells.corner,
            liberty_sha256=cells.sha256,
            dont_use=cells.dont_use,
            clock=clock,
            stimulus=description,
            pairs=task.each * variants,
            variants=variants,
            seed=seed,
            tools=found,
            layout=layout(cells),
        ),
        rows=make_rows([(design, runs[design]) for design in designs]),
        adder_stages=adder_stages,
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


def programs() -> dict[str, str | None]:
    """Return versions of the programs; what is missing is said before minutes are spent.

    Raises
    ------
    MissingTool
        If one is not installed.
    """
    for package, need in (("scipy", "intervals need"), ("pywellen", "counting toggles needs")):
        if find_spec(package) is None:
            raise MissingTool(f"{need} {package}; install it with `pip install {package}`")
    for program in (tools.yosys, tools.opensta, tools.abc, tools.icarus):
        program()
    return {name: version for name, version in tools.versions().items() if name != "abc"} | {
        "icarus": tools.icarus_version()
    }
