"""The compiled functions of a body, called with NumPy arrays."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from copy import copy
from functools import lru_cache

import numpy as np

from golden.catalogue import Multiplier
from golden.kernels import tile
from golden.kernels.body import Body, Range, instance
from golden.kernels.emit import F32, F64, I32
from golden.kernels.jit import compile_function

__all__ = ["Functions", "Planes", "address", "call", "functions", "group_size", "magnitude_range", "underived"]

DTYPES = {F32: np.dtype(np.float32), F64: np.dtype(np.float64), I32: np.dtype(np.int32)}


def address(array: np.ndarray) -> int:
    """Where an array's first element lies; the caller keeps the array alive."""
    return array.__array_interface__["data"][0]


def call(function: Callable[[bytes], None], *arguments: int) -> None:
    """Call a compiled function."""
    # Packed bytes cost half of what an array of arguments does, and small layers are all calls.
    function(_FORMATS[len(arguments)].pack(*arguments))


_FORMATS = [struct.Struct(f"{count}q") for count in range(len(tile.SUMS) + 1)]


class Planes:
    """The vector operand as a kernel reads it: an array of one shape for each type stored, one after the other.

    Parameters
    ----------
    kinds : tuple of dtype
        What is stored of an element.
    shape : tuple of int
        Of every plane. All elements start as +0.
    beyond : int
        Elements that may be read behind the last.
    """

    def __init__(self, kinds: tuple[np.dtype, ...], shape: tuple[int, ...], beyond: int = 0) -> None:
        # Every plane starts a cache line, if the first does.
        self.elements = -(-(math.prod(shape) + beyond) // 16) * 16
        self._memory = np.zeros(self.elements * sum(kind.itemsize for kind in kinds) + 64, np.uint8)
        data = self._memory[-address(self._memory) % 64 :]
        self.first = data[: math.prod(shape) * kinds[0].itemsize].view(kinds[0]).reshape(shape)
        self.at = address(data)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._memory.nbytes


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
        self.accumulate = accumulate
        self.scalar_is_weight = scalar_is_weight
        self.record_size = tile.record_size(body, scalar_is_weight)
        self.stored = tuple(DTYPES[kind] for kind in body.stored(scalar_is_weight))
        self._table = 0 if body.table is None else address(body.table)
        self._copy = compile_function(tile.copy_module(body, scalar_is_weight), "copy")
        self._records = compile_function(tile.records_module(body, scalar_is_weight), "records")
        accumulator = F64 if accumulate == "float64" else F32
        self._sums = compile_function(tile.sums_module(body, scalar_is_weight, accumulator), "sums")

    def prepare(self, source: np.ndarray, planes: Planes, target: np.ndarray) -> None:
        """Store ``source`` where ``target`` lies: a view of the first plane, of its shape, at most four-dimensional."""
        lead = (1,) * (4 - source.ndim)
        steps = [[0] * (4 - source.ndim) + [s // v.itemsize for s in v.strides] for v in (source, target)]
        first = (address(target) - planes.at) // target.itemsize
        shape = (*lead, *source.shape)
        call(self._copy, address(source), planes.at, planes.elements, first, *shape, *steps[0], *steps[1])

    def records(self, source: np.ndarray) -> np.ndarray:
        """Streams of a scalar operand of shape (outputs, depth): bytes of shape (groups, depth, record)."""
        outputs, depth = source.shape
        groups = -(-outputs // self.body.outputs)
        target = np.empty((groups, depth, self.record_size), np.uint8)
        steps = [s // 4 for s in source.strides]
        call(self._records, address(source), address(target), outputs, depth, *steps)
        return target

    def sums(self, **arguments: int) -> None:
        """Run the tile loop; arguments are those of ``tile.SUMS``, arrays by address."""
        call(self._sums, *(arguments[name] for name in tile.SUMS[:-1]), self._table)


def functions(kind: type[Body], m: Multiplier, scalar_is_weight: bool, accumulate: str, outputs: int) -> Functions:
    """The functions of a body for layers of ``outputs`` scalars (rows or channels), compiled on first use."""
    group = group_size(outputs, kind.outputs)
    # Taps of a convolution use an element again and again, but in a matrix product each group of rows uses it once.
    derived = kind.derived and (scalar_is_weight or outputs > 2 * group)
    return _functions(kind, m, scalar_is_weight, accumulate, group, derived)


def underived(f: Functions) -> Functions:
    """The same functions, but for streams of the vector operand, which are derived as it is read."""
    body = f.body
    return _functions(type(body), body.m, f.scalar_is_weight, f.accumulate, body.outputs, False)


@lru_cache(maxsize=256)
def _functions(
    kind: type[Body], m: Multiplier, scalar_is_weight: bool, accumulate: str, group: int, derived: bool
) -> Functions:
    body = copy(instance(kind, m))
    body.outputs, body.derived = group, derived
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
    call(_scan(), address(array), array.size, address(result))
    least, greatest = int(result[0]), int(result[1])
    if greatest == 0:
        return Range(127, 127)  # zeros only: nothing can leave the range
    return Range((least + 1) >> 23, greatest >> 23)
