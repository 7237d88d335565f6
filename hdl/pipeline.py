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

Datapaths compose by ``yield from``; ``alongside`` takes further values through all cuts of an inner datapath, and
``hdl.side_by_side`` cuts two that work at the same time.

A cut whose logic depends on whether there is a register gives a function instead of its values: it is called where
registers go, and the datapath gets back ``None`` where none do. A long addition so becomes one adder between registers,
whatever the number of cuts that it offers (``hdl.segments``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.hdl import Const, Fragment, Module, Signal, Value
from amaranth.lib.wiring import In

from golden.errors import AxfpmError
from hdl.delays import CELLS, TECHNOLOGIES, Delay, Technology, stage_delays
from hdl.limits import check_stages

__all__ = ["ENABLE", "TOLERANCE", "Cut", "alongside", "pipeline", "place_registers", "register_bits", "survey"]

TOLERANCE = 0.03
"""How much slower than possible the slowest stage may be where that saves registers: estimates are no better."""

ENABLE = In(1, init=1)  # pyright: ignore[reportCallIssue] - the stubs lack it
"""The port ``en`` of what can stand still; 1 where nothing drives it."""


@dataclass(frozen=True)
class Cut:
    """A place where registers may go.

    Parameters
    ----------
    delay : float or callable
        Estimated delay of the segment that ends here, in units of one two-input gate, or a function as in
        ``hdl.delays``.
    state : nested dicts, lists and tuples of values, or callable
        Everything that later segments use; constants and Python values pass through unregistered. Or a function that
        makes it, called where registers go.
    built : object, optional
        What the segment is, for whoever draws it, as ``hdl.compressor.Level``.
    """

    delay: Delay
    state: Any
    built: Any = None


Path = Generator[Cut, Any, Any]
Datapath = Callable[[Module, Any], Path]


def place_registers(
    delays: Sequence[Delay], stages: int, bits: Sequence[int] | None = None, technology: Technology = CELLS
) -> list[int]:
    """Choose how many registers go at each cut.

    The slowest stage counts first: of all placements whose slowest stage is within ``TOLERANCE`` of the fastest
    possible, and no slower than the fastest with a register less, the one with the fewest register bits is taken, and
    of those the one with the most even stages. Registers that make nothing faster go to both ends, the output first.

    Parameters
    ----------
    delays : sequence of float or callable
        Delay of each segment, as in ``hdl.delays``.
    stages : int
        Registers in all, which is the latency in cycles.
    bits : sequence of int, optional
        What a register costs before the first segment, then after each; the same everywhere where None.
    technology : Technology
        What carries take.

    Returns
    -------
    list of int
        ``len(delays) + 1`` counts with sum ``stages``: before the first segment, then after each.
    """
    count = len(delays)
    cost = [0] * (count + 1) if bits is None else list(bits)
    table = stage_delays(delays, technology)
    most = min(stages, max(count - 1, 0))

    @cache
    def slowest(start: int, inner: int) -> float:
        """The slowest stage of segments start .., with at most so many registers inside, placed best."""
        ways = [table[start][count]]
        if inner:
            ways += [max(table[start][end], slowest(end, inner - 1)) for end in range(start + 1, count)]
        return min(ways)

    # Without the second bound a register more could make a design slower, by as much as the tolerance.
    fastest = slowest(0, most)
    bound = min(fastest * (1 + TOLERANCE), slowest(0, most - 1)) if most else fastest

    @cache
    def best(start: int, inner: int) -> tuple[float, float, tuple[int, ...]] | None:
        """Bits, unevenness and cuts of segments start .. with exactly so many registers, none where too slow."""
        if inner == 0:
            total = table[start][count]
            return (0, total * total, ()) if total <= bound else None
        options = []
        for end in range(start + 1, count - inner + 1):
            head = table[start][end]
            if head > bound:
                break
            rest = best(end, inner - 1)
            if rest is not None:
                options.append((cost[end] + rest[0], rest[1] + head * head, (end, *rest[2])))
        return min(options) if options else None

    def ends(inner: int) -> tuple[int, int]:
        """Registers before the first segment and after the last."""
        return (stages - inner) // 2, (stages - inner + 1) // 2

    choices = []
    for inner in range(most + 1):
        found = best(0, inner)
        if found is not None:
            first, last = ends(inner)
            choices.append((found[0] + first * cost[0] + last * cost[-1], found[1], inner, found[2]))
    _, _, inner, cuts = min(choices)
    places = [0] * (count + 1)
    places[0], places[-1] = (0, stages) if count == 0 else ends(inner)
    for cut in cuts:
        places[cut] += 1
    return places


def alongside(path: Path, values: Any) -> Path:
    """Take ``values`` through every cut of a datapath; return its result and the values at its end."""
    try:
        cut = next(path)
        while True:
            state: Any = None
            if callable(cut.state):
                resumed = yield Cut(cut.delay, lambda state=cut.state, values=values: (state(), values))
                if resumed is not None:
                    state, values = resumed
            else:
                state, values = yield Cut(cut.delay, (cut.state, values))
            cut = path.send(state)
    except StopIteration as stop:
        return stop.value, values


def pipeline(
    m: Module,
    datapath: Datapath,
    inputs: Any,
    *,
    stages: int,
    en: Value | None = None,
    domain: str = "sync",
    technology: str | Technology = CELLS,
) -> Any:
    """Build a datapath with ``stages`` registers between its inputs and its result.

    A new set of inputs is taken every cycle (initiation interval 1) and its result appears ``stages`` cycles later.

    Parameters
    ----------
    m : Module
        Receives the logic.
    datapath : callable
        ``datapath(m, inputs)``, a generator function as described above. It runs twice, once on a scratch module to
        learn its delays and the width of its registers.
    inputs : nested dicts, lists and tuples of values
        Passed to the datapath.
    stages : int
        Latency in cycles; 0 is combinational.
    en : Value, optional
        While it is 0, every register keeps its value.
    domain : str
        Clock domain of the registers; they reset to 0.
    technology : str or Technology
        What the circuit is to be built of, or its name in ``hdl.delays.TECHNOLOGIES``: registers go where its delays
        have them.

    Returns
    -------
    The datapath's result.

    Raises
    ------
    AxfpmError
        If the datapath offers other cuts where registers are taken.
    """
    check_stages(stages)
    technology = TECHNOLOGIES.look_up(technology)
    places = [0]
    if stages:
        delays, bits = survey(datapath, inputs)
        places = place_registers(delays, stages, bits, technology)
    counts = iter(places)
    made = seen = 0

    def registers(state: Any, count: int) -> Any:
        nonlocal made
        for _ in range(count):
            made += 1
            state = _register(m, state, en, domain, f"r{made}")
        return state

    def resume(cut: Cut) -> Any:
        nonlocal seen
        seen += 1
        count = next(counts, 0)
        if callable(cut.state):
            return registers(cut.state(), count) if count else None
        return registers(cut.state, count)

    inputs = registers(inputs, next(counts))
    result = _run(datapath(m, inputs), resume)
    if stages and seen != len(places) - 1:
        raise AxfpmError(f"a datapath offered {len(places) - 1} cuts at first and {seen} then: registers went astray")
    return result


def survey(datapath: Datapath, inputs: Any) -> tuple[list[Delay], list[int]]:
    """Run a datapath without registers.

    Parameters
    ----------
    datapath : callable
        As for ``pipeline``.
    inputs : nested dicts, lists and tuples of values
        Likewise.

    Returns
    -------
    delays : list of float or callable
        Of each segment.
    bits : list of int
        What a register of the inputs would hold, and one after each segment.
    """
    delays: list[Delay] = []
    bits = [register_bits(inputs)]
    scratch = Module()

    def look(cut: Cut) -> Any:
        state = cut.state() if callable(cut.state) else cut.state
        delays.append(cut.delay)
        bits.append(register_bits(state))
        return None if callable(cut.state) else state

    _run(datapath(scratch, inputs), look)
    Fragment.get(scratch, None)  # counts as its use: Amaranth warns of modules that are left lying about
    return delays, bits


def register_bits(state: Any) -> int:
    """Count the bits that a register of a state would have; what stands in it twice is registered once."""
    found: dict[int, int] = {}

    def visit(item: Any) -> None:
        if isinstance(item, dict):
            visit(list(item.values()))
        elif isinstance(item, list | tuple):
            for each in item:
                visit(each)
        elif isinstance(item, Value) and not isinstance(item, Const):
            found[id(item)] = len(item)

    visit(state)
    return sum(found.values())


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
