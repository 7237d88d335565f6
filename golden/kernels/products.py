"""Matrix products on compiled bodies: packing, blocking, threads.

Every sum runs over its k in order, whatever the blocks: a block of k continues from the float32 accumulators that the
one before it stored. Results therefore do not depend on block sizes, batch or threads. Nothing of the weights is kept
between calls: packing them costs no more than finding out whether they are still the same.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from golden.kernels.calls import address
from golden.kernels.functions import Functions, Planes
from golden.kernels.geometry import columns
from golden.kernels.pool import SMALL, run_all, wanted_tasks

__all__ = ["batched", "depth_blocks", "matmul", "shares"]

DEPTH = 512
"""Terms of a sum per block: the records of a group and a block of lanes stay close to the core."""
RECORDS = 2 << 20
"""Bytes of packed activations per task: as many as the caches take, to make up for packing the weights in each."""
PANELS = 512 << 10
"""Bytes of packed weights per call of the tile loop: they stay in the second-level cache."""
CALL = 1 << 20
"""Multiply-accumulates that make up for the interpreter's part of a call."""
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


def _start(bias: np.ndarray | None, outputs: int, lanes: int) -> np.ndarray:
    """The bias, padded to whole blocks of lanes."""
    start = np.zeros(-(-outputs // lanes) * lanes, np.float32)
    if bias is not None:
        start[:outputs] = bias
    return start


def matmul(f: Functions, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(M, K) x (K, N) -> (M, N), lanes over N."""
    out = np.empty((x.shape[0], w.shape[1]), np.float32)
    if out.size:
        run_all(_tasks(f, x, w, out, _start(bias, w.shape[1], f.body.lanes), accumulate))
    return out


def _tasks(
    f: Functions, x: np.ndarray, w: np.ndarray, out: np.ndarray, start: np.ndarray, accumulate: str
) -> list[partial[None]]:
    """The parts of a product, each a task of its own."""
    (rows, depth), outputs = x.shape, w.shape[1]
    lanes, group = f.body.lanes, f.body.outputs
    groups, blocks, tasks = -(-rows // group), -(-outputs // lanes), wanted_tasks(rows * depth * outputs)
    term = f.record_size // group * max(1, min(depth, DEPTH))
    by_rows, by_columns = -(-rows // max(group, RECORDS // term)), 1
    if tasks > 1:
        # Rows that are split pack the weights again, columns that are split the activations.
        splits = [(r, min(-(-tasks // r), blocks)) for r in range(by_rows, max(by_rows, min(groups, tasks)) + 1)]
        by_rows, by_columns = min(splits, key=lambda s: (s[0] * s[1] < tasks, s[0] * outputs + s[1] * rows))
    pieces = [(first * group, min(last * group, rows)) for first, last in shares(groups, by_rows)]
    parts = [(first * lanes, min(last * lanes, outputs)) for first, last in shares(blocks, by_columns)]
    return [partial(_tile, f, x, w, out, start, *piece, *part, accumulate) for piece in pieces for part in parts]


def _tile(
    f: Functions,
    x: np.ndarray,
    w: np.ndarray,
    out: np.ndarray,
    start: np.ndarray,
    first: int,
    last: int,
    left: int,
    right: int,
    accumulate: str,
) -> None:
    """Rows ``first`` to ``last`` and columns ``left`` to ``right`` of a product."""
    rows, lanes, terms = last - first, f.body.lanes, depth_blocks(x.shape[1], accumulate)
    longest = max(1, terms[0][1])
    (x_row, x_term), (w_term, w_column) = x.strides, w.strides
    blocks = -(-(right - left) // lanes)
    fitting = PANELS // (longest * lanes * sum(kind.itemsize for kind in f.stored))
    blocks = min(max(1, fitting, CALL // (longest * lanes * rows)), blocks)
    planes = Planes(f.stored, (blocks, longest, lanes))
    groups = -(-rows // f.body.outputs)
    records = np.empty(groups * longest * f.record_size, np.uint8)
    records_at, x_at, w_at = address(records), address(x) + first * x_row, address(w)
    out_at, bias_at, out_row = address(out) + first * out.strides[0], address(start), out.strides[0] // 4
    for k, stop in terms:
        depth = stop - k
        f.pack(x_at + k * x_term, records_at, rows, depth, x_row // 4, x_term // 4)
        for column in range(left, right, blocks * lanes):
            outputs = min(blocks * lanes, right - column)
            f.store_panels(
                w_at + k * w_term + column * w_column, depth, outputs, w_term // 4, w_column // 4, planes, longest
            )
            geometry = columns(outputs, longest, lanes)
            f.sums(
                vectors=planes.at,
                elements=planes.elements,
                taps=geometry.taps_at,
                depth=depth,
                starts=geometry.starts_at,
                origin=0,
                first_block=0,
                last_block=geometry.blocks,
                records=records_at,
                group_stride=depth * f.record_size,
                first_group=0,
                last_group=groups,
                out=out_at + 4 * column,
                out_starts=geometry.out_starts_at,
                counts=geometry.counts_at,
                lane_stride=1,
                output_stride=out_row,
                outputs=rows,
                bias=bias_at + 4 * column,
                resume=int(k > 0),
            )


def batched(f: Functions, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(..., M, K) x (..., K, N) -> (..., M, N), lanes over N; leading dimensions are equal and may have steps of 0."""
    *lead, rows, depth = x.shape
    outputs, count = w.shape[-1], math.prod(lead)
    out = np.empty((count, rows, outputs), np.float32)
    if not out.size:
        return out.reshape(*lead, rows, outputs)
    places, macs = np.unravel_index(np.arange(count), lead), rows * depth * outputs
    lanes = f.body.lanes
    start = _start(bias, outputs, lanes)
    if macs > SMALL:  # large ones by themselves
        for i, place in enumerate(zip(*places, strict=True)):
            run_all(_tasks(f, x[place], w[place], out[i], start, accumulate))
        return out.reshape(*lead, rows, outputs)
    at_x, at_w = (_addresses(array, places) for array in (x, w))
    blocks, groups = -(-outputs // lanes), -(-rows // f.body.outputs)
    size = depth * (blocks * lanes * sum(kind.itemsize for kind in f.stored) + groups * f.record_size)
    step = max(1, min(BATCH // max(size, 1), -(-count // wanted_tasks(macs * count))))
    geometry = columns(outputs, depth, lanes)

    def task(first: int, last: int) -> None:
        here = np.arange(last - first)
        planes = Planes(f.stored, (last - first, blocks, depth, lanes))
        step_k, step_n = (step // 4 for step in w.strides[-2:])
        f.store_panels(at_w[first:last], depth, outputs, step_k, step_n, planes, depth)
        records = np.empty((last - first, groups, depth, f.record_size), np.uint8)
        to = address(records) + here * records.strides[0]
        f.pack.each(len(here), at_x[first:last], to, rows, depth, *(step // 4 for step in x.strides[-2:]))
        for k, stop in depth_blocks(depth, accumulate):
            f.sums(
                len(here),
                vectors=planes.at,
                elements=planes.elements,
                taps=geometry.taps_at + 8 * k,
                depth=stop - k,
                starts=geometry.starts_at,
                origin=here * (blocks * depth * lanes),
                first_block=0,
                last_block=blocks,
                records=address(records) + here * records.strides[0] + k * f.record_size,
                group_stride=depth * f.record_size,
                first_group=0,
                last_group=groups,
                out=address(out) + (first + here) * out.strides[0],
                out_starts=geometry.out_starts_at,
                counts=geometry.counts_at,
                lane_stride=1,
                output_stride=outputs,
                outputs=rows,
                bias=address(start),
                resume=int(k > 0),
            )

    run_all([partial(task, first, min(first + step, count)) for first in range(0, count, step)])
    return out.reshape(*lead, rows, outputs)


def _addresses(array: np.ndarray, places: tuple[np.ndarray, ...]) -> np.ndarray:
    at = np.full(len(places[0]) if places else 1, address(array), np.int64)
    for place, step in zip(places, array.strides, strict=False):
        at += place * step
    return at
