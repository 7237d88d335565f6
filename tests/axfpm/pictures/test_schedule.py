"""The drawn schedule is the simulated one, and agrees with the engine's own counters."""

import re

import numpy as np
import pytest

from axfpm.pictures.runs import run_engine
from axfpm.pictures.schedule import LANE, LEFT, TOP, WIDTH, draw_schedule, lanes_of
from golden.catalogue import multiplier

pytest.importorskip("amaranth")
SHAPE = (3, 3, 3)
SETTINGS = {"rows": 2, "columns": 2}


@pytest.fixture(scope="module", params=["always", "mixed"])
def run(request):
    return run_engine(multiplier("e8m2"), shape=SHAPE, pace=request.param, **SETTINGS)


def test_lanes_are_the_beats_that_a_harness_sees(run):
    when = run.seen().when
    lanes = {lane.name: [cycle for cycle, *_ in lane.beats] for lane in lanes_of(run, SHAPE, **SETTINGS)}
    for name in ("command", "weights", "biases", "activations", "results"):
        assert lanes[name] == when[name].tolist()
    # M ceil(K / R) ceil(N / C) vectors, R ceil(K / R) ceil(N / C) weights.
    counts = {"command": 1, "weights": 8, "biases": 2, "activations": 6, "vectors into the array": 12}
    counts |= {"sums out of it": 12, "results": 6}
    assert {name: len(beats) for name, beats in lanes.items()} == counts


def test_the_engine_s_counters_say_the_same(run):
    lanes = {lane.name: lane.beats for lane in lanes_of(run, SHAPE, **SETTINGS)}
    ((cycles, stalled, error),) = run.seen().recorded.tolist()
    assert cycles == lanes["results"][-1][0] - lanes["command"][0][0]
    assert stalled == cycles - len(lanes["vectors into the array"])
    assert error == 0


def test_tiles_come_in_the_order_of_the_loops(run):
    lanes = {lane.name: [tile for _, *tile in lane.beats] for lane in lanes_of(run, SHAPE, **SETTINGS)}
    assert lanes["vectors into the array"] == [[i, j] for i in (0, 1) for j in (0, 1) for _ in range(3)]
    assert lanes["results"] == [[1, 0]] * 3 + [[1, 1]] * 3


def test_marks_stand_at_their_cycles(run):
    svg = draw_schedule(run, shape=SHAPE, name="e8m2", **SETTINGS).svg()
    lanes = lanes_of(run, SHAPE, **SETTINGS)
    end = max(cycle for lane in lanes for cycle, *_ in lane.beats)
    step = max(min(WIDTH / (end + 1), 16), 3)
    found = {lane.name: [] for lane in lanes}
    for x, y in re.findall(r"M([\d.]+) ([\d.]+)v", svg):
        lane = lanes[round((float(y) - TOP) / LANE)]
        found[lane.name].append(round((float(x) - LEFT) / step - 0.5))
    assert {name: sorted(cycles) for name, cycles in found.items()} == {
        lane.name: [cycle for cycle, *_ in lane.beats] for lane in lanes
    }
    busy = int(np.asarray(run.seen().recorded)[0, 0])
    assert f"2 x 2 engine of e8m2: (3 x 3) (3 x 3) in {busy} cycles" in svg
