"""The compiled functions of a body, called with NumPy arrays."""

from __future__ import annotations

import math
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.kernels import packing, tile
from golden.kernels.body import Body, Range, instance
from golden.kernels.calls import Function, address
from golden.kernels.emit import F32, F64, I32

__all__ = ["Functions", "Planes", "functions", "group_size", "magnitude_range", "underived"]

DTYPES = {F32: np.dtype(np.float32), F64: np.dtype(np.float64), I32: np.dtype(np.int32)}


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
        self.record_size = packing.offsets(body, scalar_is_weight)[1]
        self.stored = tuple(DTYPES[kind] for kind in body.stored(scalar_is_weight))
        self._table = 0 if body.table is None else address(body.table)
        self.copy = Function(packing.copy_module(body, scalar_is_weight), "copy", len(packing.COPY))
        self.pack = Function(packing.records_module(body, scalar_is_weight), "records", len(packing.RECORDS))
        accumulator = F64 if accumulate == "float64" else F32
        self._sums = Function(tile.sums_module(body, scalar_is_weight, accumulator), "sums", len(tile.SUMS))

    def prepare(self, source: np.ndarray, planes: Planes, target: np.ndarray) -> None:
        """Store ``source`` where ``target`` lies: a view of the first plane, of its shape, at most four-dimensional."""
        absent = 4 - source.ndim
        sizes = (1,) * absent + source.shape
        steps = (0,) * absent + tuple(step // 4 for step in source.strides)
        to = (0,) * absent + tuple(step // target.itemsize for step in target.strides)
        first = (address(target) - planes.at) // target.itemsize
        self.copy(address(source), planes.at, planes.elements, first, *sizes, *steps, *to)

    def store_panels(
        self, at: Any, depth: int, outputs: int, depth_stride: int, output_stride: int, planes: Planes, pitch: int
    ) -> None:
        """Store weights (depth, outputs), or one such matrix for each of an array of addresses, as panels.

        Planes have the shape (matrices, blocks, pitch, lanes), the pitch at least the depth; what they hold beyond the
        outputs stays.
        """
        lanes = self.body.lanes
        whole, rest = divmod(outputs, lanes)
        panel = pitch * lanes
        for block, blocks, width in ((0, whole, lanes), (whole, 1, rest)):
            if not blocks or not width:
                continue
            source: Any = at + 4 * block * lanes * output_stride
            first = block * panel
            sizes, steps, to = (
                (1, blocks, depth, width),
                (0, lanes * output_stride, depth_stride, output_stride),
                (0, panel, lanes, 1),
            )
            if isinstance(at, np.ndarray):
                first = first + np.arange(len(at)) * ((whole + (rest > 0)) * panel)
                self.copy.each(len(at), source, planes.at, planes.elements, first, *sizes, *steps, *to)
            else:
                self.copy(source, planes.at, planes.elements, first, *sizes, *steps, *to)

    def records(self, source: np.ndarray) -> np.ndarray:
        """Streams of scalar operands of shape (..., outputs, depth): bytes of shape (..., groups, depth, record).

        Leading dimensions are at most one, in steps of any size.
        """
        *lead, outputs, depth = source.shape
        groups = -(-outputs // self.body.outputs)
        target = np.empty((*lead, groups, depth, self.record_size), np.uint8)
        steps = [step // 4 for step in source.strides[-2:]]
        if lead:
            place = np.arange(lead[0])
            at, to = address(source) + place * source.strides[0], address(target) + place * target.strides[0]
            self.pack.each(lead[0], at, to, outputs, depth, *steps)
        else:
            self.pack(address(source), address(target), outputs, depth, *steps)
        return target

    def sums(self, count: int | None = None, **arguments: Any) -> None:
        """Run the tile loop once, or ``count`` times; arguments are those of ``tile.SUMS``, arrays by address."""
        values = map((arguments | {"table": self._table}).__getitem__, tile.SUMS)
        if count is None:
            self._sums(*values)
        else:
            self._sums.each(count, *values)


def functions(kind: type[Body], m: Multiplier, scalar_is_weight: bool, accumulate: str, outputs: int) -> Functions:
    """The functions of a body for layers of ``outputs`` scalars (rows or channels), compiled on first use."""
    group = group_size(outputs, kind.outputs)
    derived = kind.derives_images if scalar_is_weight else outputs >= kind.derives_from
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


@lru_cache(maxsize=1024)
def group_size(outputs: int, limit: int) -> int:
    """How many scalars to take at a time: few groups, of little padding, at moderate register pressure.

    The weights are measured: deriving the vector operand's streams costs about 0.8 of a product, and beyond six
    accumulators some operands live in memory.
    """
    return min(range(limit, 0, -1), key=lambda n: -(-max(outputs, 1) // n) * (n + 0.8 + 0.5 * (n > 6)))


@lru_cache(maxsize=1)
def _scan() -> Function:
    return Function(packing.scan_module(), "scan", len(packing.SCAN))


def magnitude_range(array: np.ndarray) -> Range:
    """The biased exponents of the non-zero values of a float32 array, whatever its strides."""
    if array.flags.forc:
        axes = [(array.size, 1)]
    else:
        axes = _merged(array)
        if len(axes) > 4:
            return magnitude_range(np.ascontiguousarray(array))
    result = np.empty(2, np.uint32)
    sizes, steps = zip(*((1, 0),) * (4 - len(axes)), *axes, strict=True)
    _scan()(address(array), address(result), *sizes, *steps)
    least, greatest = result.tolist()
    if greatest == 0:
        return Range(127, 127)  # zeros only: nothing can leave the range
    return Range((least + 1) >> 23, greatest >> 23)


def _merged(array: np.ndarray) -> list[tuple[int, int]]:
    """(size, step in elements) of the axes, outermost first; repeated elements once, adjoining axes as one."""
    if array.size == 0:
        return [(0, 1)]
    steps = zip(array.shape, (step // array.itemsize for step in array.strides), strict=True)
    axes: list[tuple[int, int]] = []
    for size, step in sorted((s for s in steps if s[0] > 1 and s[1]), key=lambda axis: -abs(axis[1])):
        if axes and axes[-1][1] == size * step:
            axes[-1] = (axes[-1][0] * size, step)
        else:
            axes.append((size, step))
    return axes or [(1, 1)]
