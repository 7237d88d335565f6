"""The compiled functions of a body, called with NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import lru_cache

import numpy as np

from golden.catalogue import Multiplier
from golden.kernels import tile
from golden.kernels.body import Body, Range, instance
from golden.kernels.emit import F32, F64
from golden.kernels.jit import compile_function

__all__ = ["Functions", "address", "functions", "group_size", "magnitude_range"]


def address(array: np.ndarray) -> int:
    """Where an array's first element lies; the caller keeps the array alive."""
    return array.__array_interface__["data"][0]


class Functions:
    """Packing and tile loops of one body for one role of the weights and one accumulator.

    Parameters
    ----------
    body : Body
        How products are computed.
    scalar_is_weight : bool
        Whether weights are the scalar operand and activations the vector one, or the other way round.
    accumulate : str
        ``float32`` or ``float64``.
    """

    def __init__(self, body: Body, scalar_is_weight: bool, accumulate: str) -> None:
        self.body = body
        self.record_size = tile.record_size(body, scalar_is_weight)
        self.dtype = np.dtype(np.float64 if body.element == F64 else np.float32)
        self._table = 0 if body.table is None else address(body.table)
        self._copy = compile_function(tile.copy_module(body), "copy")
        self._records = compile_function(tile.records_module(body, scalar_is_weight), "records")
        accumulator = F64 if accumulate == "float64" else F32
        self._sums = compile_function(tile.sums_module(body, scalar_is_weight, accumulator), "sums")

    def prepare(self, source: np.ndarray, target: np.ndarray) -> None:
        """target[...] = prepared source, for views of equal shape with at most four dimensions."""
        lead = (1,) * (4 - source.ndim)
        steps = [[0] * (4 - source.ndim) + [s // v.itemsize for s in v.strides] for v in (source, target)]
        shape = (*lead, *source.shape)
        self._run(self._copy, [address(source), address(target), *shape, *steps[0], *steps[1]])

    def records(self, source: np.ndarray) -> np.ndarray:
        """Streams of a scalar operand of shape (outputs, depth): bytes of shape (groups, depth, record)."""
        outputs, depth = source.shape
        groups = -(-outputs // self.body.outputs)
        target = np.empty((groups, depth, self.record_size), np.uint8)
        steps = [s // 4 for s in source.strides]
        self._run(self._records, [address(source), address(target), outputs, depth, *steps])
        return target

    def sums(self, **arguments: int) -> None:
        """Run the tile loop; arguments are those of ``tile.SUMS``, arrays by address."""
        self._run(self._sums, [*(arguments[name] for name in tile.SUMS[:-1]), self._table])

    @staticmethod
    def _run(function, arguments: Sequence[int]) -> None:
        array = np.array(arguments, np.int64)
        function(address(array))


def functions(kind: type[Body], m: Multiplier, scalar_is_weight: bool, accumulate: str, outputs: int) -> Functions:
    """The functions of a body for layers of ``outputs`` scalars (rows or channels), compiled on first use."""
    return _functions(kind, m, scalar_is_weight, accumulate, group_size(outputs, kind.outputs))


@lru_cache(maxsize=256)
def _functions(kind: type[Body], m: Multiplier, scalar_is_weight: bool, accumulate: str, group: int) -> Functions:
    body = copy(instance(kind, m))
    body.outputs = group
    return Functions(body, scalar_is_weight, accumulate)


def group_size(outputs: int, limit: int) -> int:
    """How many scalars to take at a time: few groups, of little padding, at moderate register pressure.

    The weights are measured: deriving the vector operand's streams costs about 0.8 of a product, and beyond six
    accumulators some operands live in memory.
    """
    return min(range(limit, 0, -1), key=lambda n: -(-max(outputs, 1) // n) * (n + 0.8 + 0.5 * (n > 6)))


@lru_cache(maxsize=1)
def _scan():
    return compile_function(tile.scan_module(), "scan")


def magnitude_range(array: np.ndarray) -> Range:
    """The biased exponents of the non-zero values of a contiguous float32 array."""
    result = np.empty(2, np.uint32)
    Functions._run(_scan(), [address(array), array.size, address(result)])
    least, greatest = int(result[0]), int(result[1])
    if greatest == 0:
        return Range(127, 127)  # zeros only: nothing can leave the range
    return Range((least + 1) >> 23, greatest >> 23)
