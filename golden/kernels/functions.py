"""The compiled functions of a body, called with NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.kernels import packing, tile
from golden.kernels.bodies.body import Body, Range, instance
from golden.kernels.calls import Function, address
from golden.kernels.emit import F32, F64, I32

__all__ = ["Extents", "Functions", "Layout", "Planes", "functions", "group_size", "magnitude_range", "underived"]

DTYPES = {F32: np.dtype(np.float32), F64: np.dtype(np.float64), I32: np.dtype(np.int32)}


class Extents:
    """Which magnitudes packing has seen so far: of activations and of weights."""

    def __init__(self) -> None:
        self._words = _NOTHING.copy()
        self.activations_at = address(self._words)
        self.weights_at = self.activations_at + 8

    def ranges(self) -> tuple[Range, Range]:
        """The biased exponents of the non-zero values of both."""
        words = self._words.tolist()
        return _range(*words[:2]), _range(*words[2:])


_NOTHING = np.array([0xFFFFFFFF, 0] * 2, np.uint32)


def _range(least: int, greatest: int) -> Range:
    # Zeros only: nothing can leave the range.
    return Range((least + 1) >> 23, greatest >> 23) if greatest else Range(127, 127)


class Layout:
    """The vector operand as a kernel reads it: an array of one shape for each type stored, one after the other.

    Parameters
    ----------
    kinds : tuple of dtype
        What is stored of an element.
    shape : tuple of int
        Of every plane.
    beyond : int
        Elements that may be read behind the last.
    """

    def __init__(self, kinds: tuple[np.dtype, ...], shape: tuple[int, ...], beyond: int = 0) -> None:
        self.kinds, self.shape = kinds, shape
        # Every plane starts a cache line, if the first does.
        self.elements = -(-(math.prod(shape) + beyond) // 16) * 16
        self.nbytes = self.elements * sum(kind.itemsize for kind in kinds)


class Planes:
    """Memory of a ``Layout``, which takes the same parameters. All elements start as +0."""

    def __init__(self, kinds: tuple[np.dtype, ...], shape: tuple[int, ...], beyond: int = 0) -> None:
        self.layout = Layout(kinds, shape, beyond)
        self.elements = self.layout.elements
        self._memory = np.zeros(self.layout.nbytes + 64, np.uint8)
        start = address(self._memory)
        self._offset = -start % 64
        self.at = start + self._offset

    @property
    def first(self) -> np.ndarray:
        """The first plane."""
        kind, shape = self.layout.kinds[0], self.layout.shape
        return self._memory[self._offset :][: math.prod(shape) * kind.itemsize].view(kind).reshape(shape)

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
        self.sums = Function(tile.sums_module(body, scalar_is_weight, accumulator), "sums", len(tile.SUMS))

    def prepare(self, source: np.ndarray, planes: Planes, target: np.ndarray) -> None:
        """Store ``source`` where ``target`` lies: a view of the first plane, of its shape, at most four-dimensional."""
        absent = 4 - source.ndim
        sizes = (1,) * absent + source.shape
        steps = (0,) * absent + tuple(step // 4 for step in source.strides)
        to = (0,) * absent + tuple(step // target.itemsize for step in target.strides)
        first = (address(target) - planes.at) // target.itemsize
        seen = Extents()
        self.copy(address(source), planes.at, planes.elements, first, seen.activations_at, *sizes, *steps, *to)

    def panel_copies(
        self,
        source: Any,
        shape: tuple[int, int],
        steps: tuple[int, int],
        panels: Layout,
        target: int = 0,
        extent: int = 0,
    ) -> Iterator[tuple[Any, ...]]:
        """Arguments of the calls of ``copy`` that store weights (depth, outputs) as panels.

        Parameters
        ----------
        source : int or ndarray of int64
            Where they begin; of several matrices, the addresses.
        shape, steps : pair of int
            Depth and outputs; from one to the next, in elements.
        panels : Layout
            Of shape (blocks, at least depth, lanes), for several matrices with one dimension more in front.
        target, extent : int
            Addresses of the panels and of what ``Extents`` holds of weights.
        """
        (depth, outputs), lanes = shape, self.body.lanes
        whole, rest = divmod(outputs, lanes)
        panel = panels.shape[-2] * lanes
        first = np.arange(len(source)) * (panels.shape[-3] * panel) if isinstance(source, np.ndarray) else 0
        for block, blocks, width in ((0, whole, lanes), (whole, 1, rest)):
            if blocks and width:
                at = source + 4 * block * lanes * steps[1]
                sizes, from_, to = (1, blocks, depth, width), (0, lanes * steps[1], *steps), (0, panel, lanes, 1)
                yield at, target, panels.elements, first + block * panel, extent, *sizes, *from_, *to

    def records(self, source: np.ndarray) -> np.ndarray:
        """Streams of scalar operands of shape (..., outputs, depth): bytes of shape (..., groups, depth, record).

        Leading dimensions are at most one, in steps of any size.
        """
        *lead, outputs, depth = source.shape
        groups = -(-outputs // self.body.outputs)
        target, seen = np.empty((*lead, groups, depth, self.record_size), np.uint8), Extents()
        steps = [step // 4 for step in source.strides[-2:]]
        if lead:
            place = np.arange(lead[0])
            at, to = address(source) + place * source.strides[0], address(target) + place * target.strides[0]
            self.pack.each(lead[0], at, to, seen.weights_at, outputs, depth, *steps)
        else:
            self.pack(address(source), address(target), seen.weights_at, outputs, depth, *steps)
        return target

    def arguments(self, **arguments: Any) -> list[Any]:
        """Arguments of ``sums``, in order: those of ``tile.SUMS`` but for the table, arrays by address."""
        arguments["table"] = self._table
        return [arguments[name] for name in tile.SUMS]


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
    seen = Extents()
    sizes, steps = zip(*((1, 0),) * (4 - len(axes)), *axes, strict=True)
    _scan()(address(array), seen.activations_at, *sizes, *steps)
    return seen.ranges()[0]


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
