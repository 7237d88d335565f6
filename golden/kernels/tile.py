"""Code for tiles of sums: the loop around a body's products.

The function takes one address, of an array of int64 arguments in the order of ``SUMS``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    tiles = _Tiles(e, body, scalar_is_weight, accumulator)
    a = tiles.arguments
    with e.loop(a["first_group"], a["last_group"]) as index:
        group = tiles.group(index)
        with e.loop(a["first_block"], a["last_block"]) as block:
            tile = tiles.tile(group, block)
            tiles.begin(tile)
            if body.phases:
                tiles.add_terms_in_phases(tile)
            else:
                tiles.add_terms(tile)
            tiles.store(tile, tiles.results(tile))
    e.finish()
    return str(module)


class _Group(NamedTuple):
    """A group of scalars.

    Parameters
    ----------
    records
        Where their streams lie.
    first, used
        Its first output, and how many of its outputs there are.
    """

    records: Value
    first: Value
    used: Value


class _Tile(NamedTuple):
    """A group of scalars and a block of lanes.

    Parameters
    ----------
    group, block
        Which.
    vectors
        Where the block begins in each plane.
    out, count
        Where its first sum goes, and how many of its lanes there are.
    full
        Whether there are sums for all of them, stored lane by lane.
    """

    group: _Group
    block: Value
    vectors: list[Value]
    out: Value
    count: Value
    full: Value


class _Tiles:
    """Emits the parts of the tile loop, each where the builder stands.

    Parameters
    ----------
    e : Emitter
        Of a function that takes ``SUMS``.
    body : Body
        How products are computed.
    scalar_is_weight : bool
        Whether weights are the scalar operand.
    accumulator
        The type of a sum.
    """

    def __init__(self, e: Emitter, body: Body, scalar_is_weight: bool, accumulator: Any) -> None:
        self.e, self.b = e, e.builder
        self.body, self.scalar_is_weight, self.accumulator = body, scalar_is_weight, accumulator
        self.arguments = a = dict(zip(SUMS, (e.argument(i) for i in range(len(SUMS))), strict=True))
        names = ("vectors", "taps", "starts", "records", "out", "out_starts", "counts", "bias", "table")
        self.pointers = p = {name: e.pointer(a[name]) for name in names}
        e.table = p["table"]
        self.outputs, self.lanes = body.outputs, body.lanes
        self.stored, self.streams = body.stored(scalar_is_weight), body.streams(scalar_is_weight, True)
        self.places, self.record_size = offsets(body, scalar_is_weight)
        self.single, self.kind = vector(F32, self.lanes), vector(accumulator, self.lanes)
        # One for each output, its lanes in the body's order.
        self.sums = [e.slot(self.kind) for _ in range(self.outputs)]
        self.staging = e.slot(self.single, self.outputs)
        self.staged = e.slot(self.single, self.outputs * body.phases) if body.phases else None
        self.planes = planes(e, p["vectors"], a["elements"], self.stored)
        self.resumed = self.b.icmp_signed("!=", a["resume"], constant(I64, 0))

    # Where things lie

    def group(self, index: Value) -> _Group:
        """A group of scalars, by its number."""
        e, b, a, n = self.e, self.b, self.arguments, constant(I64, self.outputs)
        records = e.at(self.pointers["records"], b.mul(index, a["group_stride"]), 1)
        first = b.mul(index, n)
        remaining = b.sub(a["outputs"], first)
        return _Group(records, first, b.select(b.icmp_signed("<", remaining, n), remaining, n))

    def tile(self, group: _Group, block: Value) -> _Tile:
        """A group with a block of lanes, by its number."""
        e, b, a, p = self.e, self.b, self.arguments, self.pointers
        start = b.add(e.load(e.at(p["starts"], block, 8), I64, align=8), a["origin"])
        vectors = [e.at(plane, start, BYTES[kind]) for plane, kind in zip(self.planes, self.stored, strict=True)]
        out_start = e.load(e.at(p["out_starts"], block, 8), I64, align=8)
        out = e.at(p["out"], b.add(out_start, b.mul(group.first, a["output_stride"])), 4)
        count = e.load(e.at(p["counts"], block, 8), I64, align=8)
        lanes = b.icmp_signed("==", count, constant(I64, self.lanes))
        outputs = b.icmp_signed("==", group.used, constant(I64, self.outputs))
        full = b.and_(b.and_(lanes, outputs), b.icmp_signed("==", a["lane_stride"], constant(I64, 1)))
        return _Tile(group, block, vectors, out, count, full)

    def _row(self, tile: _Tile, j: int) -> Value:
        """Where output ``j`` of a full tile goes."""
        return self.e.at(tile.out, self.b.mul(constant(I64, j), self.arguments["output_stride"]), 4)

    def _element(self, tile: _Tile, j: Value, lane: Value) -> Value:
        """Where one sum of any tile goes."""
        b, a = self.b, self.arguments
        return self.e.at(tile.out, b.add(b.mul(j, a["output_stride"]), b.mul(lane, a["lane_stride"])), 4)

    def _place(self, j: Value, lane: Value) -> Value:
        """Where one sum waits between a whole vector and its place."""
        return self.e.at(self.staging, self.b.add(self.b.mul(j, constant(I64, self.lanes)), lane), 4)

    def _bias(self, tile: _Tile, j: int) -> Value:
        """The bias of output ``j``."""
        e, b, bias = self.e, self.b, self.pointers["bias"]
        if self.scalar_is_weight:
            return e.splat(e.load(e.at(bias, b.add(tile.group.first, constant(I64, j)), 4), F32), self.lanes)
        return e.load(e.at(bias, b.mul(tile.block, constant(I64, self.lanes)), 4), self.single)

    # The first term of every sum

    def begin(self, tile: _Tile) -> None:
        """Start the sums: from the bias, or from what is stored of them; in float64 from 0."""
        if self.accumulator == F64:
            for slot in self.sums:
                self.b.store(constant(self.kind, 0.0), slot)
            return
        with self.e.choice(self.resumed) as (then, otherwise):
            with then:
                self._reload(tile)
            with otherwise:
                for j, slot in enumerate(self.sums):
                    self._set(slot, self._bias(tile, j))

    def _reload(self, tile: _Tile) -> None:
        e = self.e
        with e.choice(tile.full) as (whole, partly):
            with whole:
                for j in range(self.outputs):
                    e.store(e.load(self._row(tile, j), self.single), self.staging, 4 * self.lanes * j)
            with partly, e.loop(0, tile.group.used) as j, e.loop(0, tile.count) as lane:
                e.store(e.load(self._element(tile, j, lane), F32), self._place(j, lane))
        for j, slot in enumerate(self.sums):
            self._set(slot, e.load(self.staging, self.single, 4 * self.lanes * j))

    def _set(self, slot: Value, value: Value) -> None:
        self.b.store(self.e.shuffle(value, value, self.body.order), slot)

    # The products

    def add_terms(self, tile: _Tile) -> None:
        """Add the products of every term."""
        with self.e.loop(0, self.arguments["depth"]) as k:
            for slot, pair in zip(self.sums, self._operands(tile, k), strict=True):
                self._add(slot, self.body.product(self.e, *pair), pair)

    def add_terms_in_phases(self, tile: _Tile) -> None:
        """Add them some terms at a time: their products, which are staged, then their sums."""
        e, b, body, depth = self.e, self.b, self.body, self.arguments["depth"]
        size = 4 * self.lanes
        with e.loop(0, depth, body.phases) as first:
            limit = b.add(first, constant(I64, body.phases))
            last = b.select(b.icmp_signed("<", limit, depth), limit, depth)

            def place(k: Value) -> Value:
                return e.at(self.staged, b.mul(b.sub(k, first), constant(I64, self.outputs)), size)

            body.begin(e)
            with e.loop(first, last) as k:
                staged = place(k)
                for j, pair in enumerate(self._operands(tile, k)):
                    e.store(body.product(e, *pair), staged, size * j, align=size)
            body.end(e)
            with e.loop(first, last) as k:
                staged = place(k)
                for j, (slot, pair) in enumerate(zip(self.sums, self._operands(tile, k), strict=True)):
                    self._add(slot, e.load(staged, self.single, size * j, align=size), pair)

    def _operands(self, tile: _Tile, k: Value) -> list[tuple[Streams, Streams]]:
        """(activation, weight) streams of each output at term k."""
        e, body, lanes = self.e, self.body, self.lanes
        tap = e.load(e.at(self.pointers["taps"], k, 8), I64, align=8)
        wide = tuple(
            e.load(e.at(plane, tap, BYTES[kind]), vector(kind, lanes))
            for plane, kind in zip(tile.vectors, self.stored, strict=True)
        )
        if not body.derived:
            wide = body.derive(e, wide[0], self.scalar_is_weight)
        record = e.at(tile.group.records, k, self.record_size)
        pairs = []
        for j in range(self.outputs):
            scalars = tuple(
                e.splat(e.load(record, kind, offset + BYTES[kind] * j), lanes)
                for kind, offset in zip(self.streams, self.places, strict=True)
            )
            pairs.append((wide, scalars) if self.scalar_is_weight else (scalars, wide))
        return pairs

    def _add(self, slot: Value, r: Value, pair: tuple[Streams, Streams]) -> None:
        self.b.store(self.body.add(self.e, self.b.load(slot, typ=self.kind), r, *pair), slot)

    # The results

    def results(self, tile: _Tile) -> list[Value]:
        """The sums as float32, their lanes in the order of memory, every NaN the canonical one."""
        e, b, order = self.e, self.b, self.body.order
        natural = [order.index(i) for i in range(self.lanes)]
        results = []
        for j, slot in enumerate(self.sums):
            value = b.load(slot, typ=self.kind)
            value = e.shuffle(value, value, natural)
            if self.accumulator == F64:
                # The bias last, then the one rounding.
                value = e.to(b.fadd(value, e.to(self._bias(tile, j), F64)), F32)
            ordered = b.fcmp_ordered("ord", value, value)
            quiet = e.floating(constant(vector(I32, self.lanes), 0x7FC00000))
            results.append(b.select(ordered, value, quiet))
        return results

    def store(self, tile: _Tile, results: list[Value]) -> None:
        """Store a full tile in whole vectors, and of any other only the sums that there are."""
        e = self.e
        with e.choice(tile.full) as (then, otherwise):
            with then:
                for j, value in enumerate(results):
                    e.store(value, self._row(tile, j))
            with otherwise:
                for j, value in enumerate(results):
                    e.store(value, self.staging, 4 * self.lanes * j)
                with e.loop(0, tile.group.used) as j, e.loop(0, tile.count) as lane:
                    e.store(e.load(self._place(j, lane), F32), self._element(tile, j, lane))
