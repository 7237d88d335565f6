"""The matrix engine's commands: taken one at a time, measured, refused where the buffers do not hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.utils import bits_for

from hdl.limits import SIZE_BITS

__all__ = ["Command", "take_commands"]


@dataclass(frozen=True)
class Command:
    """The command that runs, on an array of ``rows`` x ``columns``.

    Parameters
    ----------
    rows, columns : int
        The array's shape.
    most_rows, most_tiles : int
        The largest M and the most N tiles.
    size_m, n_left : Signal
        M, and the columns of the last N tile.
    tiles, total : Signal
        N tiles, and vectors of a K tile: M times as many.
    started, running : Signal
        Whether it comes in this cycle; whether its loops run.
    """

    rows: int
    columns: int
    most_rows: int
    most_tiles: int
    size_m: Signal
    n_left: Signal
    tiles: Signal
    total: Signal
    started: Signal
    running: Signal


def take_commands(
    m: Module, ports: Any, *, rows: int, columns: int, depth: int, accumulators: int, biases: int, finished: Signal
) -> Command:
    """Take a command, count its N tiles by subtraction, run it until it has ``finished``, or refuse it.

    Parameters
    ----------
    m : Module
        Receives the logic.
    ports
        The engine, whose ``command``, ``busy``, ``done`` and ``error`` are driven and whose counters are set to 0.
    rows, columns, depth, accumulators, biases : int
        As in ``hdl.engine.MatrixEngine``.
    finished : Signal
        Whether the last result goes.
    """
    size_m, size_k, n_left = (Signal(SIZE_BITS) for _ in range(3))
    tiles = Signal(range(biases + 1))
    total = Signal(SIZE_BITS + bits_for(biases))
    started, running = Signal(), Signal()
    with m.FSM() as fsm:
        m.d.comb += ports.busy.eq(~fsm.ongoing("IDLE"))
        with m.State("IDLE"):
            m.d.comb += ports.command.ready.eq(1)
            sizes = ports.command.payload
            m.d.sync += ports.done.eq(0)
            with m.If(ports.command.valid):
                m.d.comb += started.eq(1)
                m.d.sync += [size_m.eq(sizes.m), size_k.eq(sizes.k), n_left.eq(sizes.n)]
                m.d.sync += [tiles.eq(0), total.eq(0), ports.error.eq(0), ports.cycles.eq(0), ports.stalled.eq(0)]
                m.next = "SIZES"
        with m.State("SIZES"):
            with m.If((size_m == 0) | (n_left == 0)):
                m.d.sync += ports.done.eq(1)
                m.next = "IDLE"
            with m.Elif(tiles == biases):
                m.d.sync += [ports.error.eq(1), ports.done.eq(1)]
                m.next = "IDLE"
            with m.Else():
                m.d.sync += [tiles.eq(tiles + 1), total.eq(total + size_m)]
                with m.If(n_left > columns):
                    m.d.sync += n_left.eq(n_left - columns)
                with m.Else():
                    m.next = "FIT"
        with m.State("FIT"):
            with m.If((size_m > depth) | (total > accumulators)):
                m.d.sync += [ports.error.eq(1), ports.done.eq(1)]
                m.next = "IDLE"
            with m.Else():
                m.next = "RUN"
        with m.State("RUN"):
            m.d.comb += running.eq(1)
            with m.If(finished):
                m.d.sync += ports.done.eq(1)
                m.next = "IDLE"
    return Command(rows, columns, depth, biases, size_m, n_left, tiles, total, started, running)
