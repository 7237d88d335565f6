"""The drawn array is the one that ran: activations and sums where the array's times have them."""

import re

import pytest

from axfpm.pictures.array import draw_array, steps_of
from axfpm.pictures.runs import run_array
from golden.catalogue import multiplier

pytest.importorskip("amaranth")
ROWS, COLUMNS, VECTORS = 2, 3, 4
STAGES = DEPTH = 1


@pytest.fixture(scope="module")
def run():
    return run_array(multiplier("e8m2"), rows=ROWS, columns=COLUMNS, vectors=VECTORS)


def test_vectors_are_where_the_skew_has_them(run):
    # The times that hdl.array's page derives, from the cycle in which a vector enters.
    entered = run.passes("activations")
    assert len(entered) == VECTORS
    activations, sums, results = set(), set(), set()
    for step in steps_of(run, ROWS, COLUMNS):
        activations |= {(step.cycle, place, vector) for place, vector in step.activations.items()}
        sums |= {(step.cycle, place, vector) for place, vector in step.sums.items()}
        results |= {(step.cycle, step.result)} if step.result is not None else set()
    places = [(r, c) for r in range(ROWS) for c in range(COLUMNS)]
    assert activations == {(t + r * DEPTH + c, (r, c), v) for v, t in enumerate(entered) for r, c in places}
    assert sums == {(t + r * DEPTH + c + 1 + STAGES, (r, c), v) for v, t in enumerate(entered) for r, c in places}
    assert results == {(t + 1 + STAGES + ROWS * DEPTH + COLUMNS - 1, v) for v, t in enumerate(entered)}


def test_weights_are_loaded_row_by_row_and_skewed_by_column(run):
    beats = run.passes("weights")
    loads = {(step.cycle, place) for step in steps_of(run, ROWS, COLUMNS) for place in step.loads}
    assert loads == {(t + c, (k % ROWS, c)) for k, t in enumerate(beats) for c in range(COLUMNS)}


def test_every_step_is_drawn(run):
    steps = steps_of(run, ROWS, COLUMNS)
    svg = draw_array(run, rows=ROWS, columns=COLUMNS, name="e8m2").svg()
    assert re.findall(r">cycle (\d+)<", svg) == [str(step.cycle) for step in steps]
    assert svg.count("<rect ") == 1 + len(steps) * ROWS * COLUMNS  # one in the legend
    filled = len(re.findall(r'<rect [^>]*fill-opacity="0.3"', svg))
    assert filled - 1 == sum(len(step.activations) for step in steps) == VECTORS * ROWS * COLUMNS
    assert len(re.findall(r">results of \d<", svg)) == VECTORS
    assert f"2 x 3 array of e8m2: {VECTORS} vectors in {len(steps)} cycles" in svg
