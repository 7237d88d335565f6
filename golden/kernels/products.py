"""Matrix products on compiled bodies: packing, blocking, threads.

Every sum runs over its k in order, whatever the blocks: a block of k continues from the float32 accumulators that the
one before it stored. Results therefore do not depend on block sizes, batch or threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from golden.kernels.functions import Functions, address
from golden.kernels.geometry import columns
from golden.kernels.pool import run_all, threads

__all__ = ["PackedWeights", "depth_blocks", "matmul", "pack_matmul", "shares"]

DEPTH = 512
"""Terms of a sum per block: the records of a group and a block of lanes stay close to the core."""
ROWS = 64
COLUMNS = 256
"""Outputs per call of the tile loop: its lanes stay in the second-level cache."""


@dataclass(frozen=True)
class PackedWeights:
    """Weights as a kernel reads them."""

    data: np.ndarray
    outputs: int
    depth: int

    @property
    def size(self) -> int:
        """Bytes held."""
        return self.data.nbytes


def _panels(f: Functions, w: np.ndarray) -> np.ndarray:
    """(K, N) -> (blocks, K, lanes), prepared, zeros beyond N."""
    depth, outputs = w.shape
    lanes = f.body.lanes
    whole, rest = divmod(outputs, lanes)
    panels = np.zeros((whole + (rest > 0), depth, lanes), f.dtype)
    if whole:
        source = w[:, : whole * lanes]
        step_k, step_n = source.strides
        blocks = np.lib.stride_tricks.as_strided(source, (whole, depth, lanes), (lanes * step_n, step_k, step_n))
        f.prepare(blocks, panels[:whole])
    if rest:
        f.prepare(w[:, whole * lanes :], panels[whole, :, :rest])
    return panels


def pack_matmul(f: Functions, w: np.ndarray) -> PackedWeights:
    """Pack weights (K, N) for ``matmul``."""
    return PackedWeights(_panels(f, w), w.shape[1], w.shape[0])


def depth_blocks(depth: int, accumulate: str) -> list[tuple[int, int]]:
    """(first, last) terms of each pass over the sums."""
    # A float64 accumulator does not survive in a float32 output, so those sums run in one go. Depth 0 is one block too:
    # it stores the bias.
    step = DEPTH if accumulate == "float32" else max(depth, 1)
    return [(k, min(k + step, depth)) for k in range(0, max(depth, 1), step)]


def matmul(f: Functions, x: np.ndarray, w: PackedWeights, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(M, K) x packed (K, N) -> (M, N), lanes over N."""
    rows, depth = x.shape
    out = np.empty((rows, w.outputs), np.float32)
    if out.size == 0:
        return out
    lanes, group = f.body.lanes, f.body.outputs
    geometry = columns(w.outputs, depth, lanes)
    blocks = len(geometry.starts)
    start = np.zeros(blocks * lanes, np.float32)
    if bias is not None:
        start[: w.outputs] = bias
    lane_blocks = max(1, COLUMNS // lanes)
    vectors, out_at, bias_at = address(w.data), address(out), address(start)

    def task(first: int, last: int, first_block: int, last_block: int) -> None:
        records = f.records(x[first:last])
        records_at = address(records)
        for k, stop in depth_blocks(depth, accumulate):
            for block in range(first_block, last_block, lane_blocks):
                f.sums(
                    vectors=vectors,
                    taps=geometry.taps_at + 8 * k,
                    depth=stop - k,
                    starts=geometry.starts_at,
                    first_block=block,
                    last_block=min(block + lane_blocks, last_block),
                    records=records_at + k * f.record_size,
                    group_stride=depth * f.record_size,
                    first_group=0,
                    last_group=records.shape[0],
                    out=out_at + 4 * first * w.outputs,
                    out_starts=geometry.out_starts_at,
                    counts=geometry.counts_at,
                    lane_stride=1,
                    output_stride=w.outputs,
                    outputs=last - first,
                    bias=bias_at,
                    resume=int(k > 0),
                )

    step = max(group, min(ROWS, -(-rows // threads() // group) * group))
    pieces = [(row, min(row + step, rows)) for row in range(0, rows, step)]
    # Few rows: the threads share out the columns instead.
    split = max(1, min(blocks, threads() // len(pieces))) if len(pieces) < threads() else 1
    run_all([partial(task, *piece, *part) for piece in pieces for part in shares(blocks, split)])
    return out


def shares(total: int, parts: int) -> list[tuple[int, int]]:
    """(first, last) of ``parts`` nearly equal parts."""
    return [(total * i // parts, total * (i + 1) // parts) for i in range(parts)]
