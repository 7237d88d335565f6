# amaranth: UnusedElaboratable=no
# An engine is made here for its latencies alone.
"""A network on the simulated engine: every matrix product of every layer in Verilog, the rest as it is.

Where layers have multipliers of their own, there is an engine of each multiplier, and a layer runs on its own.

Convolutions are lowered on the host: one row for each output pixel, its patch in the order (input channel, kernel row,
kernel column), padding as real zeros. ReLU and pooling are exact. Every output of every layer is held against
``golden.sums``, and the logits against the same network inside ``golden.pytorch``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.assignments import Assignment, assignment
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.errors import InvalidInput, MissingTool
from golden.registry import check_choice
from hdl.limits import ACCUMULATORS, BIASES, DEPTH, LARGEST_SIZE
from sim.engine import Command, Utilisation, bound_cycles, command_of, engine_job, outputs, timings
from sim.harness import run_streams
from sim.limits import check_simulated
from sim.streams import judge

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LAYER_COLUMNS", "LayerReport", "NetworkReport", "run_network"]


@dataclass(frozen=True)
class LayerReport(Utilisation):
    """One layer on the engine, all images together.

    Parameters
    ----------
    name : str
        The layer.
    shape : tuple of int
        M, K, N of its product; long ones are cut by rows to fit the engine's buffers.
    cycles, stalled : int
        From the first weight to the last result, over all parts; those in which no vector entered the array.
    bound : int
        Cycles that the shape needs at least on an array of this size.
    places : int
        Processing elements.
    checks, failures : int
        Words compared with the golden model, and those that differed.
    """

    name: str
    shape: tuple[int, int, int]
    cycles: int
    stalled: int
    bound: int
    places: int
    checks: int
    failures: int

    @property
    def macs_per_cycle(self) -> float:
        """Multiply-accumulates per cycle."""
        return self.macs / self.cycles

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("name", "cycles", "stalled", "bound", "checks", "failures", "macs", "macs_per_cycle")
        plain = {name: getattr(self, name) for name in (*names, "utilisation", "bound_utilisation")}
        return plain | {"shape": list(self.shape)}


LAYER_COLUMNS = ("layer", "M", "K", "N", "cycles", "utilisation", "bound", "MACs/cycle", "checks", "differences")
"""What ``NetworkReport.layer_rows`` gives."""


@dataclass(frozen=True)
class NetworkReport:
    """A network's inference on the engine.

    Parameters
    ----------
    network, multiplier : str
        What ran, and on which multiplier; on several, layers and multipliers spelled out.
    images : int
        How many images.
    rows, columns : int
        The array's shape.
    layers : tuple of LayerReport
        In order.
    logits_equal : bool
        Whether every bit of every logit equals that of the golden network.
    seconds : float
        Time of the simulation, without building the simulator.
    """

    network: str
    multiplier: str
    images: int
    rows: int
    columns: int
    layers: tuple[LayerReport, ...]
    logits_equal: bool
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing differed."""
        return self.logits_equal and bool(self.layers) and not any(layer.failures for layer in self.layers)

    @property
    def cycles(self) -> int:
        """Cycles of all layers."""
        return sum(layer.cycles for layer in self.layers)

    def layer_rows(self) -> list[tuple[Any, ...]]:
        """A row for each layer, in the order of ``LAYER_COLUMNS``."""
        return [
            (
                *(layer.name, *layer.shape, layer.cycles, layer.utilisation, layer.bound_utilisation),
                *(layer.macs_per_cycle, layer.checks, layer.failures),
            )
            for layer in self.layers
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = {name: getattr(self, name) for name in ("network", "multiplier", "images", "rows", "columns", "passed")}
        plain |= {"logits_equal": self.logits_equal, "seconds": self.seconds, "cycles": self.cycles}
        return plain | {"layers": [layer.to_dict() for layer in self.layers]}


def run_network(
    network: str = "lenet5",
    *,
    images: int = 1,
    multiplier: str | Multiplier = "ax-fpm",
    layers: Assignment | Mapping[str, str | Multiplier] | str | Path | None = None,
    checkpoint: str = "lenet5-digits",
    inputs: np.ndarray | None = None,
    rows: int = 8,
    columns: int = 8,
    stages: int = 1,
    seed: int = 0,
    build_dir: Path | str | None = None,
) -> NetworkReport:
    """Run a network's inference on the simulated engine, every matrix product in Verilog.

    Parameters
    ----------
    network : str
        A name in ``golden.cnn.models.MODELS``, of convolutions, linear layers and element-wise operations.
    images : int
        How many images; a linear layer takes them as the rows of one product.
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier.
    layers : Assignment, mapping, str or Path, optional
        A multiplier for each layer instead, as ``golden.assignments.assignment`` takes it.
    checkpoint : str
        Parameters: a checkpoint's name or file.
    inputs : numpy.ndarray, optional
        Images, float32, shape (images, C, H, W); by default the first test images of the
        data set that the checkpoint was trained on.
    rows, columns, stages : int
        The engine's array.
    seed : int
        Decides what stands past the edges of matrices, which the engine must ignore.
    build_dir : path, optional
        Where the simulator is built and kept; by default a folder of the cache.

    Returns
    -------
    NetworkReport
        Cycles, utilisation and multiply-accumulates per cycle of every layer, and whether all bits agree.

    Raises
    ------
    InvalidInput
        If a name is unknown or a number out of range, or an assignment is not of this network's layers.
    MissingTool
        If Verilator or Amaranth is not installed.
    SimulationError
        If the design does not compile or run.
    """
    import torch
    from torch import nn

    from golden.cnn import checkpoint as checkpoints, data
    from golden.cnn.models import MODELS, canonical
    from golden.pytorch.assigned import assigned
    from golden.pytorch.module import ApproximateModule

    check_simulated(rows, columns, stages)
    check_count("images", images)
    check_seed(seed)
    check_choice("unknown network", network, MODELS)
    chosen = look_up(multiplier) if layers is None else assignment(layers)
    model, provenance = checkpoints.load(checkpoint)
    network = canonical(network)
    if provenance.model != network:
        raise InvalidInput(
            f"checkpoint {checkpoint!r} holds a {provenance.model}; choose that network, or another file"
        )
    model.eval()
    stored = data.load(provenance.data)[0] if inputs is None else inputs
    check_count("images", images, 1, len(stored), "which is all there are")
    x = torch.from_numpy(np.ascontiguousarray(stored[:images], np.float32))
    with torch.no_grad():
        on_chosen = assigned(model, chosen, x) if isinstance(chosen, Assignment) else ApproximateModule(model, chosen)
        golden_logits = on_chosen(x)
    found: dict[str, Any] = {
        name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    widths = [layer.weight.shape[0] for layer in found.values()]
    engine = _Engine(chosen, rows, columns, stages, seed, build_dir, widths)

    for name, layer in found.items():
        layer.forward = partial(_forward, engine, name, layer)
    try:
        with torch.no_grad():
            logits = model(x)
    finally:
        for layer in found.values():
            del layer.forward
    equal = bool((logits.numpy().view(np.uint32) == golden_logits.numpy().view(np.uint32)).all())
    return NetworkReport(network, str(chosen), images, rows, columns, tuple(engine.layers), equal, engine.seconds)


def _forward(engine: _Engine, name: str, layer: Any, x: Tensor) -> Tensor:
    """A layer's output, its matrix product on the engine."""
    import torch
    from torch import nn

    bias = None if layer.bias is None else layer.bias.detach().numpy()
    weight = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        return torch.from_numpy(engine.product(name, x.numpy(), weight.numpy().T, bias))
    if layer.groups != 1 or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise InvalidInput(f"layer {name} is a grouped or specially padded convolution; the engine has none")
    window = layer.kernel_size, layer.dilation, layer.padding, layer.stride
    patches = nn.functional.unfold(x, *window)
    a = patches.transpose(1, 2).reshape(-1, patches.shape[1])
    y = engine.product(name, a.numpy(), weight.flatten(1).numpy().T, bias)
    size = [
        (length + 2 * pad - gap * (kernel - 1) - 1) // step + 1
        for length, kernel, gap, pad, step in zip(x.shape[2:], *window, strict=True)
    ]
    pixels = torch.from_numpy(y).reshape(x.shape[0], -1, weight.shape[0])
    return pixels.transpose(1, 2).reshape(x.shape[0], weight.shape[0], *size)


class _Engine:
    """The simulated engine, one of each multiplier where there are several, and what ran on it."""

    def __init__(
        self,
        chosen: Multiplier | Assignment,
        rows: int,
        columns: int,
        stages: int,
        seed: int,
        build_dir: Path | str | None,
        widths: Sequence[int],
    ) -> None:
        try:
            from hdl.engine import MatrixEngine
            from hdl.verilog import generate
        except ImportError as error:
            raise MissingTool(f"{error.name} is not installed: run `pip install 'axfpm[hardware]'`") from None
        self.chosen, self.rows, self.columns, self.seed, self.build_dir = chosen, rows, columns, seed, build_dir
        # Room for one bias row for each N tile of the widest layer, and for one row of its partial sums.
        tiles = max(-(-width // columns) for width in widths)
        self.depth, self.accumulators = DEPTH, max(ACCUMULATORS, tiles)
        buffers: dict[str, Any] = {"depth": self.depth, "accumulators": self.accumulators, "biases": max(BIASES, tiles)}
        shape: dict[str, Any] = {"rows": rows, "columns": columns, "stages": stages}
        multipliers = chosen.multipliers if isinstance(chosen, Assignment) else (chosen,)
        self.texts = {m: generate("engine", multiplier=m, **shape, **buffers) for m in multipliers}
        self.loops = {m: MatrixEngine(m, **shape).loop_latency for m in multipliers}
        self.layers: list[LayerReport] = []
        self.seconds = 0.0

    def product(self, name: str, a: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """A W + bias on the engine, in parts of as many rows as its buffers hold."""
        m = self.chosen.of_layer(name) if isinstance(self.chosen, Assignment) else self.chosen
        n_tiles = -(-w.shape[1] // self.columns)
        most = min(self.depth, self.accumulators // n_tiles)
        for size, value in (("K", w.shape[0]), ("N", w.shape[1])):
            check_count(f"{size} of layer {name}", value, 0, LARGEST_SIZE, "as a command has 16 bits for it")
        parts = -(-len(a) // most)
        commands: list[Command] = [command_of(m, part, w, bias) for part in np.array_split(a, parts)]
        job = engine_job(commands, rows=self.rows, columns=self.columns, seed=self.seed, pace="always")
        seen = run_streams(self.texts[m], job, top="engine", build_dir=self.build_dir)
        verdict = judge(job, seen)
        times = timings(commands, seen, rows=self.rows, columns=self.columns, loop=self.loops[m])
        shape = (len(a), *w.shape)
        self.layers.append(
            LayerReport(
                name=name,
                shape=(shape[0], shape[1], shape[2]),
                cycles=int(seen.when["results"][-1] - seen.when["weights"][0]) + 1,
                stalled=sum(t.stalled for t in times),
                bound=sum(bound_cycles(c.shape, self.rows, self.columns, self.loops[m]) for c in commands),
                places=self.rows * self.columns,
                checks=verdict.checks,
                failures=verdict.failures,
            )
        )
        self.seconds += seen.seconds
        return np.concatenate(outputs(commands, seen, self.columns))
