"""What the matrix engine's streams fill: weights in a FIFO, biases in rows, activations in two banks.

Each function adds one buffer to the engine's module and fills it; ``hdl.engine_loops`` reads what it returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.utils import ceil_log2

from hdl.bits import Word
from hdl.engine_command import Command
from hdl.limits import SIZE_BITS

__all__ = ["Activations", "Biases", "buffer_activations", "buffer_biases", "buffer_weights"]


def buffer_weights(m: Module, weights: Any, target: Any, depth: int) -> None:
    """Let weights wait in a FIFO, whose output feeds the array's shadow registers: the stream ``target``."""
    m.submodules.weights = fifo = SyncFIFOBuffered(width=len(weights.payload.as_value()), depth=depth)
    m.d.comb += [
        fifo.w_data.eq(weights.payload.as_value()),
        fifo.w_en.eq(weights.valid),
        weights.ready.eq(fifo.w_rdy),
        target.payload.eq(fifo.r_data),
        target.valid.eq(fifo.r_rdy),
        fifo.r_en.eq(target.ready),
    ]


@dataclass(frozen=True)
class Biases:
    """Biases of a command, one row for each N tile.

    Parameters
    ----------
    port
        Reads a row.
    count : Signal
        How many have come.
    """

    port: Any
    count: Signal


def buffer_biases(m: Module, biases: Any, command: Command) -> Biases:
    """Take as many rows of biases as there are N tiles."""
    width, depth = len(biases.payload.as_value()), command.most_tiles
    m.submodules.biases = memory = Memory(shape=width, depth=depth, init=[])
    bias_in: Any = memory.write_port()
    bias_out: Any = memory.read_port()
    bias_count = Signal(range(depth + 1))
    m.d.comb += [
        biases.ready.eq(command.running & (bias_count != command.tiles)),
        bias_in.addr.eq(bias_count),
        bias_in.data.eq(biases.payload.as_value()),
        bias_in.en.eq(biases.valid & biases.ready),
    ]
    with m.If(bias_in.en):
        m.d.sync += bias_count.eq(bias_count + 1)
    return Biases(bias_out, bias_count)


@dataclass(frozen=True)
class Activations:
    """Two banks, each for a K tile of A. The one being written may be the one in use, if that is not whole yet.

    Parameters
    ----------
    port
        Reads a row.
    ahead : Signal
        How many whole K tiles lie in the banks, the one in use included.
    row, k : Signal
        The row that comes next, and what is left of K from its tile on.
    written : Signal
        Whether all rows of the command have come.
    """

    port: Any
    ahead: Signal
    row: Signal
    k: Signal
    written: Signal

    def hold(self, row: Signal) -> Word:
        """Whether a row of the tile in use has come."""
        return (self.ahead != 0) | (self.row > row)

    def address(self, row: Signal, bank: Signal) -> Word:
        """Where a row of a bank lies."""
        return Cat(row[: len(self.port.addr) - 1], bank)


def buffer_activations(m: Module, activations: Any, command: Command, less: Signal) -> Activations:
    """Take one K tile of M rows after the other, until all of K has come; ``less``: the one in use is done with."""
    width, bank_bits = len(activations.payload.as_value()), ceil_log2(command.most_rows)
    m.submodules.activations = banks = Memory(shape=width, depth=2 << bank_bits, init=[])
    bank_in: Any = banks.write_port()
    bank_out: Any = banks.read_port()
    write_m = Signal(range(command.most_rows))
    write_k = Signal(SIZE_BITS)
    ahead = Signal(range(3))
    write_bank = Signal()
    written = Signal()
    more = Signal()
    m.d.comb += [
        activations.ready.eq(command.running & ~written & (ahead != 2)),
        bank_in.addr.eq(Cat(write_m[:bank_bits], write_bank)),
        bank_in.data.eq(activations.payload.as_value()),
        bank_in.en.eq(activations.valid & activations.ready),
        more.eq(bank_in.en & (write_m == command.size_m - 1)),
    ]
    with m.If(more):
        m.d.sync += [write_m.eq(0), write_bank.eq(~write_bank), write_k.eq(write_k - command.rows)]
        m.d.sync += written.eq(write_k <= command.rows)
    with m.Elif(bank_in.en):
        m.d.sync += write_m.eq(write_m + 1)
    m.d.sync += ahead.eq(ahead + more - less)
    return Activations(bank_out, ahead, write_m, write_k, written)
