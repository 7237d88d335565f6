"""The matrix engine's loops: for each K tile, for each N tile, for each row of A, a vector enters and a row leaves.

``issue_vectors`` runs them where vectors are read from the buffers, ``collect_results`` where sums leave the array.
Both count down what is left of K by the array's rows, which tells the last K tile, and in it the rows past K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Module, Mux, Signal

from hdl.bits import Word, word_of
from hdl.engine_buffers import Activations, Biases
from hdl.engine_command import Command
from hdl.limits import SIZE_BITS

__all__ = ["Issue", "Results", "collect_results", "issue_vectors", "offer_vectors"]


@dataclass(frozen=True)
class Issue:
    """The loops where vectors are read.

    Parameters
    ----------
    issue, end_m : Signal
        Whether a vector is read in this cycle; whether it is the last one of its tile.
    free, offered : Signal
        Whether one may be read: the array is offered none, or takes it; whether it is offered one.
    k, initial, issued : Signal
        What is left of K; whether this is the first K tile, whose sums start from the bias; whether all have been read.
    """

    issue: Signal
    end_m: Signal
    free: Signal
    offered: Signal
    k: Signal
    initial: Signal
    issued: Signal


def issue_vectors(
    m: Module,
    array: Any,
    command: Command,
    activations: Activations,
    biases: Biases,
    partial: Any,
    *,
    in_flight: Signal,
    less: Signal,
) -> Issue:
    """Read vectors and what their sums start from, one cycle before they are offered to the array.

    ``in_flight`` vectors have been read and have not come out: while they are fewer than those of a K tile, the partial
    sum that the next one needs has been written. ``less`` is driven: the last vector of a K tile is read.
    """
    # One by one, so that each has its name in the netlist, where memories give the same bits a second one.
    issue = Signal()
    issued = Signal()
    issue_m = Signal(range(command.most_rows))
    issue_j = Signal(range(command.most_tiles))
    issue_k = Signal(SIZE_BITS)
    issue_at = Signal(command.total.shape())
    issue_bank = Signal()
    initial = Signal()
    free = Signal()
    offered = Signal()
    end_m, end_j = Signal(), Signal()
    ready: Word = command.running & free & ~issued & activations.hold(issue_m) & (in_flight < command.total)
    m.d.comb += [
        free.eq(~offered | (array.activations.ready & array.sums.ready)),
        issue.eq(ready & (~initial | (biases.count > issue_j))),
        end_m.eq(issue_m == command.size_m - 1),
        end_j.eq(issue_j == command.tiles - 1),
        less.eq(issue & end_m & end_j),
        activations.port.addr.eq(activations.address(issue_m, issue_bank)),
        biases.port.addr.eq(issue_j),
        partial.addr.eq(issue_at),
    ]
    m.d.comb += [port.en.eq(issue) for port in (activations.port, biases.port, partial)]
    with m.If(issue):
        m.d.sync += [issue_m.eq(issue_m + 1), issue_at.eq(issue_at + 1)]
        with m.If(end_m):
            m.d.sync += [issue_m.eq(0), issue_j.eq(issue_j + 1)]
        with m.If(less):
            m.d.sync += [issue_j.eq(0), issue_at.eq(0), issue_bank.eq(~issue_bank), initial.eq(0)]
            m.d.sync += [issue_k.eq(issue_k - command.rows), issued.eq(issue_k <= command.rows)]
    return Issue(issue, end_m, free, offered, issue_k, initial, issued)


def offer_vectors(m: Module, array: Any, issue: Issue, vector: Word, bias: Word, partial: Word) -> None:
    """Offer the array what was read, until it takes it: a vector, and the bias or partial sums that it adds to."""
    rows = len(array.activations.payload.bypass)
    bypass, last, fresh = Signal(rows), Signal(), Signal()
    with m.If(issue.free):
        m.d.sync += issue.offered.eq(issue.issue)
    with m.If(issue.issue):
        m.d.sync += [
            bypass.eq(word_of([issue.k <= r for r in range(rows)])),
            last.eq(issue.end_m),
            fresh.eq(issue.initial),
        ]
    m.d.comb += [
        array.activations.valid.eq(issue.offered),
        array.activations.payload.data.eq(vector),
        array.activations.payload.bypass.eq(bypass),
        array.activations.payload.last.eq(last),
        array.sums.valid.eq(issue.offered),
        array.sums.payload.eq(Mux(fresh, bias, partial)),
    ]


@dataclass(frozen=True)
class Results:
    """The loops where sums leave the array.

    Parameters
    ----------
    taken : Signal
        Whether a row of sums leaves in this cycle.
    k : Signal
        What is left of K.
    """

    taken: Signal
    k: Signal


def collect_results(m: Module, sums: Any, command: Command, partial: Any, results: Any, *, finished: Signal) -> Results:
    """Send sums back to the partial sums, and out in the last K tile; ``finished`` is driven: the last row goes."""
    out_k = Signal(SIZE_BITS)
    out_at = Signal(command.total.shape())
    out_j = Signal(range(command.most_tiles))
    final, end, taken = Signal(), Signal(), Signal()
    edge: Word = out_j == command.tiles - 1
    m.d.comb += [
        final.eq(out_k <= command.rows),
        end.eq(sums.payload.last & edge),
        taken.eq(sums.valid & sums.ready),
        sums.ready.eq(~final | results.ready),
        results.valid.eq(sums.valid & final),
        results.payload.last.eq(end),
        results.payload.keep.eq(word_of([~edge | (command.n_left > c) for c in range(command.columns)])),
        finished.eq(taken & final & end),
        partial.addr.eq(out_at),
        partial.data.eq(sums.payload.data.as_value()),
        partial.en.eq(taken & ~final),
    ]
    for c in range(command.columns):
        kept = results.payload.keep[c]
        m.d.comb += results.payload.data[c].eq(Mux(kept, sums.payload.data[c], 0))
    with m.If(taken):
        m.d.sync += out_at.eq(out_at + 1)
        with m.If(sums.payload.last):
            m.d.sync += out_j.eq(out_j + 1)
        with m.If(end):
            m.d.sync += [out_at.eq(0), out_j.eq(0), out_k.eq(out_k - command.rows)]
    return Results(taken, out_k)
