"""Code that reads operands: the exponent scan, and the copies that store them as the tile loop wants them.

Every function takes one address, of an array of int64 arguments in the order of the lists below. Where a layout turns
the operand's axes around, squares of ``COPIED`` elements are transposed in registers.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from llvmlite import ir

from golden.kernels.bodies.body import Body, prepare
from golden.kernels.emit import F32, F64, I32, I64, Emitter, Value, constant, vector

__all__ = ["BYTES", "COPY", "RECORDS", "SCAN", "copy_module", "offsets", "planes", "records_module", "scan_module"]

COPY = (
    *("source", "target", "elements", "first", "extent"),
    *(f"{k}{d}" for k in ("size", "from", "to") for d in range(4)),
)
"""target[first + i to] = what is stored of source[i from], i of four indices; strides in elements.

The target is a plane for each stored type, of ``elements`` elements, one after the other.
"""

SCAN = ("source", "extent", *(f"{k}{d}" for k in ("size", "step") for d in range(4)))
"""Reads only. Every function widens ``extent`` to what it has read: two uint32, the least non-zero magnitude less one
(all ones before there is any), and the greatest."""

RECORDS = ("source", "target", "extent", "outputs", "depth", "output_stride", "depth_stride")
"""Records of streams for the scalar operand: target[group, k] holds the streams of the group's outputs."""

BYTES = {F32: 4, I32: 4, F64: 8, I64: 8}
COPIED = 8  # elements stored at a time
AHEAD = 16  # rows
SCANNED = 32


