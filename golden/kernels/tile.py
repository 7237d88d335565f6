"""Code for the loops around a body: packing, the exponent scan, and tiles of sums.

Every function takes one address, of an array of int64 arguments in the order of the lists below.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from llvmlite import ir

from golden.kernels.body import Body, Streams, prepare
from golden.kernels.emit import F32, F64, I32, I64, Emitter, Value, constant, vector

__all__ = [
    "COPY",
    "RECORDS",
    "SCAN",
    "SUMS",
    "copy_module",
    "record_size",
    "records_module",
    "scan_module",
    "sums_module",
]

COPY = ("source", "target", "elements", "first", *(f"{k}{d}" for k in ("size", "from", "to") for d in range(4)))
"""target[first + i to] = what is stored of source[i from], i of four indices; strides in elements.

The target is a plane for each stored type, of ``elements`` elements, one after the other.
"""

SCAN = ("source", "size", "result")
"""result: two uint32, the least non-zero magnitude less one (all ones where there is none) and the greatest."""

RECORDS = ("source", "target", "outputs", "depth", "output_stride", "depth_stride")
"""Records of streams for the scalar operand: target[group, k] holds the streams of the group's outputs."""

SUMS = (
    "vectors",  # planes of the vector operand
    "elements",  # of each plane
    "taps",  # int64 [depth]: where element k of a sum lies, relative to the block's start
    "depth",
    "starts",  # int64 [blocks]: first element of each block of lanes
    "first_block",
    "last_block",
    "records",  # streams of the scalar operand, from the first k on
    "group_stride",  # bytes from group to group
    "first_group",
    "last_group",
    "out",  # float32
    "out_starts",  # int64 [blocks]
    "counts",  # int64 [blocks]: lanes in use
    "lane_stride",  # of out, in elements
    "output_stride",
    "outputs",
    "bias",  # float32, padded to whole groups or blocks
    "resume",  # 1: the sums continue from out
    "table",  # uint32, for bodies that look products up
)
"""Sums of products: one output per lane of a block and scalar of a group."""

BYTES = {F32: 4, I32: 4, F64: 8, I64: 8}
COPIED = 8  # elements stored at a time


