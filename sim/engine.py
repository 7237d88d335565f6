"""Jobs of the matrix engine: commands of every shape, their operands cut into tiles, their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.multiply import require_float32_words
from golden.sums import matmul
from hdl.limits import DEPTH, SIZE_BITS
from sim.array import matrix_words
from sim.job import Bench, Job, Setting
from sim.stimulus.stimulus import stream_of
from sim.streams import Seen, Source, StreamJob, Wanted, beats, for_cocotb, from_cocotb, judge, paces

__all__ = [
    "ENGINE",
    "Command",
    "Timing",
    "bound_cycles",
    "command_of",
    "engine_job",
    "outputs",
    "random_commands",
    "timings",
]

SINKS = ("results",)
SOURCES = ("command", "activations", "weights", "biases")


@dataclass(frozen=True)
class Command:
    """One product A W + bias and its golden result.

    Parameters
    ----------
    a : numpy.ndarray
        float32, shape (M, K).
    w : numpy.ndarray
        float32, shape (K, N).
    bias : numpy.ndarray
        float32, shape (N,).
    expected : numpy.ndarray
        float32, shape (M, N).
    """

    a: np.ndarray
    w: np.ndarray
    bias: np.ndarray
    expected: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """M, K, N."""
        return self.a.shape[0], self.a.shape[1], self.w.shape[1]


class Utilisation:
    """How busy a product kept an array, by its shape (M, K, N), its cycles, their bound and the processing elements."""

    shape: tuple[int, int, int]
    cycles: int
    bound: int
    places: int

    @property
    def macs(self) -> int:
        """M K N."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def utilisation(self) -> float:
        """M K N / (rows x columns x cycles)."""
        return self.macs / (self.places * self.cycles)

    @property
    def bound_utilisation(self) -> float:
        """The same at the bound."""
        return self.macs / (self.places * self.bound)


@dataclass(frozen=True)
class Timing(Utilisation):
    """How long a command took.

    Parameters
    ----------
    shape : tuple of int
        M, K, N.
    cycles : int
        From the first weight taken to the last result, both included.
    busy, stalled : int
        The engine's own counters.
    bound : int
        Cycles that the shape needs on the array at least (:func:`bound_cycles`).
    places : int
        Processing elements.
    """

    shape: tuple[int, int, int]
    cycles: int
    busy: int
    stalled: int
    bound: int
    places: int


