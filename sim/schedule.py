"""What a pipelined block is driven with at every clock edge, and what it must then show."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

__all__ = ["UNKNOWN", "Cycle", "Schedule", "pipeline_schedule"]

UNKNOWN = -1
"""An expectation that says nothing: no pair has reached the output since the last reset."""


@dataclass(frozen=True)
class Cycle:
    """One clock cycle.

    Parameters
    ----------
    pair : int
        Index of the operand pair on the inputs.
    enable, reset : int
        Levels of ``en`` and ``rst``.
    expected : int
        Index of the pair whose product the output shows after the edge, or UNKNOWN.
    """

    pair: int
    enable: int
    reset: int
    expected: int


@dataclass(frozen=True)
class Schedule:
    """The cycles, and how often each event of the protocol occurs among them."""

    cycles: tuple[Cycle, ...]
    events: dict[str, int]


def pipeline_schedule(pairs: int, stages: int, seed: int) -> Schedule:
    """Present every pair to a block of latency ``stages``, with stalls and resets in mid-stream.

    At an edge with ``en`` high the block takes the pair on its inputs and moves every pair in flight on; with ``en``
    low it holds its output and ignores its inputs, which then carry pairs at random. ``rst`` discards what is in
    flight; those pairs are presented again, so that every pair's product is seen.

    Parameters
    ----------
    pairs : int
        How many operand pairs.
    stages : int
        Latency, at least 1.
    seed : int
        Decides stalls and resets.
    """
    rng = random.Random(seed)
    waiting = deque(range(pairs))
    flight: deque[int] = deque([UNKNOWN] * stages)
    cycles: list[Cycle] = []
    names = ("back-to-back pairs", "stalls", "stalls with pairs in flight", "resets in mid-stream")
    events: dict[str, int] = dict.fromkeys(names, 0)
    # Resets after about a quarter and three quarters of the pairs, besides the one at the start.
    reset_below = sorted({pairs // 4, 3 * pairs // 4})
    burst = 0
    enabled_before = False
    cycles += [Cycle(rng.randrange(pairs), rng.getrandbits(1), 1, UNKNOWN) for _ in range(2)]
    while waiting or any(pair != UNKNOWN for pair in flight):
        if reset_below and len(waiting) <= reset_below[-1]:
            reset_below.pop()
            lost = [pair for pair in list(flight)[:-1] if pair != UNKNOWN]
            events["resets in mid-stream"] += bool(lost) or stages == 1
            waiting.extendleft(lost)
            flight = deque([UNKNOWN] * stages)
            cycles.append(Cycle(rng.randrange(pairs), rng.getrandbits(1), 1, UNKNOWN))
            enabled_before = False
            continue
        # Bursts of 1 to 32 cycles between stalls: one in about eight cycles is a stall.
        if burst == 0:
            burst = rng.randint(1, 32) if rng.random() < 0.5 else rng.randint(1, 3)
            for _ in range(rng.randint(1, 3)):
                cycles.append(Cycle(rng.randrange(pairs), 0, 0, flight[-1]))
                events["stalls"] += 1
                events["stalls with pairs in flight"] += any(pair != UNKNOWN for pair in flight)
            enabled_before = False
        burst -= 1
        # A drained input repeats some pair; its product leaves the pipeline after the last one that is waited for.
        pair = waiting.popleft() if waiting else UNKNOWN
        flight.appendleft(pair)
        flight.pop()
        cycles.append(Cycle(rng.randrange(pairs) if pair == UNKNOWN else pair, 1, 0, flight[-1]))
        events["back-to-back pairs"] += enabled_before and pair != UNKNOWN
        enabled_before = pair != UNKNOWN
    return Schedule(tuple(cycles), events)
