"""Jobs of the systolic array: tiles of weights, vectors and the sums that they start from."""

from __future__ import annotations

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
    m: Multiplier, *, rows: int, columns: int, vectors: int, seed: int, pace: str = "mixed"
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
    """
    require_float32_words(m)
    rng = stream_of(seed, "array")
    names = ("activations", "sums", "weights", "results")
    minus_zero = np.uint32(1 << 31)
    a_parts, bypass_parts, last_parts, s_parts, w_parts, y_parts = ([] for _ in range(6))
    corners: dict[str, int] = dict.fromkeys(
        (
            "tiles",
            "tiles of one vector",
            "tiles longer than the array",
            "tiles with idle rows",
            "vectors of their own bypass",
            "vectors with every row bypassed",
            "sums of -0 kept by bypasses",
            "NaN results",
        ),
        0,
    )
    rest = vectors
    while rest:
        length = min(rest, int(rng.choice([1, 2, rows, rows + 1, int(rng.integers(1, 4 * rows + 1))])))
        rest -= length
        flavour = str(rng.choice(_FLAVOURS, p=[0.5, 0.3, 0.2]))
        a, w, s = (
            matrix_words(m, shape, flavour, rng) for shape in ((length, rows), (rows, columns), (length, columns))
        )
        s[rng.random(s.shape) < 0.15] = minus_zero
        kept = np.ones((length, rows), bool)
        mode = int(rng.integers(0, 4))
        if mode == 1:
            kept[:, int(rng.integers(1, rows + 1)) - (1 if rows == 1 else 0) :] = False
        if mode == 2:
            kept = rng.random((length, rows)) < 0.7
            kept[0] = False
        y = np.empty((length, columns), np.uint32)
        for v in range(length):
            keep = kept[v]
            operands = (np.ascontiguousarray(a[v : v + 1, keep]), np.ascontiguousarray(w[keep]))
            start = np.ascontiguousarray(s[v])
            y[v] = matmul(*(x.view(np.float32) for x in operands), m, bias=start.view(np.float32)).view(np.uint32)[0]
        last = np.zeros(length, bool)
        last[-1] = True
        for parts, part in zip(
            (a_parts, bypass_parts, last_parts, s_parts, w_parts, y_parts), (a, ~kept, last, s, w, y), strict=True
        ):
            parts.append(part)
        idle = ~kept.any(axis=1)
        corners["tiles"] += 1
        corners["tiles of one vector"] += length == 1
        corners["tiles longer than the array"] += length > rows
        corners["tiles with idle rows"] += mode == 1 and not kept.all()
        corners["vectors of their own bypass"] += mode == 2 and length
        corners["vectors with every row bypassed"] += int(idle.sum())
        corners["sums of -0 kept by bypasses"] += int((y[idle] == minus_zero).sum())
        corners["NaN results"] += int((y == 0x7FC00000).sum())
    a, bypass, last, s, w, y = (
        np.concatenate(parts) for parts in (a_parts, bypass_parts, last_parts, s_parts, w_parts, y_parts)
    )
    wide, vector = 32 * columns, 32 * rows + rows + 1
    flags = last.astype(np.uint64)
    sources = {
        "activations": Source(vector, beats([(a, 32), (bypass, 1), (flags, 1)], vector)),
        "sums": Source(wide, beats([(s, 32)], wide)),
        "weights": Source(wide, beats([(w, 32)], wide)),
    }
    sinks = {"results": Wanted(wide + 1, 32, beats([(y, 32), (flags, 1)], wide + 1))}
    return StreamJob(sources, sinks, paces(names, rng, pace)), corners


def _prepare(setting: Setting) -> Job:
    shape = setting.shape
    job, corners = array_job(
        setting.multiplier, rows=shape["rows"], columns=shape["columns"], vectors=setting.vectors, seed=setting.seed
    )
    return Job(for_cocotb(job), lambda got: judge(job, from_cocotb(job, got)), {"vectors": setting.vectors}, corners)


def _parameters(setting: Setting) -> dict[str, Any]:
    shape = {name: value for name, value in setting.shape.items() if value}
    return {"multiplier": setting.multiplier, "stages": setting.stages, **shape}


def _ports(_: Setting) -> tuple[str, ...]:
    names = ("activations", "sums", "weights", "results")
    return (*(f"{name}__{part}" for name in names for part in ("payload", "valid", "ready")), "clk", "rst")


ARRAY = Bench("sim.benches.streams", _ports, _parameters, _prepare, {"rows": 4, "columns": 4, "adder_stages": 0})
"""``vectors`` are vectors of activations; ``adder_stages`` 0 is the block's own default."""
