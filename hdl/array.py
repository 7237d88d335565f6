r"""A weight-stationary systolic array with streams at every side.

::

                     sums (C words)      weights (C words, row 0 first)
                        |  skewed by column       |
                        v                         v
    activations    +------+  +------+  +------+
    (R words) ---->|  PE  |->|  PE  |->|  PE  |    row 0
      skewed       +------+  +------+  +------+
      by row       |  PE  |->|  PE  |->|  PE  |    row 1
                   +------+  +------+  +------+
                        |  skewed back
                        v
                     results (C words)

Row r adds the product of activation r, so a column sums in sequence: acc = sum; for r = 0 .. R-1: acc = add(acc,
mul(a_r, w_rc)).

Times, in cycles in which the array moves, with D = ``adder_stages`` and a vector that enters at 0: activation r reaches
column c at r D + c, the sum from above reaches the adder there at r D + c + 1 + ``stages``. So row r's activations are
delayed by r D, column c's sums by c + 1 + ``stages``, and column c's results by C - 1 - c.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from hdl.bits import Word, word_of
from hdl.checks import CheckedComponent, check_multiplier
from hdl.limits import check_adder_stages, check_shape
from hdl.pe import ProcessingElement, delay, pe_signature

__all__ = ["SystolicArray", "array_latency", "tile_interval"]

Grid = list[list[Any]]
"""Processing elements, row by row."""


def array_latency(rows: int, columns: int, stages: int, adder_stages: int) -> int:
    """Cycles from a vector to its result in an array of this shape."""
    return 1 + stages + rows * adder_stages + columns - 1


def tile_interval(rows: int, adder_stages: int) -> int:
    """Least cycles between the first vectors of two tiles in an array of this shape."""
    # The first vector reaches the last row (R - 1) D cycles after it entered. In that cycle the row's next weights may
    # come, and in the next one the next tile may begin. D >= 1, so one row per cycle is fast enough.
    return (rows - 1) * adder_stages + 1


class SystolicArray(CheckedComponent):
    """One row of A W + S per cycle, for a tile W of ``rows`` x ``columns`` weights.

    A *tile* is ``rows`` beats of weights and any number of vectors. Weights of the next tile are taken while this one
    computes; the first vector of a tile waits until all of them have come. Between the first vectors of two tiles lie
    at least ``tile_interval`` cycles. The whole array stands still while a result waits to be taken.

    Parameters
    ----------
    multiplier : Multiplier or str
        The multiplier of every element, or its name.
    rows, columns : int
        R, the number of products that one pass adds to a sum, and C, the number of sums side by side.
    stages : int
        Registers in each multiplier.
    adder_stages : int, optional
        Registers in each adder, at least 1; by default as ``stages``, at least 1.
    pe_module : str, optional
        Name of a Verilog module to instantiate as processing element, so that its text is needed once only; without it
        each element is a submodule.

    Members
    -------
    activations : In(stream)
        A vector of a tile. Payload, lowest bits first: ``data``, R words, row 0 first; ``bypass``, R bits: rows whose
        product is left out of every sum; ``last``: the tile ends with this vector.
    sums : In(stream)
        C words, column 0 first: what each column starts from. One beat is taken with every vector.
    weights : In(stream)
        C words, column 0 first: row 0 of a tile, then row 1, up to row R - 1, whatever is bypassed.
    results : Out(stream)
        The sums, ``latency`` cycles after their vector, in its order. Payload: ``data``, C words; ``last`` as above.

    A beat is transferred where valid and ready are both 1. ``ready`` of every input depends combinationally on
    ``results.ready``; that of ``activations`` also on ``sums.valid`` and on the vector's place in the tile, and the
    other way round. ``results`` depends on registers alone.

    Raises
    ------
    InvalidInput
        If the multiplier is unknown or has no hardware, or a number is out of range.
    InvalidType
        If a number is not whole.
    """

    activations: Any
    sums: Any
    weights: Any
    results: Any

    def __init__(
        self,
        multiplier: Multiplier | str,
        *,
        rows: int,
        columns: int,
        stages: int = 1,
        adder_stages: int | None = None,
        pe_module: str | None = None,
    ) -> None:
        self.multiplier = check_multiplier(multiplier)
        self.rows, self.columns, self.stages = rows, columns, stages
        self.adder_stages = check_adder_stages(stages, adder_stages)
        self.pe_module = pe_module
        word = self.multiplier.format.word_bits
        words: Any = data.ArrayLayout(word, columns)
        vector: Any = data.StructLayout({"data": data.ArrayLayout(word, rows), "bypass": rows, "last": 1})
        row: Any = data.StructLayout({"data": words, "last": 1})
        super().__init__(
            wiring.Signature(
                {
                    "activations": In(stream.Signature(vector)),
                    "sums": In(stream.Signature(words)),
                    "weights": In(stream.Signature(words)),
                    "results": Out(stream.Signature(row)),
                }
            )
        )

    @classmethod
    def check(
        cls,
        multiplier: Multiplier | str,
        *,
        rows: int,
        columns: int,
        stages: int = 1,
        adder_stages: int | None = None,
        pe_module: str | None = None,
    ) -> None:
        """Raise unless the array can be built."""
        check_multiplier(multiplier)
        check_shape(rows, columns, stages, adder_stages)

    @property
    def latency(self) -> int:
        """Cycles from a vector to its result."""
        return array_latency(self.rows, self.columns, self.stages, self.adder_stages)

    @property
    def tile_interval(self) -> int:
        """Least cycles between the first vectors of two tiles."""
        return tile_interval(self.rows, self.adder_stages)

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        results = self.results
        en = Signal()
        m.d.comb += en.eq(~results.valid | results.ready)
        grid = [[self._element(m, f"pe_{r}_{c}", en) for c in range(self.columns)] for r in range(self.rows)]
        first, complete, enter = Signal(init=1), Signal(), Signal()
        self._enter_vectors(m, en, first, complete, enter)
        load = self._take_weights(m, en, grid, complete)
        self._join_rows(m, en, grid, enter, first)
        self._join_columns(m, en, grid, enter, load)
        corner = grid[-1][-1]
        m.d.comb += [results.valid.eq(corner.p_out_valid), results.payload.last.eq(corner.p_out_last)]
        return m

    def _element(self, m: Module, name: str, en: Signal) -> Any:
        """Add a processing element, or an instance of its module."""
        element: Any
        if self.pe_module is None:
            element = ProcessingElement(self.multiplier, stages=self.stages, adder_stages=self.adder_stages)
            m.submodules[name] = element
        else:
            signature = pe_signature(self.multiplier.format)
            element = signature.create(path=(name,))
            wires = {
                f"{'i' if member.flow is In else 'o'}_{port}": getattr(element, port)
                for port, member in signature.members.items()
            }
            m.submodules[name] = Instance(self.pe_module, i_clk=ClockSignal(), i_rst=ResetSignal(), **wires)
        m.d.comb += element.en.eq(en)
        return element

    def _enter_vectors(self, m: Module, en: Signal, first: Signal, complete: Signal, enter: Signal) -> None:
        """Let a vector and its sums enter together, the first of a tile when all the tile's weights are there."""
        vector, sums = self.activations, self.sums
        free = Signal()
        m.d.comb += [
            free.eq(en & (~first | complete)),
            enter.eq(free & vector.valid & sums.valid),
            vector.ready.eq(free & sums.valid),
            sums.ready.eq(free & vector.valid),
        ]
        with m.If(enter):
            m.d.sync += first.eq(vector.payload.last)
            with m.If(first):
                m.d.sync += complete.eq(0)

    def _take_weights(self, m: Module, en: Signal, grid: Grid, complete: Signal) -> Signal:
        """Take a tile's weights, row by row; return which row's shadow registers load them.

        They are occupied from their load until the row's first activation passes. Both run from column to column in
        step, so column 0 decides for all.
        """
        weights = self.weights
        occupied, row = Signal(self.rows), Signal(range(max(self.rows, 2)))
        load, clear = Signal(self.rows), Signal(self.rows)
        taken: Word = (occupied & ~clear).bit_select(row, 1)
        m.d.comb += weights.ready.eq(en & (taken == 0))
        with m.If(weights.valid & weights.ready):
            m.d.comb += load.eq(1 << row)
            with m.If(row == self.rows - 1):
                m.d.sync += [row.eq(0), complete.eq(1)]
            with m.Else():
                m.d.sync += row.eq(row + 1)
        m.d.comb += clear.eq(word_of([en & line[0].a_valid & line[0].a_first for line in grid]))
        m.d.sync += occupied.eq((occupied & ~clear) | load)
        return load

    def _join_rows(self, m: Module, en: Signal, grid: Grid, enter: Signal, first: Signal) -> None:
        """Skew the activations, and pass them from west to east."""
        data, bypass = self.activations.payload.data, self.activations.payload.bypass
        for r, line in enumerate(grid):
            left = line[0]
            wave = delay(m, Cat(data[r], enter, enter & first, bypass[r]), r * self.adder_stages, en, f"skew_a_{r}")
            m.d.comb += word_of([left.a, left.a_valid, left.a_first, left.a_bypass]).eq(wave)
            for west, east in pairwise(line):
                m.d.comb += [
                    east.a.eq(west.a_out),
                    east.a_valid.eq(west.a_out_valid),
                    east.a_first.eq(west.a_out_first),
                    east.a_bypass.eq(west.a_out_bypass),
                ]

    def _join_columns(self, m: Module, en: Signal, grid: Grid, enter: Signal, load: Signal) -> None:
        """Skew sums and weights, pass sums from north to south, and skew the results back."""
        sums, weights, last = self.sums.payload, self.weights.payload, self.activations.payload.last
        strobes: Word = load
        for c, column in enumerate(zip(*grid, strict=True)):
            top, bottom = column[0], column[-1]
            wave = delay(m, Cat(sums[c], enter, last), 1 + self.stages + c, en, f"skew_p_{c}")
            m.d.comb += word_of([top.p, top.p_valid, top.p_last]).eq(wave)
            for north, south in pairwise(column):
                m.d.comb += [
                    south.p.eq(north.p_out),
                    south.p_valid.eq(north.p_out_valid),
                    south.p_last.eq(north.p_out_last),
                ]
            word = delay(m, weights[c], c, en, f"skew_w_{c}")
            for r, element in enumerate(column):
                m.d.comb += [element.w.eq(word), element.w_load.eq(strobes[r])]
            strobes = delay(m, strobes, 1, en, f"strobes_{c}")
            skewed = delay(m, bottom.p_out, self.columns - 1 - c, en, f"skew_y_{c}")
            m.d.comb += self.results.payload.data[c].eq(skewed)
