"""Two datapaths that work at the same time: a register somewhere in them cuts both.

Neither knows of the other's cuts. They are merged in the order in which their segments would end, had both begun at the
same time and no register been taken, by the estimates for one technology: so a register between any two segments cuts
both at about the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module

from hdl.delays import CELLS, Delay, Technology, Times, settle
from hdl.pipeline import Cut, Datapath, Path, survey

__all__ = ["side_by_side"]


def side_by_side(
    m: Module, datapaths: Sequence[Datapath], inputs: Sequence[Any], technology: Technology = CELLS
) -> Path:
    """Run datapaths that do not wait for each other: a datapath (see ``hdl.pipeline``).

    Parameters
    ----------
    m : Module
        Receives the logic.
    datapaths : sequence of callable
        Each ``datapath(m, inputs)``. As in ``pipeline``, each also runs once on a scratch module.
    inputs : sequence
        Of each.
    technology : Technology
        By whose estimates the cuts are merged. Any order gives the same logic.

    Returns
    -------
    tuple
        Their results.
    """
    # What each resumes with: its inputs, then what its last cut gave back; or, for a cut at which no register went, the
    # function that makes what one would hold.
    current: list[Any] = list(inputs)
    paths: list[Path | None] = [None] * len(datapaths)

    def resume(which: int) -> Any:
        return None if callable(current[which]) else current[which]

    order = _order([survey(*each)[0] for each in zip(datapaths, inputs, strict=True)], technology)
    for step, (which, delay) in enumerate(order, start=1):
        path = paths[which]
        own = _own(which, delay, last=step == len(order))
        if path is None:
            path = paths[which] = datapaths[which](m, resume(which))
            cut = next(path)
        else:
            cut = path.send(resume(which))
        current[which] = cut.state
        if any(map(callable, current)):
            resumed = yield Cut(own, lambda now=tuple(current): tuple(map(_made, now)), cut.built)
            current = current if resumed is None else list(resumed)
        else:
            current = list((yield Cut(own, tuple(current), cut.built)))
    return tuple(_result(path, resume(which)) for which, path in enumerate(paths))


def _made(state: Any) -> Any:
    return state() if callable(state) else state


def _result(path: Path | None, state: Any) -> Any:
    assert path is not None, "a datapath without a cut"
    try:
        path.send(state)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a datapath that offered more cuts than at first")


def _order(delays: Sequence[Sequence[Delay]], technology: Technology) -> list[tuple[int, Delay]]:
    """Which datapath's segment ends next, with its delay."""
    ends = []
    for which, segments in enumerate(delays):
        times: Times = {}
        for index, delay in enumerate(segments):
            times = settle(delay, times, technology)
            ends.append((max(times.values(), default=0.0), which, index, delay))
    # A time never falls, so that each datapath's segments stay in order.
    return [(which, delay) for _, which, _, delay in sorted(ends, key=lambda end: end[:3])]


def _own(which: int, delay: Delay, *, last: bool) -> Delay:
    """The delay of a segment of one datapath, whose times are kept apart from the others' until the last one ends."""

    def times_after(times: Times, technology: Technology) -> Times:
        own = {key[1]: time for key, time in times.items() if isinstance(key, tuple) and key[0] == which}
        # Its first segment in this stage waits for what came before all of them in the stage.
        start = {None: max((time for key, time in times.items() if not isinstance(key, tuple)), default=0.0)}
        own = settle(delay, own or start, technology)
        times = {**times, **{(which, key): time for key, time in own.items()}}
        return {None: max(times.values())} if last else times

    return times_after
