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

The parts, all in one module: ``hdl.engine_command`` takes commands, ``hdl.engine_buffers`` holds what streams bring,
``hdl.engine_loops`` runs the loops on both sides of the array.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from hdl.array import SystolicArray, array_latency, tile_interval
from hdl.checks import CheckedComponent, check_multiplier
from hdl.engine_buffers import buffer_activations, buffer_biases, buffer_weights
from hdl.engine_command import take_commands
from hdl.engine_loops import collect_results, issue_vectors, offer_vectors
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
        m.submodules.array = array = SystolicArray(
            self.multiplier,
            rows=rows,
            columns=columns,
            stages=self.stages,
            adder_stages=self.adder_stages,
            pe_module=self.pe_module,
        )
        # Driven by the loops, below: the last result goes; the last vector of a K tile is read.
        finished = Signal()
        less = Signal()
        sizes = {"depth": self.depth, "accumulators": self.accumulators, "biases": self.bias_rows}
        command = take_commands(m, self, rows=rows, columns=columns, **sizes, finished=finished)
        buffer_weights(m, self.weights, array.weights, depth=2 * rows)
        biases = buffer_biases(m, self.biases, command)
        activations = buffer_activations(m, self.activations, command, less)

        # Partial sums, one row for each (j, m), at the vector's place in its K tile.
        width = columns * self.multiplier.format.word_bits
        m.submodules.partial = partial = Memory(shape=width, depth=self.accumulators, init=[])
        partial_in: Any = partial.write_port()
        partial_out: Any = partial.read_port()
        in_flight = Signal(range(self.loop_latency + 2))
        buffers = activations, biases, partial_out
        issue = issue_vectors(m, array, command, *buffers, in_flight=in_flight, less=less)
        offer_vectors(m, array, issue, activations.port.data, biases.port.data, partial_out.data)
        results = collect_results(m, array.results, command, partial_in, self.results, finished=finished)
        m.d.sync += in_flight.eq(in_flight + issue.issue - results.taken)

        with m.If(self.busy):
            m.d.sync += self.cycles.eq(self.cycles + 1)
            with m.If(~(issue.offered & issue.free)):
                m.d.sync += self.stalled.eq(self.stalled + 1)
        with m.If(command.started):
            m.d.sync += [k.eq(self.command.payload.k) for k in (activations.k, issue.k, results.k)]
            m.d.sync += [flag.eq(0) for flag in (activations.written, issue.issued, biases.count)]
            m.d.sync += issue.initial.eq(1)
        return m
