"""How fast a block with streams went, of beats made up by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sim.report import Throughput
from sim.streams import EVENTS, Seen, Source, StreamJob, Wanted, beats, judge

WORDS = beats([(np.arange(3, dtype=np.uint32), 32)], 32)
SOURCES = {name: Source(32, WORDS) for name in ("activations", "weights")}
JOB = StreamJob(SOURCES, {"results": Wanted(32, 32, WORDS)}, {}, macs=24, places=4)
WHEN = {"weights": np.array([2, 3, 5]), "activations": np.array([4, 6, 7]), "results": np.array([9, 10, 13])}
SEEN = Seen({"results": WORDS}, WHEN, {name: dict.fromkeys(EVENTS, 0) for name in WHEN}, [], np.empty((0, 0)))


def test_throughput():
    verdict = judge(JOB, SEEN)
    assert (verdict.checks, verdict.failures) == (3, 0)
    # Cycles 2 to 13; the vector of cycle 4 leaves in cycle 9; 24 products of 4 elements in 12 cycles.
    assert verdict.throughput == Throughput(cycles=12, latency=5, utilisation=0.5)


@pytest.mark.parametrize("name", WHEN)
def test_no_throughput_where_a_stream_stood(name):
    verdict = judge(JOB, replace(SEEN, when={**WHEN, name: np.array([], np.int64)}))
    assert verdict.throughput is None