def offsets(body: Body, scalar_is_weight: bool) -> tuple[list[int], int]:
    """Byte offsets of the streams within a record, and its size: wide streams first, so that all are aligned."""
    streams = body.streams(scalar_is_weight, True)
    found, total = [0] * len(streams), 0
    for index in sorted(range(len(streams)), key=lambda i: -BYTES[streams[i]]):
        found[index] = total
        total += BYTES[streams[index]] * body.outputs
    return found, -(-total // 8) * 8


def planes(e: Emitter, base: Value, elements: Value, kinds: tuple[Any, ...]) -> list[Value]:
    """Where the plane of each stored type begins."""
    starts = accumulate((BYTES[kind] for kind in kinds[:-1]), initial=0)
    return [e.at(base, e.builder.mul(elements, constant(I64, start)), 1) for start in starts]


def _started(name: str, layout: tuple[str, ...]) -> tuple[ir.Module, Emitter, dict[str, Value]]:
    module = ir.Module(name)
    e = Emitter(module, name)
    return module, e, dict(zip(layout, (e.argument(i) for i in range(len(layout))), strict=True))


class _Extent:
    """The magnitudes that a function has seen: in registers, for each number of lanes, until it ends."""

    def __init__(self, e: Emitter, *lanes: int) -> None:
        self.e = e
        self.slots = {n: (e.slot(vector(I32, n)), e.slot(vector(I32, n))) for n in (0, *lanes)}
        for n, (low, high) in self.slots.items():
            e.builder.store(constant(vector(I32, n), 0xFFFFFFFF), low)
            e.builder.store(constant(vector(I32, n), 0), high)

    def see(self, word: Value) -> None:
        """Take note of float32 words."""
        e, b = self.e, self.e.builder
        bits = word if e.element(word) == I32 else e.integer(word)
        slots = self.slots[bits.type.count if e.is_vector(bits) else 0]
        low, high = (b.load(slot, typ=bits.type) for slot in slots)
        magnitude = b.and_(bits, e.like(bits, 0x7FFFFFFF))
        # Flushed operands wrap around to the greatest unsigned value and so stay out of the minimum.
        zero = b.icmp_unsigned("<", magnitude, e.like(bits, 0x00800000))
        kept = b.select(zero, e.like(bits, 0), magnitude)
        b.store(e.call("llvm.umin", low, b.sub(kept, e.like(bits, 1))), slots[0])
        b.store(e.call("llvm.umax", high, kept), slots[1])

    def finish(self, target: Value) -> None:
        """Widen the two words at an address."""
        e = self.e
        for place, name in enumerate(("umin", "umax")):
            found = e.load(target, I32, 4 * place)
            for n, slots in self.slots.items():
                value = e.builder.load(slots[place], typ=vector(I32, n))
                value = e.declared(f"llvm.vector.reduce.{name}.v{n}i32", I32, value) if n else value
                found = e.call(f"llvm.{name}", found, value)
            e.store(found, target, 4 * place)


def copy_module(body: Body, scalar_is_weight: bool) -> str:
    """LLVM IR of the strided copy that stores the vector operand: ``COPY``."""
    module, e, a = _started("copy", COPY)
    b, one = e.builder, constant(I64, 1)
    copy = _Copy(e, a, body, scalar_is_weight)
    turns = b.and_(
        b.and_(b.icmp_signed("==", a["from2"], one), b.icmp_signed("==", a["to3"], one)),
        b.icmp_signed("!=", a["from3"], one),
    )
    with e.loop(0, a["size0"]) as i, e.loop(0, a["size1"]) as j:
        at = copy.moved(1, j, *copy.moved(0, i, e.pointer(a["source"]), a["first"]))
        with e.choice(turns) as (then, otherwise):
            with then:
                copy.turned(*at)
            with otherwise:
                copy.rows(*at, 0, constant(I64, 0))
    copy.extent.finish(e.pointer(a["extent"]))
    e.finish()
    return str(module)


class _Copy:
    """Emits the parts of the strided copy, each where the builder stands.

    Parameters
    ----------
    e : Emitter
        Of a function that takes ``COPY``.
    a : dict
        Its arguments.
    body : Body
        What is stored.
    scalar_is_weight : bool
        Whether the vector operand is the activations.
    """

    def __init__(self, e: Emitter, a: dict[str, Value], body: Body, scalar_is_weight: bool) -> None:
        self.e, self.b, self.a = e, e.builder, a
        self.body, self.scalar_is_weight = body, scalar_is_weight
        self.stored = body.stored(scalar_is_weight)
        self.targets = planes(e, e.pointer(a["target"]), a["elements"], self.stored)
        self.extent = _Extent(e, COPIED, 2 * COPIED)

    def _store(self, word: Value, place: Value) -> None:
        e, body = self.e, self.body
        self.extent.see(word)
        value = prepare(e, word, body.m, body.element)
        values = body.derive(e, value, self.scalar_is_weight) if body.derived else (value,)
        for value, plane, kind in zip(values, self.targets, self.stored, strict=True):
            e.store(value, e.at(plane, place, BYTES[kind]))

    def moved(self, d: int, index: Value, source: Value, place: Value) -> tuple[Value, Value]:
        """Where index ``d`` leads to, in the source and in the target."""
        b, a = self.b, self.a
        there = self.e.at(source, b.mul(index, a[f"from{d}"]), 4)
        return there, b.add(place, b.mul(index, a[f"to{d}"]))

    def rows(self, source: Value, place: Value, first2: Value | int, first3: Value) -> None:
        """Both inner indices, from a first one each, element by element but for whole vectors along the last one."""
        e, b, a = self.e, self.b, self.a
        with e.loop(first2, a["size2"]) as i:
            row = self.moved(2, i, source, place)
            ones = [b.icmp_signed("==", a[key], constant(I64, 1)) for key in ("from3", "to3")]
            whole = b.select(b.and_(*ones), b.and_(a["size3"], constant(I64, -COPIED)), constant(I64, 0))
            start = first3
            for lanes in (2 * COPIED, COPIED):
                stop = b.and_(whole, constant(I64, -lanes))
                with e.loop(start, stop, lanes) as j:
                    at, to = self.moved(3, j, *row)
                    # Rows of a matrix lie pages apart, where the processor looks ahead for nothing.
                    e.prefetch(e.at(at, b.mul(a["from2"], constant(I64, AHEAD)), 4))
                    self._store(e.load(at, vector(F32, lanes)), to)
                start = b.select(b.icmp_signed(">", stop, start), stop, start)
            with e.loop(start, a["size3"]) as j:
                at, to = self.moved(3, j, *row)
                self._store(e.load(at, F32), to)

    def turned(self, source: Value, place: Value) -> None:
        """Squares of the inner indices: contiguous along the first in the source, along the second in the target."""
        e, b, a = self.e, self.b, self.a
        whole2, whole3 = (b.and_(a[key], constant(I64, -COPIED)) for key in ("size2", "size3"))
        with e.loop(0, whole3, COPIED) as j:
            column = self.moved(3, j, source, place)
            with e.loop(0, whole2, COPIED) as i:
                at, to = self.moved(2, i, *column)
                starts = (e.at(at, b.mul(constant(I64, k), a["from3"]), 4) for k in range(COPIED))
                words = [e.load(start, vector(F32, COPIED)) for start in starts]
                for k, word in enumerate(e.transposed(words)):
                    self._store(word, b.add(to, b.mul(constant(I64, k), a["to2"])))
        # The edges: what whole squares leave below, then beside.
        with e.loop(whole2, a["size2"]) as i:
            row = self.moved(2, i, source, place)
            with e.loop(0, whole3) as j:
                at, to = self.moved(3, j, *row)
                self._store(e.load(at, F32), to)
        self.rows(source, place, 0, whole3)


def scan_module() -> str:
    """LLVM IR of the magnitude scan over four indices: ``SCAN``."""
    module, e, a = _started("scan", SCAN)
    b = e.builder
    extent = _Extent(e, SCANNED)

    def at(d: int, index: Value, source: Value) -> Value:
        return e.at(source, b.mul(index, a[f"step{d}"]), 4)

    dense = b.icmp_signed("==", a["step3"], constant(I64, 1))
    whole = b.select(dense, b.and_(a["size3"], constant(I64, -SCANNED)), constant(I64, 0))
    with e.loop(0, a["size0"]) as i, e.loop(0, a["size1"]) as j, e.loop(0, a["size2"]) as k:
        row = at(2, k, at(1, j, at(0, i, e.pointer(a["source"]))))
        with e.loop(0, whole, SCANNED) as n:
            extent.see(e.load(at(3, n, row), vector(I32, SCANNED)))
        with e.loop(whole, a["size3"]) as n:
            extent.see(e.load(at(3, n, row), I32))
    extent.finish(e.pointer(a["extent"]))
    e.finish()
    return str(module)


def records_module(body: Body, scalar_is_weight: bool) -> str:
    """LLVM IR that packs the scalar operand: ``RECORDS``."""
    module, e, a = _started("records", RECORDS)
    b = e.builder
    source, target = e.pointer(a["source"]), e.pointer(a["target"])
    places, size = offsets(body, scalar_is_weight)
    kinds = body.streams(scalar_is_weight, True)
    n = body.outputs
    groups = b.sdiv(b.add(a["outputs"], constant(I64, n - 1)), constant(I64, n))
    dense = b.icmp_signed("==", a["depth_stride"], constant(I64, 1))
    whole = b.select(dense, b.and_(a["depth"], constant(I64, -COPIED)), constant(I64, 0))

    extent = _Extent(e, COPIED)

    def streams(word: Value) -> tuple[Value, ...]:
        value = prepare(e, word, body.m, body.element)
        return (body.weight if scalar_is_weight else body.activation)(e, value, True)

    with e.loop(0, groups) as g:
        first = b.mul(g, constant(I64, n))
        rows = []
        for j in range(n):
            output = b.add(first, constant(I64, j))
            # Outputs beyond the last repeat it; their sums are computed and not stored.
            inside = b.icmp_signed("<", output, a["outputs"])
            output = b.select(inside, output, b.sub(a["outputs"], constant(I64, 1)))
            rows.append(e.at(source, b.mul(output, a["output_stride"]), 4))
        records = e.at(target, b.mul(g, a["depth"]), size)
        with e.loop(0, whole, COPIED) as k:
            record = e.at(records, k, size)
            for start in range(0, n, COPIED):
                part = rows[start : start + COPIED]
                words = [e.load(e.at(row, k, 4), vector(F32, COPIED)) for row in part]
                for word in words:
                    extent.see(word)
                for i, column in enumerate(e.transposed(words)):
                    for kind, place, stream in zip(kinds, places, streams(column), strict=True):
                        e.store(e.first(stream, len(part)), record, i * size + place + BYTES[kind] * start)
        with e.loop(whole, a["depth"]) as k:
            record = e.at(records, k, size)
            for j, row in enumerate(rows):
                word = e.load(e.at(row, b.mul(k, a["depth_stride"]), 4), F32)
                extent.see(word)
                derived = streams(word)
                for kind, place, stream in zip(kinds, places, derived, strict=True):
                    e.store(stream, record, place + BYTES[kind] * j)
    extent.finish(e.pointer(a["extent"]))
    e.finish()
    return str(module)
