"""Pipelining as a general mechanism: a datapath offers cuts, and ``pipeline`` puts registers in some of them.

A *datapath* is a generator function ``datapath(m, inputs)`` that builds combinational logic segment by segment. After
each segment, the last one included, it yields a ``Cut``: the values that later segments need, and an estimate of the
segment's delay. It gets back the same values, registered or not, and must use those from there on::

    def datapath(m, inputs):
        a, b = inputs
        total = Signal(9)
        m.d.comb += total.eq(a + b)
        total = yield Cut(6.0, total)
        parity = Signal()
        m.d.comb += parity.eq(total.xor())
        return (yield Cut(4.0, parity))

Datapaths compose by ``yield from``; ``alongside`` takes further values through all cuts of an inner datapath.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.hdl import Const, Fragment, Module, Signal, Value
from amaranth.lib.wiring import In

from hdl.limits import check_stages

__all__ = ["ENABLE", "Cut", "alongside", "pipeline", "place_registers"]

ENABLE = In(1, init=1)  # pyright: ignore[reportCallIssue] - the stubs lack it
"""The port ``en`` of what can stand still; 1 where nothing drives it."""


@dataclass(frozen=True)
class Cut:
    """A place where registers may go.

    Parameters
    ----------
    delay : float
        Estimated delay of the segment that ends here, in units of one two-input gate.
    state : nested dicts, lists and tuples of values
        Everything that later segments use; constants and Python values pass through unregistered.
    """

    delay: float
    state: Any


Path = Generator[Cut, Any, Any]
Datapath = Callable[[Module, Any], Path]


def place_registers(delays: Sequence[float], stages: int) -> list[int]:
    """Choose how many registers go at each cut.

    Up to ``len(delays) - 1`` registers go between segments so that the slowest stage is as fast as possible, and the
    stages are otherwise as even as possible; the rest go to both ends, the output first.

    Parameters
    ----------
    delays : sequence of float
        Delay of each segment.
    stages : int
        Registers in all, which is the latency in cycles.

    Returns
    -------
    list of int
        ``len(delays) + 1`` counts with sum ``stages``: before the first segment, then after each.
    """
    places = [0] * (len(delays) + 1)
    inner = min(stages, max(len(delays) - 1, 0))

    # best(start, k): cost and cuts of splitting delays[start:] by k registers. The cost is the worst stage, then the
    # sum of squares, which is least where stages are even.
    @cache
    def best(start: int, k: int) -> tuple[float, float, tuple[int, ...]]:
        if k == 0:
            total = sum(delays[start:])
            return total, total * total, ()
        options = []
        for end in range(start + 1, len(delays) - k + 1):
            head = sum(delays[start:end])
            worst, squares, cuts = best(end, k - 1)
            options.append((max(head, worst), squares + head * head, (end, *cuts)))
        return min(options)

    for cut in best(0, inner)[2]:
        places[cut] += 1
    extra = stages - inner
    places[-1] += (extra + 1) // 2
    places[0] += extra // 2
    return places


def alongside(path: Path, values: Any) -> Path:
    """Take ``values`` through every cut of a datapath; return its result and the values at its end."""
    try:
        cut = next(path)
        while True:
            state, values = yield Cut(cut.delay, (cut.state, values))
            cut = path.send(state)
    except StopIteration as stop:
        return stop.value, values


def pipeline(
    m: Module, datapath: Datapath, inputs: Any, *, stages: int, en: Value | None = None, domain: str = "sync"
) -> Any:
    """Build a datapath with ``stages`` registers between its inputs and its result.

    A new set of inputs is taken every cycle (initiation interval 1) and its result appears ``stages`` cycles later.

    Parameters
    ----------
    m : Module
        Receives the logic.
    datapath : callable
        ``datapath(m, inputs)``, a generator function as described above. It runs twice, once on a scratch module to
        learn its delays.
    inputs : nested dicts, lists and tuples of values
        Passed to the datapath.
    stages : int
        Latency in cycles; 0 is combinational.
    en : Value, optional
        While it is 0, every register keeps its value.
    domain : str
        Clock domain of the registers; they reset to 0.

    Returns
    -------
    The datapath's result.
    """
    check_stages(stages)
    places = [0]
    if stages:
        delays: list[float] = []
        scratch = Module()
        _run(datapath(scratch, inputs), lambda cut: (delays.append(cut.delay), cut.state)[1])
        Fragment.get(scratch, None)  # counts as its use: Amaranth warns of modules that are left lying about
        places = place_registers(delays, stages)
    counts = iter(places)
    made = 0

    def registers(state: Any, count: int) -> Any:
        nonlocal made
        for _ in range(count):
            made += 1
            state = _register(m, state, en, domain, f"r{made}")
        return state

    inputs = registers(inputs, next(counts))
    return _run(datapath(m, inputs), lambda cut: registers(cut.state, next(counts, 0)))


def _run(path: Path, resume: Callable[[Cut], Any]) -> Any:
    try:
        cut = next(path)
        while True:
            cut = path.send(resume(cut))
    except StopIteration as stop:
        return stop.value


def _register(m: Module, state: Any, en: Value | None, domain: str, name: str) -> Any:
    if isinstance(state, dict):
        return {key: _register(m, item, en, domain, f"{name}_{key}") for key, item in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(_register(m, item, en, domain, f"{name}_{k}") for k, item in enumerate(state))
    if isinstance(state, Const) or not isinstance(state, Value):
        return state
    # Registered values keep the name that the datapath gave them, with the number of the register in front.
    if isinstance(state, Signal):
        name = f"{name.split('_')[0]}_{state.name}"
    register = Signal(state.shape(), name=name)
    if en is None:
        m.d[domain] += register.eq(state)
    else:
        with m.If(en):
            m.d[domain] += register.eq(state)
    return register
