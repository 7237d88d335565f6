"""Jobs of the systolic array: tiles of weights, vectors and the sums that they start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.multiply import require_float32_words
from golden.sums import matmul
from sim.job import Bench, Job, Setting
from sim.stimulus.stimulus import special_words, stream_of
from sim.streams import Source, StreamJob, Wanted, beats, for_cocotb, from_cocotb, judge, paces

__all__ = ["ARRAY", "array_job", "matrix_words"]

_FLAVOURS = ("like a network's", "with specials", "any bits")
_STREAMS = ("activations", "sums", "weights", "results")
_MINUS_ZERO = np.uint32(1 << 31)


def matrix_words(m: Multiplier, shape: tuple[int, ...], flavour: str, rng: np.random.Generator) -> np.ndarray:
    """Activations, weights or sums of one kind: uint32 words of the given shape.

    ``like a network's``: normal values, a third of them zeros of either sign; ``with specials``: one in 16 any special
    word; ``any bits``: any exponent, no NaN nor infinity.
    """
    values = rng.standard_normal(shape).astype(np.float32)
    values *= (rng.random(shape) < 0.7).astype(np.float32)
    words = values.view(np.uint32)
    if flavour == "any bits":
        words = rng.integers(0, 255, shape, np.uint32) << np.uint32(23) | rng.integers(0, 1 << 23, shape, np.uint32)
        words |= rng.integers(0, 2, shape, np.uint32) << np.uint32(31)
    if flavour == "with specials":
        special = rng.random(shape) < 1 / 16
        words[special] = rng.choice(special_words(m.format), int(special.sum()))
    return words


def array_job(
    m: Multiplier,
    *,
    rows: int,
    columns: int,
    vectors: int,
    seed: int,
    pace: str = "mixed",
    length: int | None = None,
) -> tuple[StreamJob, dict[str, int]]:
    """Tiles of every length for an array, and the corners among them.

    Parameters
    ----------
    m : Multiplier
        Its words are FP32.
    rows, columns : int
        The array's shape.
    vectors : int
        Vectors of activations, over all tiles.
    seed : int
        Decides everything.
    pace : str
        A name in ``sim.streams.PACES``.
    length : int, optional
        Vectors of every tile but the last, none of which bypasses anything: the plain case, for pictures.
    """
    require_float32_words(m)
    rng = stream_of(seed, "array")
    tiles: list[_Tile] = []
    rest = vectors
    while rest:
        drawn = length or int(rng.choice([1, 2, rows, rows + 1, int(rng.integers(1, 4 * rows + 1))]))
        tiles.append(_tile(m, min(rest, drawn), rows, columns, rng, bypasses=length is None))
        rest -= len(tiles[-1].a)
    counts = [tile.corners() for tile in tiles]
    corners = {name: sum(count[name] for count in counts) for name in counts[0]}
    a, kept, s, y, w = (
        np.concatenate([getattr(tile, name) for tile in tiles]) for name in ("a", "kept", "s", "y", "w")
    )
    flags = np.concatenate([np.arange(len(tile.a)) == len(tile.a) - 1 for tile in tiles]).astype(np.uint64)
    wide, vector = 32 * columns, 32 * rows + rows + 1
    sources = {
        "activations": Source(vector, beats([(a, 32), (~kept, 1), (flags, 1)], vector)),
        "sums": Source(wide, beats([(s, 32)], wide)),
        "weights": Source(wide, beats([(w, 32)], wide)),
    }
    sinks = {"results": Wanted(wide + 1, 32, beats([(y, 32), (flags, 1)], wide + 1))}
    macs, places = int(kept.sum()) * columns, rows * columns
    return StreamJob(sources, sinks, paces(_STREAMS, rng, pace), macs=macs, places=places), corners


@dataclass(frozen=True)
class _Tile:
    """A tile and its results.

    Parameters
    ----------
    a, s, y : numpy.ndarray
        uint32 words of activations, of the sums that they start from, and of the results, a row for each vector.
    w : numpy.ndarray
        uint32 words of weights, shape (rows, columns).
    kept : numpy.ndarray
        bool, of the shape of ``a``: which products are not bypassed.
    idle_rows, own_bypass : bool
        Whether all vectors bypass the same last rows; whether each has its own.
    """

    a: np.ndarray
    s: np.ndarray
    y: np.ndarray
    w: np.ndarray
    kept: np.ndarray
    idle_rows: bool
    own_bypass: bool

    def corners(self) -> dict[str, int]:
        """How often each corner occurs."""
        length, rows = self.a.shape
        idle = ~self.kept.any(axis=1)
        return {
            "tiles": 1,
            "tiles of one vector": int(length == 1),
            "tiles longer than the array": int(length > rows),
            "tiles with idle rows": int(self.idle_rows and not self.kept.all()),
            "vectors of their own bypass": length * self.own_bypass,
            "vectors with every row bypassed": int(idle.sum()),
            "sums of -0 kept by bypasses": int((self.y[idle] == _MINUS_ZERO).sum()),
            "NaN results": int((self.y == 0x7FC00000).sum()),
        }


def _tile(
    m: Multiplier, length: int, rows: int, columns: int, rng: np.random.Generator, *, bypasses: bool = True
) -> _Tile:
    """A tile of so many vectors: of any flavour, and in half of the cases with bypasses, where there may be any."""
    flavour = str(rng.choice(_FLAVOURS, p=[0.5, 0.3, 0.2]))
    shapes = (length, rows), (rows, columns), (length, columns)
    a, w, s = (matrix_words(m, shape, flavour, rng) for shape in shapes)
    s[rng.random(s.shape) < 0.15] = _MINUS_ZERO
    kept = np.ones((length, rows), bool)
    mode = int(rng.integers(0, 4)) if bypasses else 0
    if mode == 1:
        kept[:, int(rng.integers(1, rows + 1)) - (1 if rows == 1 else 0) :] = False
    if mode == 2:
        kept = rng.random((length, rows)) < 0.7
        kept[0] = False
    y = np.empty((length, columns), np.uint32)
    for v, keep in enumerate(kept):
        parts = (a[v : v + 1, keep], w[keep], s[v])
        vector, weights, start = (np.ascontiguousarray(part).view(np.float32) for part in parts)
        y[v] = matmul(vector, weights, m, bias=start).view(np.uint32)[0]
    return _Tile(a, s, y, w, kept, idle_rows=mode == 1, own_bypass=mode == 2)


def _prepare(setting: Setting) -> Job:
    shape = setting.shape
    job, corners = array_job(
        setting.multiplier,
        rows=shape["rows"],
        columns=shape["columns"],
        vectors=setting.vectors,
        seed=setting.seed,
        pace=setting.pace,
    )
    return Job(for_cocotb(job), lambda got: judge(job, from_cocotb(job, got)), {"vectors": setting.vectors}, corners)


def _parameters(setting: Setting) -> dict[str, Any]:
    shape = {name: value for name, value in setting.shape.items() if value}
    return {"multiplier": setting.multiplier, "stages": setting.stages, **shape}


def _ports(_: Setting) -> tuple[str, ...]:
    return (*(f"{name}__{part}" for name in _STREAMS for part in ("payload", "valid", "ready")), "clk", "rst")


ARRAY = Bench(
    "sim.benches.streams", _ports, _parameters, _prepare, {"rows": 4, "columns": 4, "adder_stages": 0}, streams=True
)
"""``vectors`` are vectors of activations; ``adder_stages`` 0 is the block's own default."""
