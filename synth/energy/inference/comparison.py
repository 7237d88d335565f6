"""The energy of an inference on several multipliers: recorded, mapped, measured, summed up.

Every multiplier stands beside exact ones, each as several netlists; netlist v of every design is measured on windows
that lie at the same places. All layers pass through a netlist in one simulation, one after the other, and are told
apart afterwards, since the energy of every operation is recorded. An assignment, where layers have multipliers of their
own, is recorded as a whole and measured on one circuit of each of its multipliers; of each those layers count that run
on it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from golden.assignments import Assignment, assignment
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.errors import InvalidInput
from golden.multiply import require_float32_words
from golden.progress import Progress
from hdl.limits import check_period, check_stages
from synth.energy.blocks import BLOCKS, Build
from synth.energy.comparison import MAX_JOBS, MOST_PAIRS, MOST_VARIANTS, STRONGEST, VARIANTS, programs
from synth.energy.grid import Task, run
from synth.energy.inference.accuracy import clean_accuracy
from synth.energy.inference.classes import shares_of
from synth.energy.inference.layers import IMAGES, NETWORKS, recorded_layers, trained_on
from synth.energy.inference.result import InferenceEnergy
from synth.energy.inference.rows import Inference, make_rows, parts_of
from synth.energy.inference.windows import Words, draw_places, words_of
from synth.energy.result import Conditions
from synth.energy.rows import Design
from synth.energy.stimulus import HELD, Operands
from synth.liberty import Library, read_liberty
from synth.wires import layout

if TYPE_CHECKING:
    from golden.cnn.trained import TrainedNetwork

__all__ = ["BASELINES", "BLOCK", "DEFAULT_NAMES", "PAIRS", "inference_energy"]

BLOCK = "pe"
BASELINES = (Design("exact", baseline=True), STRONGEST)
"""IEEE 754 with a Dadda tree, and the exact product of least energy that is known here."""
DEFAULT_NAMES = ("ax-fpm", "bf16", "e8m2", "mitchell")
PAIRS = 6400
"""Operations of each multiplier: of LeNet-5, four windows in each layer of each of five netlists."""


@dataclass(frozen=True)
class _Recorded:
    """What one multiplier gets: words for each netlist, shares of classes, and names and sizes of the layers."""

    words: tuple[Words, ...]
    shares: np.ndarray
    names: tuple[str, ...]
    macs: tuple[int, ...]


@dataclass(frozen=True)
class _Part(Design):
    """A design that computes some layers of an assignment, on the operands that the network has there."""

    within: Assignment | None = None

    @property
    def source(self) -> str | Assignment:
        """Whose operands it gets."""
        assert self.within is not None
        return self.within


@dataclass(frozen=True)
class _Task(Task):
    """A task whose operands are windows, which every multiplier has recorded for itself."""

    recorded: Mapping[str | Assignment, _Recorded] = field(default_factory=dict)

    def operands_of(self, design: Design, n: int, batch: int) -> Operands:
        source = design.source if isinstance(design, _Part) else design.multiplier
        a, b, c = self.recorded[source].words[batch].stream(n - self.each)
        return Operands(a, b, "windows of an inference", lambda _: c)


def inference_energy(
    network: str = "lenet5",
    *,
    multiplier: str | Multiplier | Sequence[str | Multiplier] = DEFAULT_NAMES,
    layers: Iterable[Assignment | Mapping[str, str | Multiplier] | str | Path] = (),
    block: str = BLOCK,
    library: str = "osu018",
    liberty: str | Path | Sequence[str | Path] | Library | None = None,
    pairs: int = PAIRS,
    stages: int | None = None,
    adder_stages: int | None = None,
    period_ns: float | None = None,
    seed: int = 0,
    jobs: int = 1,
    variants: int = VARIANTS,
    baselines: Iterable[Design] = BASELINES,
    dont_use: Sequence[str] = (),
    wire_loads: bool = False,
    accuracy: bool = True,
    progress: Progress | None = None,
) -> InferenceEnergy:
    """Measure the energy of the multiply-accumulates of an inference, layer by layer, beside exact multipliers.

    What is measured are windows, drawn from each layer (``synth.energy.inference.windows``), on the operands that the
    network has on that very multiplier. The energy of a layer is the mean of an operation times the layer's
    multiply-accumulates, that of an image the sum over layers. Finished parts are kept.

    Parameters
    ----------
    network : str
        A name in ``synth.energy.inference.layers.NETWORKS``, or a checkpoint: its name in the package, or its file.
    multiplier : str, Multiplier, or a sequence of them
        Catalogue or dial names, or Multipliers, of float32 words.
    layers : iterable of Assignment, mapping, str or Path
        Further rows: a multiplier for each layer, as ``golden.assignments.assignment`` takes it.
    block : str
        What computes a multiply-accumulate, a name in ``synth.energy.blocks.BLOCKS`` with an adder.
    pairs : int
        Operations measured of each multiplier over all layers and netlists, rounded up to whole windows, as many in
        each layer and netlist.
    baselines : iterable of Design
        What ratios are taken to.
    accuracy : bool
        Whether the network classifies all test images on each multiplier, too.
    library, liberty, stages, adder_stages, period_ns, seed, jobs, variants, dont_use, wire_loads, progress
        As for ``synth.energy.comparison.energy``.

    Returns
    -------
    InferenceEnergy
        A row for each multiplier and each assignment, and the conditions.

    Raises
    ------
    InvalidInput
        If a name is unknown, a number out of range, a clock too fast for a design, data are not there, an assignment
        does not fit, or the library cannot be used.
    InvalidType
        If a number is of the wrong type.
    AxfpmError
        If a netlist is not proved equal to its design.
    MissingTool
        If a program or package of the flow is not installed.
    """
    kind = BLOCKS.look_up(block)
    if not kind.has_multiplier:
        raise InvalidInput(f"the block {block!r} has no multiplier; take one that multiplies and adds, {BLOCK} or mac")
    trained = trained_on(network)
    check_count("jobs", jobs, 1, MAX_JOBS, "a simulation each")
    check_count("pairs", pairs, 1, MOST_PAIRS, "days of simulation")
    check_count("variants", variants, 1, MOST_VARIANTS, "days of simulation")
    check_seed(seed)
    assigned = tuple(dict.fromkeys(_of_float32(assignment(given)) for given in layers))
    designs = _designs(multiplier, baselines, assigned)
    parts = {mixed: [_Part(str(m), within=mixed) for m in mixed.multipliers] for mixed in assigned}
    built = [*designs, *(part for mixed in assigned for part in parts[mixed])]
    stages = kind.stages if stages is None else check_stages(stages)
    kind.latency(Build("exact", stages=stages, adder_stages=adder_stages))
    found = programs()
    cells = read_liberty(library if liberty is None else liberty, dont_use=dont_use, wire_loads=wire_loads)
    period = cells.period_ns if period_ns is None else check_period(period_ns)
    # Assignments first: what does not fit is said before any work.
    names = [*assigned, *dict.fromkeys(design.multiplier for design in designs)]
    total = len(names) + 2 * len(built) * variants
    say = progress or (lambda *_: None)
    recorded, shown, weights = {}, {}, "" if network in NETWORKS else _digest(trained)
    for done, name in enumerate(names, 1):
        recorded[name] = _recorded(network, weights, name, pairs, variants, seed)
        shown[name] = clean_accuracy(trained, _meant(name)) if accuracy else None
        say(done, total, f"recorded {name}")
    one = recorded[names[0]]
    each = one.words[0].a.size
    task = _Task(block, stages, adder_stages, cells, period, _none, each, recorded=recorded)
    runs, clock = run(
        task,
        built,
        variants,
        jobs=jobs,
        fastest=False,
        asked=period_ns is not None,
        progress=lambda done, _, message: say(len(names) + done, total, message),
    )

    def inference(design: Design, source: str | Assignment, parts: Sequence[Design]) -> Inference:
        own = recorded[source]
        activations = [words.a for words in own.words]
        return Inference(design, [runs[part] for part in parts], activations, own.shares, shown[source], kind.waits)

    measured = [inference(design, design.multiplier, [design] * len(one.names)) for design in designs]
    for mixed in assigned:
        of = {part.multiplier: part for part in parts[mixed]}
        computing = [of[str(mixed.of_layer(name))] for name in one.names]
        measured.append(inference(Design(mixed.name), mixed, computing))
    return InferenceEnergy(
        network=trained.name,
        data=trained.data,
        block=block,
        stages=stages,
        conditions=Conditions(
            library=cells.name,
            corner=cells.corner,
            liberty_sha256=cells.sha256,
            dont_use=cells.dont_use,
            clock=clock,
            stimulus=_in_words(trained.name, trained.data, each // (HELD * len(one.names)), variants),
            pairs=each * variants,
            variants=variants,
            seed=seed,
            tools=found,
            layout=layout(cells),
        ),
        rows=make_rows(measured, one.names, one.macs),
    )


def _digest(trained: TrainedNetwork) -> str:
    from golden.cnn.checkpoint import weights_digest

    return weights_digest(trained.module)


def _none(n: int, batch: int) -> Operands:
    raise AssertionError("every multiplier has operands of its own")


def _in_words(name: str, data: str, windows: int, variants: int) -> str:
    return (
        f"operands of {name} on the multiplier in question, classifying test images of {data}, {IMAGES} at the most: "
        f"{windows} windows of {HELD} cycles in each layer for each of {variants} netlists, a weight held in each"
    )


def _meant(name: str | Assignment) -> Multiplier | Assignment:
    return look_up(name) if isinstance(name, str) else name


def _of_float32(given: Assignment) -> Assignment:
    for m in given.multipliers:
        require_float32_words(m)
    return given


def _designs(
    multiplier: str | Multiplier | Sequence[str | Multiplier],
    baselines: Iterable[Design],
    assigned: Sequence[Assignment],
) -> list[Design]:
    """Each design once: baselines first."""
    named = [multiplier] if isinstance(multiplier, str | Multiplier) else list(multiplier)
    designs = list(baselines)
    known = {design.name for design in designs}
    designs += [d for d in (Design(str(require_float32_words(look_up(name)))) for name in named) if d.name not in known]
    if not designs and not assigned:
        raise InvalidInput("there is nothing to measure; name at least one multiplier or baseline")
    return list(dict.fromkeys(designs))


@functools.lru_cache(maxsize=32)
def _recorded(network: str, weights: str, name: str | Assignment, pairs: int, variants: int, seed: int) -> _Recorded:
    """Record a network on a multiplier or an assignment, and draw from it: the same for every library.

    The digest of its weights is there for checkpoints, whose files may be others by the next time.
    """
    layers = recorded_layers(trained_on(network), _meant(name))
    parts = parts_of(variants)
    # Whole windows, as many in each layer of each netlist, and in each part of those where a netlist is several units.
    each = parts * -(-pairs // (parts * variants * HELD * len(layers)))
    places = [draw_places(layers, each, seed=seed, batch=batch) for batch in range(variants)]
    return _Recorded(
        tuple(words_of(layers, drawn, _meant(name)) for drawn in places),
        np.stack([shares_of(layer) for layer in layers]),
        tuple(layer.name for layer in layers),
        tuple(layer.macs for layer in layers),
    )
