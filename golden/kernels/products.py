"""Matrix products on compiled bodies: packing, blocking, threads.

Every sum runs over its k in order, whatever the blocks: a block of k continues from the float32 accumulators that the
one before it stored. Results therefore do not depend on block sizes, batch or threads. Nothing of the weights is kept
between calls: packing them costs no more than finding out whether they are still the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from golden.kernels.bodies.body import Range
from golden.kernels.calls import address, run_rows
from golden.kernels.functions import Extents, Functions, Layout, Planes, magnitude_range
from golden.kernels.geometry import Geometry, columns
from golden.kernels.pool import SMALL, run_all, wanted_tasks, wanted_workers
from golden.kernels.tile import SUMS

__all__ = ["batched", "depth_blocks", "matmul", "shares"]

DEPTH = 512
"""Terms of a sum per block: the records of a group and a block of lanes stay close to the core."""
RECORDS = 2 << 20
"""Bytes of packed activations per task: as many as the caches take, to make up for packing the weights in each."""
CLOSE = 128 << 10
"""Bytes of packed activations that stay close to the core."""
PANELS = 512 << 10
"""Bytes of packed weights per call of the tile loop: they stay in the second-level cache."""
BRIEF = 1 << 16
"""Multiply-accumulates that take less time than a look at their operands before."""
LANES = 16
"""Most lanes of a body."""
BATCH = 256 << 10
"""Bytes of packed operands per task of a batch."""


def depth_blocks(depth: int, accumulate: str) -> list[tuple[int, int]]:
    """(first, last) terms of each pass over the sums."""
    # A float64 accumulator does not survive in a float32 output, so those sums run in one go. Depth 0 is one block too:
    # it stores the bias.
    step = DEPTH if accumulate == "float32" else max(depth, 1)
    return [(k, min(k + step, depth)) for k in range(0, max(depth, 1), step)]


def shares(total: int, parts: int) -> list[tuple[int, int]]:
    """(first, last) of ``parts`` nearly equal parts."""
    return [(total * i // parts, total * (i + 1) // parts) for i in range(parts)]


def _start(bias: np.ndarray | None, outputs: int) -> np.ndarray:
    """The bias, padded to whole blocks of any body's lanes."""
    start = np.zeros(-(-outputs // LANES) * LANES + LANES, np.float32)
    if bias is not None:
        start[:outputs] = bias
    return start


class Choice(Protocol):
    """The functions for a product, by the exponents of its operands."""

    def usual(self) -> Functions:
        """For ordinary operands."""
        ...

    def covering(self, a: Range, b: Range) -> Functions:
        """For activations and weights of these ranges."""
        ...


def matmul(choice: Choice, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(M, K) x (K, N) -> (M, N), lanes over N."""
    out = np.empty((x.shape[0], w.shape[1]), np.float32)
    if out.size:
        tasks = _tasks(choice, x, w, out, _start(bias, w.shape[1]), accumulate)
        run_all(tasks, wanted_workers(out.size * x.shape[1]))
    return out


def _tasks(
    choice: Choice, x: np.ndarray, w: np.ndarray, out: np.ndarray, start: np.ndarray, accumulate: str
) -> list[partial[None]]:
    """The parts of a product, each a task of its own."""
    f = choice.usual()
    (rows, depth), outputs = x.shape, w.shape[1]
    lanes, group = f.body.lanes, f.body.outputs
    groups, blocks, tasks = -(-rows // group), -(-outputs // lanes), wanted_tasks(rows * depth * outputs)
    term = f.record_size // group * max(1, min(depth, DEPTH))
    by_rows, by_columns = -(-rows // max(group, RECORDS // term)), 1
    if tasks == by_rows == 1:
        return [partial(_task, choice, f, x, w, out, start, accumulate)]
    if tasks > 1:
        # Rows that are split pack the weights again, columns that are split the activations.
        splits = [(r, min(-(-tasks // r), blocks)) for r in range(by_rows, max(by_rows, min(groups, tasks)) + 1)]
        by_rows, by_columns = min(splits, key=lambda s: (s[0] * s[1] < tasks, s[0] * outputs + s[1] * rows))
    pieces = [(first * group, min(last * group, rows)) for first, last in shares(groups, by_rows)]
    parts = [(first * lanes, min(last * lanes, outputs)) for first, last in shares(blocks, by_columns)]
    return [
        partial(_task, choice, f, x[r0:r1], w[:, c0:c1], out[r0:r1, c0:c1], start[c0:], accumulate)
        for r0, r1 in pieces
        for c0, c1 in parts
    ]


def _task(choice: Choice, f: Functions, x: np.ndarray, w: np.ndarray, *rest: Any) -> None:
    """Compute a part of a product, again where its operands turn out to be beyond the usual body."""
    if not _tile(f, x, w, *rest):
        _tile(choice.covering(magnitude_range(x), magnitude_range(w)), x, w, *rest)


def _tile(f: Functions, x: np.ndarray, w: np.ndarray, out: np.ndarray, start: np.ndarray, accumulate: str) -> bool:
    """Compute a part of a product; False, and a part to compute again, if packing met operands beyond the body."""
    steps = _steps(f, *x.shape, w.shape[1], x.strides, w.strides, out.strides[0], accumulate)
    # Lanes beyond the last column hold zeros: subnormal remains of older arrays could be slow.
    scratch = (np.zeros if w.shape[1] % f.body.lanes else np.empty)(steps.scratch, np.uint8)
    seen, at = Extents(), address(scratch)
    memory = address(x), address(w), address(out), address(start), seen.activations_at, seen.weights_at
    bases = np.array((0, at + -at % 64, *memory), np.int64)
    rows, first = bases[steps.relative_to] + steps.table, steps.first_sums
    if x.size * w.shape[1] <= BRIEF:
        run_rows(rows, len(rows))
        return f.body.covers(*seen.ranges())
    # Operands beyond the body can be subnormal on the way, which takes many times as long: it is better not to begin.
    run_rows(rows[:first], first)
    if not f.body.covers(*seen.ranges()):
        return False
    run_rows(rows[first:], len(rows) - first)
    return len(rows) == first + 1 or f.body.covers(*seen.ranges())


class _Steps(NamedTuple):
    """The calls that compute a part of a product, with addresses relative to its arrays.

    Parameters
    ----------
    table : ndarray of int64
        Rows for ``run_rows``.
    relative_to : ndarray of int8
        What each of its numbers is to be added to.
    scratch : int
        Bytes of memory for panels and records.
    first_sums : int
        The first row that is not packing.
    used : list of Geometry
        What the table points to.
    """

    table: np.ndarray
    relative_to: np.ndarray
    scratch: int
    first_sums: int
    used: list[Geometry]


_NUMBER, _SCRATCH, _X, _W, _OUT, _START, _ACTIVATIONS, _WEIGHTS = range(8)
"""What the numbers of a table are relative to."""


@lru_cache(maxsize=256)
def _steps(
    f: Functions,
    rows: int,
    depth: int,
    outputs: int,
    x_strides: tuple[int, int],
    w_strides: tuple[int, int],
    out_stride: int,
    accumulate: str,
) -> _Steps:
    """For every pass over the sums and every panel: store it, pack the activations, run the tile loop."""
    lanes, terms = f.body.lanes, depth_blocks(depth, accumulate)
    longest = max(1, terms[0][1])
    fitting = PANELS // (longest * lanes * sum(kind.itemsize for kind in f.stored))
    blocks = min(max(1, fitting), -(-outputs // lanes))
    groups = -(-rows // f.body.outputs)
    panels = Layout(f.stored, (blocks, longest, lanes))
    records = panels.nbytes
    table: list[list[tuple[int, int]]] = []
    used: list[Geometry] = []

    def add(address: int, arguments: Sequence[int], relative: Mapping[int, int]) -> None:
        row = [(relative.get(i, _NUMBER), value) for i, value in enumerate(arguments)]
        table.append([(_NUMBER, address), *row, *((_NUMBER, 0),) * (len(SUMS) - len(row))])

    # Where all weights are one panel, their activations are packed a few rows at a time, which stay close to the core.
    narrow = blocks * lanes >= outputs
    some = min(groups, max(1, CLOSE // (longest * f.record_size))) * f.body.outputs if narrow else rows
    for k, stop in terms:
        for column in range(0, outputs, blocks * lanes):
            count = min(blocks * lanes, outputs - column)
            at, steps = k * w_strides[0] + column * w_strides[1], (w_strides[0] // 4, w_strides[1] // 4)
            for arguments in f.panel_copies(at, (stop - k, count), steps, panels):
                add(f.copy.address, arguments, {0: _W, 1: _SCRATCH, 4: _WEIGHTS})
            geometry = columns(count, longest, lanes)
            used.append(geometry)
            for row in range(0, rows, some):
                here = min(some, rows - row)
                if narrow or column == 0:
                    sizes = here, stop - k, x_strides[0] // 4, x_strides[1] // 4
                    source = row * x_strides[0] + k * x_strides[1]
                    add(f.pack.address, (source, records, 0, *sizes), {0: _X, 1: _SCRATCH, 2: _ACTIVATIONS})
                sums = f.arguments(
                    vectors=0,
                    elements=panels.elements,
                    taps=geometry.taps_at,
                    depth=stop - k,
                    starts=geometry.starts_at,
                    origin=0,
                    first_block=0,
                    last_block=geometry.blocks,
                    records=records,
                    group_stride=(stop - k) * f.record_size,
                    first_group=0,
                    last_group=-(-here // f.body.outputs),
                    out=row * out_stride + 4 * column,
                    out_starts=geometry.out_starts_at,
                    counts=geometry.counts_at,
                    lane_stride=1,
                    output_stride=out_stride // 4,
                    outputs=here,
                    bias=4 * column,
                    resume=int(k > 0),
                )
                places = {"vectors": _SCRATCH, "records": _SCRATCH, "out": _OUT, "bias": _START}
                add(f.sums.address, sums, {SUMS.index(name): base for name, base in places.items()})
    content = np.array(table, np.int64)
    return _Steps(
        np.ascontiguousarray(content[..., 1]),
        content[..., 0].astype(np.int8),
        records + -(-some // f.body.outputs) * longest * f.record_size + 64,
        next(row for row, call in enumerate(table) if call[0][1] == f.sums.address),
        used,
    )


def batched(choice: Choice, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(..., M, K) x (..., K, N) -> (..., M, N), lanes over N; leading dimensions are equal and may have steps of 0."""
    *lead, rows, depth = x.shape
    outputs, count = w.shape[-1], math.prod(lead)
    out = np.empty((count, rows, outputs), np.float32)
    if not out.size:
        return out.reshape(*lead, rows, outputs)
    places, macs = np.unravel_index(np.arange(count), lead), rows * depth * outputs
    start = _start(bias, outputs)
    if macs > SMALL:  # large ones by themselves
        for i, place in enumerate(zip(*places, strict=True)):
            run_all(_tasks(choice, x[place], w[place], out[i], start, accumulate))
        return out.reshape(*lead, rows, outputs)
    f = choice.usual()
    at_x, at_w = (_addresses(array, places) for array in (x, w))
    size = f.record_size * -(-rows // f.body.outputs) + sum(k.itemsize for k in f.stored) * (outputs + f.body.lanes)
    step = max(1, min(BATCH // max(size * depth, 1), -(-count // wanted_tasks(macs * count))))

    def task(first: int, last: int) -> None:
        part = at_x[first:last], at_w[first:last], x, w, out[first:last], start, accumulate
        if not _some(f, *part):
            chosen = [tuple(index[first:last] for index in places)] * 2
            ranges = (magnitude_range(array[place]) for array, place in zip((x, w), chosen, strict=True))
            _some(choice.covering(*ranges), *part)

    tasks = [partial(task, first, min(first + step, count)) for first in range(0, count, step)]
    run_all(tasks, wanted_workers(macs * count))
    return out.reshape(*lead, rows, outputs)


def _some(
    f: Functions,
    at_x: np.ndarray,
    at_w: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    out: np.ndarray,
    start: np.ndarray,
    accumulate: str,
) -> bool:
    """Compute the products of some matrices by their addresses; False as for ``_tile``."""
    (count, rows, outputs), depth, lanes = out.shape, x.shape[-1], f.body.lanes
    blocks, groups, here = -(-outputs // lanes), -(-rows // f.body.outputs), np.arange(count)
    planes = Planes(f.stored, (count, blocks, depth, lanes))
    records = np.empty((count, groups, depth, f.record_size), np.uint8)
    to = address(records) + here * records.strides[0]
    seen = Extents()
    f.pack.each(count, at_x, to, seen.activations_at, rows, depth, *(step // 4 for step in x.strides[-2:]))
    steps = w.strides[-2] // 4, w.strides[-1] // 4
    for arguments in f.panel_copies(at_w, (depth, outputs), steps, planes.layout, planes.at, seen.weights_at):
        f.copy.each(count, *arguments)
    if not f.body.covers(*seen.ranges()):
        return False
    geometry = columns(outputs, depth, lanes)
    for k, stop in depth_blocks(depth, accumulate):
        sums = f.arguments(
            vectors=planes.at,
            elements=planes.elements,
            taps=geometry.taps_at + 8 * k,
            depth=stop - k,
            starts=geometry.starts_at,
            origin=here * (blocks * depth * lanes),
            first_block=0,
            last_block=blocks,
            records=to + k * f.record_size,
            group_stride=depth * f.record_size,
            first_group=0,
            last_group=groups,
            out=address(out) + here * out.strides[0],
            out_starts=geometry.out_starts_at,
            counts=geometry.counts_at,
            lane_stride=1,
            output_stride=outputs,
            outputs=rows,
            bias=address(start),
            resume=int(k > 0),
        )
        f.sums.each(count, *sums)
    return True


def _addresses(array: np.ndarray, places: tuple[np.ndarray, ...]) -> np.ndarray:
    """Where the matrices of an array begin."""
    at = np.full(len(places[0]), address(array), np.int64)
    for place, step in zip(places, array.strides, strict=False):
        at += place * step
    return at