def _align(body_bytes: int) -> int:
    return -(-body_bytes // 8) * 8


def _offsets(body: Body, scalar_is_weight: bool) -> tuple[list[int], int]:
    """Byte offsets of the streams within a record, and its size: wide streams first, so that all are aligned."""
    streams = body.streams(scalar_is_weight, True)
    offsets, total = [0] * len(streams), 0
    for index in sorted(range(len(streams)), key=lambda i: -BYTES[streams[i]]):
        offsets[index] = total
        total += BYTES[streams[index]] * body.outputs
    return offsets, _align(total)


def record_size(body: Body, scalar_is_weight: bool) -> int:
    """Bytes of the streams of one group of outputs at one k."""
    return _offsets(body, scalar_is_weight)[1]


def _planes(e: Emitter, base: Value, elements: Value, kinds: tuple[Any, ...]) -> list[Value]:
    starts = accumulate((BYTES[kind] for kind in kinds[:-1]), initial=0)
    return [e.at(base, e.builder.mul(elements, constant(I64, start)), 1) for start in starts]


def copy_module(body: Body, scalar_is_weight: bool) -> str:
    """LLVM IR of the strided copy that stores the vector operand: ``COPY``."""
    module = ir.Module("copy")
    e = Emitter(module, "copy")
    arguments = dict(zip(COPY, (e.argument(i) for i in range(len(COPY))), strict=True))
    stored = body.stored(scalar_is_weight)
    planes = _planes(e, e.pointer(arguments["target"]), arguments["elements"], stored)
    b = e.builder

    def copy(source: Value, place: Value, lanes: int) -> None:
        value = prepare(e, e.load(source, vector(F32, lanes)), body.m, body.element)
        values = body.derive(e, value, scalar_is_weight) if body.derived else (value,)
        for value, plane, kind in zip(values, planes, stored, strict=True):
            e.store(value, e.at(plane, place, BYTES[kind]))

    def level(d: int, source: Value, place: Value) -> None:
        def at(index: Value) -> tuple[Value, Value]:
            moved = e.at(source, b.mul(index, arguments[f"from{d}"]), 4)
            return moved, b.add(place, b.mul(index, arguments[f"to{d}"]))

        if d < 3:
            with e.loop(0, arguments[f"size{d}"]) as i:
                level(d + 1, *at(i))
            return
        ones = [b.icmp_signed("==", arguments[key], constant(I64, 1)) for key in ("from3", "to3")]
        vectors = b.and_(arguments["size3"], constant(I64, -COPIED))
        whole = b.select(b.and_(*ones), vectors, constant(I64, 0))
        with e.loop(0, whole, COPIED) as i:
            copy(*at(i), COPIED)
        with e.loop(whole, arguments["size3"]) as i:
            copy(*at(i), 0)

    level(0, e.pointer(arguments["source"]), arguments["first"])
    e.finish()
    return str(module)


def scan_module() -> str:
    """LLVM IR of the magnitude scan: ``SCAN``."""
    module = ir.Module("scan")
    e = Emitter(module, "scan")
    source, size, result = e.pointer(e.argument(0)), e.argument(1), e.pointer(e.argument(2))
    lanes = 32
    wide = vector(I32, lanes)
    b = e.builder
    least, greatest = e.slot(wide), e.slot(wide)
    b.store(constant(wide, 0xFFFFFFFF), least)
    b.store(constant(wide, 0), greatest)

    def visit(word: Value, low: Value, high: Value) -> tuple[Value, Value]:
        magnitude = b.and_(word, e.like(word, 0x7FFFFFFF))
        # Flushed operands wrap around to the greatest unsigned value and so stay out of the minimum.
        zero = b.icmp_unsigned("<", magnitude, e.like(word, 0x00800000))
        kept = b.select(zero, e.like(word, 0), magnitude)
        return e.call("llvm.umin", low, b.sub(kept, e.like(word, 1))), e.call("llvm.umax", high, kept)

    whole = b.and_(size, constant(I64, -lanes))
    with e.loop(0, whole, lanes) as i:
        low, high = visit(e.load(e.at(source, i, 4), wide), b.load(least, typ=wide), b.load(greatest, typ=wide))
        b.store(low, least)
        b.store(high, greatest)
    low = e.declared(f"llvm.vector.reduce.umin.v{lanes}i32", I32, b.load(least, typ=wide))
    high = e.declared(f"llvm.vector.reduce.umax.v{lanes}i32", I32, b.load(greatest, typ=wide))
    e.store(low, result)
    e.store(high, result, 4)
    with e.loop(whole, size) as i:
        low, high = visit(e.load(e.at(source, i, 4), I32), e.load(result, I32), e.load(result, I32, 4))
        e.store(low, result)
        e.store(high, result, 4)
    e.finish()
    return str(module)


def records_module(body: Body, scalar_is_weight: bool) -> str:
    """LLVM IR that packs the scalar operand: ``RECORDS``."""
    module = ir.Module("records")
    e = Emitter(module, "records")
    b = e.builder
    arguments = dict(zip(RECORDS, (e.argument(i) for i in range(len(RECORDS))), strict=True))
    source, target = e.pointer(arguments["source"]), e.pointer(arguments["target"])
    offsets, size = _offsets(body, scalar_is_weight)
    streams = body.streams(scalar_is_weight, True)
    n = body.outputs
    groups = b.sdiv(b.add(arguments["outputs"], constant(I64, n - 1)), constant(I64, n))
    with e.loop(0, groups) as g, e.loop(0, arguments["depth"]) as k:
        record = e.at(target, b.add(b.mul(g, arguments["depth"]), k), size)
        for j in range(n):
            output = b.add(b.mul(g, constant(I64, n)), constant(I64, j))
            inside = b.icmp_signed("<", output, arguments["outputs"])
            # Outputs beyond the last repeat it; their sums are computed and not stored.
            output = b.select(inside, output, b.sub(arguments["outputs"], constant(I64, 1)))
            place = b.add(b.mul(output, arguments["output_stride"]), b.mul(k, arguments["depth_stride"]))
            value = prepare(e, e.load(e.at(source, place, 4), F32), body.m, body.element)
            derived = (body.weight if scalar_is_weight else body.activation)(e, value, True)
            for kind, offset, stream in zip(streams, offsets, derived, strict=True):
                e.store(stream, record, offset + BYTES[kind] * j)
    e.finish()
    return str(module)


def sums_module(body: Body, scalar_is_weight: bool, accumulator: Any) -> str:
    """LLVM IR of the tile loop: ``SUMS``."""
    module = ir.Module("sums")
    e = Emitter(module, "sums")
    b = e.builder
    a = dict(zip(SUMS, (e.argument(i) for i in range(len(SUMS))), strict=True))
    names = ("vectors", "taps", "starts", "records", "out", "out_starts", "counts", "bias", "table")
    p = {name: e.pointer(a[name]) for name in names}
    e.table = p["table"]
    n, lanes = body.outputs, body.lanes
    offsets, size = _offsets(body, scalar_is_weight)
    streams = body.streams(scalar_is_weight, True)
    stored = body.stored(scalar_is_weight)
    single, kind = vector(F32, lanes), vector(accumulator, lanes)
    order, natural = body.order, [body.order.index(i) for i in range(lanes)]
    sums = [e.slot(kind) for _ in range(n)]
    staging = e.slot(single, n)
    staged = e.slot(single, n * body.phases) if body.phases else None
    planes = _planes(e, p["vectors"], a["elements"], stored)
    one = constant(I64, 1)
    resumed = b.icmp_signed("!=", a["resume"], constant(I64, 0))

    with e.loop(a["first_group"], a["last_group"]) as g:
        records = e.at(p["records"], b.mul(g, a["group_stride"]), 1)
        first_output = b.mul(g, constant(I64, n))
        remaining = b.sub(a["outputs"], first_output)
        used = b.select(b.icmp_signed("<", remaining, constant(I64, n)), remaining, constant(I64, n))
        with e.loop(a["first_block"], a["last_block"]) as block:
            start = e.load(e.at(p["starts"], block, 8), I64, align=8)
            vectors = [e.at(plane, start, BYTES[kind]) for plane, kind in zip(planes, stored, strict=True)]
            out_start = e.load(e.at(p["out_starts"], block, 8), I64, align=8)
            out = e.at(p["out"], b.add(out_start, b.mul(first_output, a["output_stride"])), 4)
            count = e.load(e.at(p["counts"], block, 8), I64, align=8)

            def element(j: Value, lane: Value, out: Value = out) -> Value:
                place = b.add(b.mul(j, a["output_stride"]), b.mul(lane, a["lane_stride"]))
                return e.at(out, place, 4)

            def bias_of(j: int, block: Value = block, first_output: Value = first_output) -> Value:
                if scalar_is_weight:
                    index = b.add(first_output, constant(I64, j))
                    return e.splat(e.load(e.at(p["bias"], index, 4), F32), lanes)
                return e.load(e.at(p["bias"], b.mul(block, constant(I64, lanes)), 4), single)

            full = b.and_(
                b.and_(b.icmp_signed("==", count, constant(I64, lanes)), b.icmp_signed("==", used, constant(I64, n))),
                b.icmp_signed("==", a["lane_stride"], one),
            )

            # The first term of every sum.
            if accumulator == F64:
                for slot in sums:
                    b.store(constant(kind, 0.0), slot)
            else:
                with e.choice(resumed) as (then, otherwise):
                    with then:
                        with e.choice(full) as (whole, partly):
                            with whole:
                                for j in range(n):
                                    value = e.load(e.at(out, b.mul(constant(I64, j), a["output_stride"]), 4), single)
                                    e.store(value, staging, 4 * lanes * j)
                            with partly, e.loop(0, used) as j, e.loop(0, count) as lane:
                                value = e.load(element(j, lane), F32)
                                e.store(value, e.at(staging, b.add(b.mul(j, constant(I64, lanes)), lane), 4))
                        for j, slot in enumerate(sums):
                            value = e.load(staging, single, 4 * lanes * j)
                            b.store(e.shuffle(value, value, order), slot)
                    with otherwise:
                        for j, slot in enumerate(sums):
                            value = bias_of(j)
                            b.store(e.shuffle(value, value, order), slot)

            def operands(k: Value, vectors: list[Value] = vectors, records: Value = records) -> list[Streams]:
                """(activation, weight) streams of each output at term k."""
                tap = e.load(e.at(p["taps"], k, 8), I64, align=8)
                wide = tuple(
                    e.load(e.at(plane, tap, BYTES[kind]), vector(kind, lanes))
                    for plane, kind in zip(vectors, stored, strict=True)
                )
                if not body.derived:
                    wide = body.derive(e, wide[0], scalar_is_weight)
                record = e.at(records, k, size)
                pairs = []
                for j in range(n):
                    scalars = tuple(
                        e.splat(e.load(record, kind, offset + BYTES[kind] * j), lanes)
                        for kind, offset in zip(streams, offsets, strict=True)
                    )
                    pairs.append((wide, scalars) if scalar_is_weight else (scalars, wide))
                return pairs

            def add(slot: Value, r: Value, pair: Streams) -> None:
                b.store(body.add(e, b.load(slot, typ=kind), r, *pair), slot)

            if body.phases == 0:
                with e.loop(0, a["depth"]) as k:
                    for slot, pair in zip(sums, operands(k), strict=True):
                        add(slot, body.product(e, *pair), pair)
            else:
                with e.loop(0, a["depth"], body.phases) as first:
                    limit = b.add(first, constant(I64, body.phases))
                    last = b.select(b.icmp_signed("<", limit, a["depth"]), limit, a["depth"])
                    body.begin(e)
                    with e.loop(first, last) as k:
                        place = e.at(staged, b.mul(b.sub(k, first), constant(I64, n)), 4 * lanes)
                        for j, pair in enumerate(operands(k)):
                            e.store(body.product(e, *pair), place, 4 * lanes * j, align=4 * lanes)
                    body.end(e)
                    with e.loop(first, last) as k:
                        place = e.at(staged, b.mul(b.sub(k, first), constant(I64, n)), 4 * lanes)
                        for j, (slot, pair) in enumerate(zip(sums, operands(k), strict=True)):
                            add(slot, e.load(place, single, 4 * lanes * j, align=4 * lanes), pair)

            results = []
            for j, slot in enumerate(sums):
                value = b.load(slot, typ=kind)
                value = e.shuffle(value, value, natural)
                if accumulator == F64:
                    # The bias last, then the one rounding.
                    value = e.to(b.fadd(value, e.to(bias_of(j), F64)), F32)
                ordered = b.fcmp_ordered("ord", value, value)
                quiet = e.floating(constant(vector(I32, lanes), 0x7FC00000))
                results.append(b.select(ordered, value, quiet))
            with e.choice(full) as (then, otherwise):
                with then:
                    for j, value in enumerate(results):
                        e.store(value, e.at(out, b.mul(constant(I64, j), a["output_stride"]), 4))
                with otherwise:
                    for j, value in enumerate(results):
                        e.store(value, staging, 4 * lanes * j)
                    with e.loop(0, used) as j, e.loop(0, count) as lane:
                        index = b.add(b.mul(j, constant(I64, lanes)), lane)
                        e.store(e.load(e.at(staging, index, 4), F32), element(j, lane))
    e.finish()
    return str(module)