def bound_cycles(shape: tuple[int, int, int], rows: int, columns: int, loop: int = 0) -> int:
    """Cycles that a product needs on a weight-stationary array, whatever surrounds it.

    Each of ceil(K / R) ceil(N / C) tiles needs M cycles for its vectors, and R for its weights, which come one row per
    cycle. A K tile cannot begin sooner than ``loop`` cycles after the one before: a partial sum has to come round.

    Parameters
    ----------
    shape : tuple of int
        M, K, N.
    rows, columns : int
        R and C.
    loop : int
        Latency of a partial sum's way back to the top.
    """
    m, k, n = shape
    k_tiles, n_tiles = max(-(-k // rows), 1), -(-n // columns)
    inner = n_tiles * max(m, rows)
    return (k_tiles - 1) * max(inner, loop) + inner


def command_of(m: Multiplier, a: np.ndarray, w: np.ndarray, bias: np.ndarray | None = None) -> Command:
    """A command with its golden result; without a bias sums start from +0."""
    start = np.zeros(w.shape[1], np.float32) if bias is None else np.ascontiguousarray(bias, np.float32)
    a, w = np.ascontiguousarray(a, np.float32), np.ascontiguousarray(w, np.float32)
    return Command(a, w, start, matmul(a, w, m, bias=start))


def random_commands(m: Multiplier, vectors: int, rows: int, columns: int, seed: int) -> list[Command]:
    """Commands of random shapes, edge tiles and K = 0 among them, until their vectors are ``vectors``.

    M is at most ``DEPTH`` and N at most three tiles, which the engine's own buffers hold.
    """
    require_float32_words(m)
    rng = stream_of(seed, "engine")
    commands: list[Command] = []
    # Every corner once, in random order of dimensions that follow.
    longest = min(rows + 3, DEPTH)
    shapes = [(3, 0, columns + 1), (1, 2 * rows, columns), (2, 1, 1), (longest, rows + 1, 2 * columns - 1)]
    rest = vectors
    while rest > 0:
        big = 1 + rest // 8
        size_m, k, n = (
            shapes.pop()
            if shapes
            else (
                int(rng.integers(1, min(3 * rows + 12, big + 8, DEPTH + 1))),
                int(rng.integers(0, 4 * rows)),
                int(rng.integers(1, 3 * columns + 1)),
            )
        )
        flavour = str(rng.choice(["like a network's", "with specials", "any bits"], p=[0.6, 0.25, 0.15]))
        a, w, bias = (matrix_words(m, shape, flavour, rng).view(np.float32) for shape in ((size_m, k), (k, n), (n,)))
        bias[rng.random(n) < 0.2] = -0.0
        commands.append(command_of(m, a, w, bias))
        rest -= size_m * max(-(-k // rows), 1) * -(-n // columns)
    return commands


def _tiled(x: np.ndarray, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Words padded to whole tiles with noise, which the engine must ignore: uint32."""
    height, width = -(-x.shape[0] // rows) * rows, -(-x.shape[1] // columns) * columns
    padded = rng.integers(0, 1 << 32, (height, width), np.uint64).astype(np.uint32)
    padded[: x.shape[0], : x.shape[1]] = x.view(np.uint32)
    return padded


def engine_job(
    commands: Sequence[Command], *, rows: int, columns: int, seed: int = 0, pace: str = "mixed"
) -> StreamJob:
    """Streams for a sequence of commands.

    Parameters
    ----------
    commands : sequence of Command
        One after the other.
    rows, columns : int
        The array's shape.
    seed : int
        Decides the timing, and what stands past the edges of the matrices.
    pace : str
        A name in ``sim.streams.PACES``.
    """
    rng = stream_of(seed, "engine streams")
    sizes = np.array([command.shape for command in commands], np.uint64)
    a_rows, w_rows, bias_rows, out_rows, keeps, lasts = ([] for _ in range(6))
    for command in commands:
        size_m, k, n = command.shape
        k_tiles, n_tiles = max(-(-k // rows), 1), -(-n // columns)
        a = (
            _tiled(command.a, 1, rows, rng)
            if k
            else rng.integers(0, 1 << 32, (size_m, rows), np.uint64).astype(np.uint32)
        )
        a_rows.append(a.reshape(size_m, k_tiles, rows).transpose(1, 0, 2).reshape(-1, rows))
        w = (
            _tiled(command.w, rows, columns, rng)
            if k
            else rng.integers(0, 1 << 32, (rows, n_tiles * columns), np.uint64)
        )
        w = w.astype(np.uint32).reshape(k_tiles, rows, n_tiles, columns)
        w_rows.append(w.transpose(0, 2, 1, 3).reshape(-1, columns))
        bias_rows.append(_tiled(command.bias[None], 1, columns, rng).reshape(-1, columns))
        y = np.zeros((size_m, n_tiles * columns), np.uint32)
        y[:, :n] = command.expected.view(np.uint32)
        out_rows.append(y.reshape(size_m, n_tiles, columns).transpose(1, 0, 2).reshape(-1, columns))
        keep = np.arange(n_tiles * columns).reshape(n_tiles, columns) < n
        keeps.append(np.repeat(keep, size_m, axis=0))
        last = np.zeros(size_m * n_tiles, np.uint64)
        last[-1] = 1
        lasts.append(last)
    vector, wide = 32 * rows, 32 * columns
    sources = {
        "command": Source(3 * SIZE_BITS, beats([(sizes, SIZE_BITS)], 3 * SIZE_BITS)),
        "activations": Source(vector, beats([(np.concatenate(a_rows), 32)], vector)),
        "weights": Source(wide, beats([(np.concatenate(w_rows), 32)], wide)),
        "biases": Source(wide, beats([(np.concatenate(bias_rows), 32)], wide)),
    }
    out = wide + columns + 1
    fields = [(np.concatenate(out_rows), 32), (np.concatenate(keeps), 1), (np.concatenate(lasts), 1)]
    sinks = {"results": Wanted(out, 32, beats(fields, out))}
    patterns = paces((*SOURCES, *SINKS), rng, pace)
    macs = int(sizes.prod(axis=1).sum())
    return StreamJob(sources, sinks, patterns, "done", ("cycles", "stalled", "error"), macs, rows * columns)


def outputs(commands: Sequence[Command], seen: Seen, columns: int) -> list[np.ndarray]:
    """The engine's results as matrices: float32, shape (M, N) each.

    Raises
    ------
    InvalidInput
        If results are missing.
    """
    words = np.ascontiguousarray(seen.beats["results"]).view(np.uint32)[:, :columns]
    matrices, at = [], 0
    for command in commands:
        size_m, _, n = command.shape
        n_tiles = -(-n // columns)
        part = words[at : at + size_m * n_tiles]
        if len(part) != size_m * n_tiles:
            raise InvalidInput("the engine gave fewer results than its commands ask for")
        y = part.reshape(n_tiles, size_m, columns).transpose(1, 0, 2).reshape(size_m, -1)[:, :n]
        matrices.append(np.ascontiguousarray(y).view(np.float32))
        at += size_m * n_tiles
    return matrices


def timings(commands: Sequence[Command], seen: Seen, *, rows: int, columns: int, loop: int) -> list[Timing]:
    """Cycles of every command; ``loop`` is the engine's ``loop_latency``."""
    found, w_at, y_at = [], 0, 0
    for command, (busy, stalled, _) in zip(commands, seen.recorded.tolist(), strict=True):
        size_m, k, n = command.shape
        n_tiles = -(-n // columns)
        weight_beats = max(-(-k // rows), 1) * n_tiles * rows
        first = int(seen.when["weights"][w_at])
        # Weights may come early, while the command before is running: what counts then is the command's own beat.
        begin = max(first, int(seen.when["command"][len(found)]))
        end = int(seen.when["results"][y_at + size_m * n_tiles - 1])
        bound = bound_cycles(command.shape, rows, columns, loop)
        found.append(Timing(command.shape, end - begin + 1, busy, stalled, bound, rows * columns))
        w_at, y_at = w_at + weight_beats, y_at + size_m * n_tiles
    return found


def _prepare(setting: Setting) -> Job:
    rows, columns = setting.shape["rows"], setting.shape["columns"]
    commands = random_commands(setting.multiplier, setting.vectors, rows, columns, setting.seed)
    job = engine_job(commands, rows=rows, columns=columns, seed=setting.seed, pace=setting.pace)
    shapes = np.array([command.shape for command in commands])
    results = np.concatenate([command.expected.ravel() for command in commands])
    corners = {
        "commands": len(commands),
        "K = 0": int((shapes[:, 1] == 0).sum()),
        "K past a tile": int((shapes[:, 1] % rows > 0).sum()),
        "N past a tile": int((shapes[:, 2] % columns > 0).sum()),
        "several K tiles": int((shapes[:, 1] > rows).sum()),
        "several N tiles": int((shapes[:, 2] > columns).sum()),
        "one row": int((shapes[:, 0] == 1).sum()),
        "NaN results": int(np.isnan(results).sum()),
        "results of -0": int((results.view(np.uint32) == 1 << 31).sum()),
    }

    def verdict(got: Any) -> Any:
        return judge(job, from_cocotb(job, got))

    return Job(for_cocotb(job), verdict, {"commands": len(commands)}, corners)


def _parameters(setting: Setting) -> dict[str, Any]:
    shape = {name: value for name, value in setting.shape.items() if value}
    return {"multiplier": setting.multiplier, "stages": setting.stages, **shape}


def _ports(_: Setting) -> tuple[str, ...]:
    streams = (f"{name}__{part}" for name in (*SOURCES, *SINKS) for part in ("payload", "valid", "ready"))
    return (*streams, "done", "cycles", "stalled", "error", "clk", "rst")


ENGINE = Bench(
    "sim.benches.streams", _ports, _parameters, _prepare, {"rows": 4, "columns": 4, "adder_stages": 0}, streams=True
)
"""``vectors`` are vectors that enter the array: M ceil(K / R) ceil(N / C) for each command."""
