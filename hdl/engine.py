r"""The matrix engine: C = A W + bias on a systolic array, for any M, K and N.

::

    weights ------> FIFO of two tiles ------------------+
    activations --> two banks of one K tile each --+    |
    biases -------> one row per N tile --+         |    |
                                         v         v    v
                         +----------> first? --> systolic array --> last? --> results
                         |                            |
                         +-- partial sums <-----------+

A is M x K, W is K x N. K is cut into tiles of R rows and N into tiles of C columns, the array's shape. The loops are

    for each K tile i: for each N tile j: for each row m of A: one vector enters the array

so a K tile of A is sent once and used for every N tile, and the partial sum of (m, j) comes back after all rows of all
N tiles: while at least ``loop_latency`` vectors lie between, no cycle is lost to the wait, and N tiles interleave by
themselves where M is small. Sums start from the bias in the first K tile and from the partial sums in the others, so
they are strictly sequential in k. Rows past K are bypassed, columns past N are computed and not kept.

Convolutions are lowered by the host: A has one row per output pixel, its patch in the order (input channel, kernel row,
kernel column). Each input value is then sent up to (kernel height x kernel width) times, which costs bandwidth, not
cycles: with at least two N tiles the array uses each vector more than once while the next K tile arrives.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from golden.catalogue import Multiplier
from hdl.array import SystolicArray, array_latency, tile_interval
from hdl.bits import Word, word_of
from hdl.checks import CheckedComponent, check_multiplier
from hdl.limits import ACCUMULATORS, BIASES, DEPTH, SIZE_BITS, check_adder_stages, check_buffers

__all__ = ["MatrixEngine"]

COUNTER_BITS = 32


class MatrixEngine(CheckedComponent):
    """C = A W + bias, one command at a time.

    Parameters
    ----------
    multiplier : Multiplier or str
        The multiplier of every element, or its name.
    rows, columns : int
        R and C, the array's shape.
    stages, adder_stages : int
        Registers in each multiplier and adder, as in ``hdl.array``.
    depth : int
        Rows of A in a bank: the largest M. Longer matrices are sent in parts, which are independent.
    accumulators : int
        Rows of partial sums: the largest M * ceil(N / C).
    biases : int
        Rows of biases: the largest ceil(N / C).
    pe_module : str, optional
        As in ``hdl.array``.

    Members
    -------
    command : In(stream)
        ``m``, ``k``, ``n``, 16 bits each, lowest bits first. With I = max(ceil(K / R), 1) and J = ceil(N / C), a
        command takes M I beats of activations, R I J of weights and J of biases, and gives M J of results. K = 0 gives
        the biases. M = 0 or N = 0 is done at once: it takes no beat of any other stream and gives none. What the
        buffers do not hold is refused in the same way, and ``error`` rises.
    activations : In(stream)
        R words, row 0 first: for each K tile i, for each m: A[m, i R .. i R + R - 1]; words past K are ignored. K = 0
        counts as one tile.
    weights : In(stream)
        C words, column 0 first: for each K tile i, for each N tile j, for each row r of R: W[i R + r, j C ..]; words
        past K or N are ignored, and always R beats are sent. Beats of the next command may be sent early: up to three
        tiles are let in, whatever runs.
    biases : In(stream)
        C words: for each N tile j: bias[j C ..]. Without a bias, zeros.
    results : Out(stream)
        For each N tile j, for each m: ``data``, C words of C[m, j C ..]; ``keep``, C bits, one for each column below N
        (data is 0 elsewhere); ``last``, set in the last beat of a command. M N kept words in all.
    busy : Out(1)
        From the command's beat to the last result's.
    done : Out(1)
        1 for one cycle after the last result's beat, or after a refusal.
    error : Out(1)
        Whether the last command was refused; until the next one.
    cycles : Out(32)
        Cycles of the last command in which ``busy`` was 1.
    stalled : Out(32)
        Those of them in which no vector entered the array: set-up, fill and drain, and waiting for data, partial sums
        or room for results.

    Raises
    ------
    InvalidInput
        If the multiplier is unknown or has no hardware, or a number is out of range.
    InvalidType
        If a number is not whole.
    """

    command: Any
    activations: Any
    weights: Any
    biases: Any
    results: Any
    busy: Any
    done: Any
    error: Any
    cycles: Any
    stalled: Any

    def __init__(
        self,
        multiplier: Multiplier | str,
        *,
        rows: int,
        columns: int,
        stages: int = 1,
        adder_stages: int | None = None,
        depth: int = DEPTH,
        accumulators: int = ACCUMULATORS,
        biases: int = BIASES,
        pe_module: str | None = None,
    ) -> None:
        self.multiplier = check_multiplier(multiplier)
        self.rows, self.columns, self.stages = rows, columns, stages
        self.adder_stages = check_adder_stages(stages, adder_stages)
        self.pe_module = pe_module
        self.depth, self.accumulators, self.bias_rows = depth, accumulators, biases
        word = self.multiplier.format.word_bits
        vector: Any = data.ArrayLayout(word, rows)
        words: Any = data.ArrayLayout(word, columns)
        sizes: Any = data.StructLayout({"m": SIZE_BITS, "k": SIZE_BITS, "n": SIZE_BITS})
        row: Any = data.StructLayout({"data": words, "keep": columns, "last": 1})
        super().__init__(
            wiring.Signature(
                {
                    "command": In(stream.Signature(sizes)),
                    "activations": In(stream.Signature(vector)),
                    "weights": In(stream.Signature(words)),
                    "biases": In(stream.Signature(words)),
                    "results": Out(stream.Signature(row)),
                    "busy": Out(1),
                    "done": Out(1),
                    "error": Out(1),
                    "cycles": Out(COUNTER_BITS),
                    "stalled": Out(COUNTER_BITS),
                }
            )
        )

    @classmethod
    def check(
        cls,
        multiplier: Multiplier | str,
        *,
        depth: int = DEPTH,
        accumulators: int = ACCUMULATORS,
        biases: int = BIASES,
        **parameters: Any,
    ) -> None:
        """Raise unless the engine can be built."""
        SystolicArray.check(multiplier, **parameters)
        word = check_multiplier(multiplier).format.word_bits
        shape = {"rows": parameters["rows"], "columns": parameters["columns"], "word_bits": word}
        check_buffers(depth, accumulators, biases, **shape)

    @property
    def loop_latency(self) -> int:
        """Least vectors from one use of a partial sum to the next without a lost cycle: M * ceil(N / C)."""
        # One cycle to read the memories and one to write the sum back, besides the array's own.
        return array_latency(self.rows, self.columns, self.stages, self.adder_stages) + 2

    @property
    def tile_interval(self) -> int:
        """Least cycles between the first vectors of two tiles: rows of M below it wait for weights."""
        return max(self.rows, tile_interval(self.rows, self.adder_stages))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        rows, columns = self.rows, self.columns
        word = self.multiplier.format.word_bits
        m.submodules.array = array = SystolicArray(
            self.multiplier,
            rows=rows,
            columns=columns,
            stages=self.stages,
            adder_stages=self.adder_stages,
            pe_module=self.pe_module,
        )

        # Sizes of the running command, found by subtraction: `total` = M * N tiles.
        size_m, size_k, n_left = Signal(SIZE_BITS), Signal(SIZE_BITS), Signal(SIZE_BITS)
        tiles = Signal(range(self.bias_rows + 1))
        total = Signal(SIZE_BITS + bits_for(self.bias_rows))
        started, finished = Signal(), Signal()
        running = Signal()
        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                m.d.comb += self.command.ready.eq(1)
                sizes = self.command.payload
                m.d.sync += self.done.eq(0)
                with m.If(self.command.valid):
                    m.d.comb += started.eq(1)
                    m.d.sync += [size_m.eq(sizes.m), size_k.eq(sizes.k), n_left.eq(sizes.n)]
                    m.d.sync += [tiles.eq(0), total.eq(0), self.error.eq(0), self.cycles.eq(0), self.stalled.eq(0)]
                    m.next = "SIZES"
            with m.State("SIZES"):
                with m.If((size_m == 0) | (n_left == 0)):
                    m.d.sync += self.done.eq(1)
                    m.next = "IDLE"
                with m.Elif(tiles == self.bias_rows):
                    m.d.sync += [self.error.eq(1), self.done.eq(1)]
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += [tiles.eq(tiles + 1), total.eq(total + size_m)]
                    with m.If(n_left > columns):
                        m.d.sync += n_left.eq(n_left - columns)
                    with m.Else():
                        m.next = "FIT"
            with m.State("FIT"):
                with m.If((size_m > self.depth) | (total > self.accumulators)):
                    m.d.sync += [self.error.eq(1), self.done.eq(1)]
                    m.next = "IDLE"
                with m.Else():
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += running.eq(1)
                with m.If(finished):
                    m.d.sync += self.done.eq(1)
                    m.next = "IDLE"

        # Weights wait in a FIFO, whose output feeds the array's shadow registers.
        m.submodules.weights = weights = SyncFIFOBuffered(width=columns * word, depth=2 * rows)
        m.d.comb += [
            weights.w_data.eq(self.weights.payload.as_value()),
            weights.w_en.eq(self.weights.valid),
            self.weights.ready.eq(weights.w_rdy),
            array.weights.payload.eq(weights.r_data),
            array.weights.valid.eq(weights.r_rdy),
            weights.r_en.eq(array.weights.ready),
        ]

        # Biases: `bias_count` of them have come.
        m.submodules.biases = biases = Memory(shape=columns * word, depth=self.bias_rows, init=[])
        bias_in: Any = biases.write_port()
        bias_out: Any = biases.read_port()
        bias_count = Signal(range(self.bias_rows + 1))
        m.d.comb += [
            self.biases.ready.eq(running & (bias_count != tiles)),
            bias_in.addr.eq(bias_count),
            bias_in.data.eq(self.biases.payload.as_value()),
            bias_in.en.eq(self.biases.valid & self.biases.ready),
        ]
        with m.If(bias_in.en):
            m.d.sync += bias_count.eq(bias_count + 1)

        # Activations. `ahead` whole K tiles lie in the banks, the one in use included; the one being written goes into
        # the next bank, which is the one in use where `ahead` = 0.
        bank_bits = ceil_log2(self.depth)
        m.submodules.activations = banks = Memory(shape=rows * word, depth=2 << bank_bits, init=[])
        bank_in: Any = banks.write_port()
        bank_out: Any = banks.read_port()
        write_m, write_k, write_bank, written = Signal(range(self.depth)), Signal(SIZE_BITS), Signal(), Signal()
        ahead, more, less = Signal(range(3)), Signal(), Signal()
        m.d.comb += [
            self.activations.ready.eq(running & ~written & (ahead != 2)),
            bank_in.addr.eq(Cat(write_m[:bank_bits], write_bank)),
            bank_in.data.eq(self.activations.payload.as_value()),
            bank_in.en.eq(self.activations.valid & self.activations.ready),
            more.eq(bank_in.en & (write_m == size_m - 1)),
        ]
        with m.If(more):
            m.d.sync += [write_m.eq(0), write_bank.eq(~write_bank), write_k.eq(write_k - rows)]
            m.d.sync += written.eq(write_k <= rows)
        with m.Elif(bank_in.en):
            m.d.sync += write_m.eq(write_m + 1)
        m.d.sync += ahead.eq(ahead + more - less)

        # Partial sums, one row for each (j, m), at the vector's place in its K tile. `in_flight` vectors have been
        # read and have not come out: while they are fewer than `total`, the partial sum that the next one needs has
        # been written.
        m.submodules.partial = partial = Memory(shape=columns * word, depth=self.accumulators, init=[])
        partial_in: Any = partial.write_port()
        partial_out: Any = partial.read_port()
        in_flight = Signal(range(self.loop_latency + 2))

        # Issue: read a vector and what its sums start from, one cycle before they are offered to the array.
        issue, free, offered = Signal(), Signal(), Signal()
        issue_m, issue_j, issue_at = Signal(range(self.depth)), Signal(range(self.bias_rows)), Signal(total.shape())
        issue_k, issue_bank, initial, issued = Signal(SIZE_BITS), Signal(), Signal(), Signal()
        end_m, end_j = Signal(), Signal()
        present: Word = (ahead != 0) | (write_m > issue_m)
        m.d.comb += [
            free.eq(~offered | (array.activations.ready & array.sums.ready)),
            issue.eq(running & free & ~issued & present & (in_flight < total) & (~initial | (bias_count > issue_j))),
            end_m.eq(issue_m == size_m - 1),
            end_j.eq(issue_j == tiles - 1),
            less.eq(issue & end_m & end_j),
            bank_out.addr.eq(Cat(issue_m[:bank_bits], issue_bank)),
            bias_out.addr.eq(issue_j),
            partial_out.addr.eq(issue_at),
        ]
        m.d.comb += [port.en.eq(issue) for port in (bank_out, bias_out, partial_out)]
        with m.If(issue):
            m.d.sync += [issue_m.eq(issue_m + 1), issue_at.eq(issue_at + 1)]
            with m.If(end_m):
                m.d.sync += [issue_m.eq(0), issue_j.eq(issue_j + 1)]
            with m.If(less):
                m.d.sync += [issue_j.eq(0), issue_at.eq(0), issue_bank.eq(~issue_bank), initial.eq(0)]
                m.d.sync += [issue_k.eq(issue_k - rows), issued.eq(issue_k <= rows)]

        bypass, last, fresh = Signal(rows), Signal(), Signal()
        with m.If(free):
            m.d.sync += offered.eq(issue)
        with m.If(issue):
            m.d.sync += [bypass.eq(word_of([issue_k <= r for r in range(rows)])), last.eq(end_m), fresh.eq(initial)]
        m.d.comb += [
            array.activations.valid.eq(offered),
            array.activations.payload.data.eq(bank_out.data),
            array.activations.payload.bypass.eq(bypass),
            array.activations.payload.last.eq(last),
            array.sums.valid.eq(offered),
            array.sums.payload.eq(Mux(fresh, bias_out.data, partial_out.data)),
        ]

        # Results: back to the partial sums, out in the last K tile.
        out_k, out_at, out_j = Signal(SIZE_BITS), Signal(total.shape()), Signal(range(self.bias_rows))
        final, end, taken = Signal(), Signal(), Signal()
        sums = array.results
        edge: Word = out_j == tiles - 1
        m.d.comb += [
            final.eq(out_k <= rows),
            end.eq(sums.payload.last & edge),
            taken.eq(sums.valid & sums.ready),
            sums.ready.eq(~final | self.results.ready),
            self.results.valid.eq(sums.valid & final),
            self.results.payload.last.eq(end),
            self.results.payload.keep.eq(word_of([~edge | (n_left > c) for c in range(columns)])),
            finished.eq(taken & final & end),
            partial_in.addr.eq(out_at),
            partial_in.data.eq(sums.payload.data.as_value()),
            partial_in.en.eq(taken & ~final),
        ]
        for c in range(columns):
            kept = self.results.payload.keep[c]
            m.d.comb += self.results.payload.data[c].eq(Mux(kept, sums.payload.data[c], 0))
        with m.If(taken):
            m.d.sync += out_at.eq(out_at + 1)
            with m.If(sums.payload.last):
                m.d.sync += out_j.eq(out_j + 1)
            with m.If(end):
                m.d.sync += [out_at.eq(0), out_j.eq(0), out_k.eq(out_k - rows)]
        m.d.sync += in_flight.eq(in_flight + issue - taken)

        with m.If(self.busy):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            with m.If(~(offered & free)):
                m.d.sync += self.stalled.eq(self.stalled + 1)
        with m.If(started):
            m.d.sync += [k.eq(self.command.payload.k) for k in (write_k, issue_k, out_k)]
            m.d.sync += [flag.eq(0) for flag in (written, issued, bias_count)]
            m.d.sync += initial.eq(1)
        return m
