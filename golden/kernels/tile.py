"""Code for tiles of sums: the loop around a body's products.

The function takes one address, of an array of int64 arguments in the order of ``SUMS``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from golden.kernels.bodies.body import Body, Streams
from golden.kernels.emit import F32, F64, I32, I64, Emitter, Value, constant, vector
from golden.kernels.packing import BYTES, offsets, planes

__all__ = ["SUMS", "sums_module"]

SUMS = (
    "vectors",  # planes of the vector operand
    "elements",  # of each plane
    "taps",  # int64 [depth]: where element k of a sum lies, relative to the block's start
    "depth",
    "starts",  # int64 [blocks]: first element of each block of lanes
    "origin",  # added to each of them
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
    places, size = offsets(body, scalar_is_weight)
    streams = body.streams(scalar_is_weight, True)
    stored = body.stored(scalar_is_weight)
    single, kind = vector(F32, lanes), vector(accumulator, lanes)
    order, natural = body.order, [body.order.index(i) for i in range(lanes)]
    sums = [e.slot(kind) for _ in range(n)]
    staging = e.slot(single, n)
    staged = e.slot(single, n * body.phases) if body.phases else None
    parts = planes(e, p["vectors"], a["elements"], stored)
    one = constant(I64, 1)
    resumed = b.icmp_signed("!=", a["resume"], constant(I64, 0))

    with e.loop(a["first_group"], a["last_group"]) as g:
        records = e.at(p["records"], b.mul(g, a["group_stride"]), 1)
        first_output = b.mul(g, constant(I64, n))
        remaining = b.sub(a["outputs"], first_output)
        used = b.select(b.icmp_signed("<", remaining, constant(I64, n)), remaining, constant(I64, n))
        with e.loop(a["first_block"], a["last_block"]) as block:
            start = b.add(e.load(e.at(p["starts"], block, 8), I64, align=8), a["origin"])
            vectors = [e.at(plane, start, BYTES[kind]) for plane, kind in zip(parts, stored, strict=True)]
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
                        for kind, offset in zip(streams, places, strict=True)
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
