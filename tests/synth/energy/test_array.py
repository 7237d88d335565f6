"""An array's streams are those of the array simulated, and its energy is that of its parts."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.sums import matmul
from hdl.array import SystolicArray
from hdl.verilog import component_verilog, generate
from synth.energy.array import ArrayEdges, array_streams, compose, packed
from synth.energy.array_netlist import join
from synth.energy.measure import measure
from synth.flow import synthesise
from synth.liberty import read_liberty

ROWS, COLUMNS = 2, 2


def tile(n=9, rows=ROWS, columns=COLUMNS, seed=1):
    rng = np.random.RandomState(seed)
    x = np.maximum(rng.standard_normal((n, rows)), 0).astype(np.float32)
    w, sums = (rng.standard_normal(shape).astype(np.float32) for shape in ((rows, columns), (n, columns)))
    return x, w, sums


def streams_of(x, w, sums, name, **stages):
    a, b, c = (each.view(np.uint32) for each in (x, w, sums))
    return array_streams(a, b, c, multiplier(name), **stages)


def number(words, cycle):
    word = words[cycle]
    return int(word) if words.ndim == 1 else sum(int(part) << 64 * k for k, part in enumerate(word.tolist()))


def simulated(component, streams, rest):
    """What a component shows on the ports of its streams, cycle by cycle, and what it should, from rest on."""
    inputs, expected = ([(port(component, name), words) for name, words in each.items()] for each in streams)
    seen = []

    async def bench(context):
        for place, words in inputs:
            context.set(place, number(words, 0))
        for _ in range(rest):
            await context.tick()
        for cycle in range(len(inputs[0][1])):
            for place, words in inputs:
                context.set(place, number(words, cycle))
            seen.append([context.get(place) for place, _ in expected])
            await context.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen, [[number(words, cycle) for _, words in expected] for cycle in range(len(seen))]


def port(component, name):
    place: Any = component
    for part in name.split("__"):
        place = getattr(place, part)
    return place.as_value() if hasattr(place, "as_value") else place


@pytest.mark.parametrize(("shape", "stages"), [((2, 2), (1, 1)), ((2, 2), (0, 2)), ((3, 1), (2, 1)), ((1, 2), (1, 1))])
def test_every_port_of_the_array_and_of_its_edges(shape, stages):
    rows, columns = shape
    depth = {"stages": stages[0], "adder_stages": stages[1]}
    found = streams_of(*tile(rows=rows, columns=columns), "e8m2", **depth)
    whole = SystolicArray("e8m2", rows=rows, columns=columns, **depth)
    seen, right = simulated(whole, (found.whole.inputs, found.whole.expected), found.rest)
    assert seen == right
    edges = ArrayEdges("e8m2", rows=rows, columns=columns, **depth)
    seen, right = simulated(edges, (found.edges.inputs, found.edges.expected), found.rest)
    assert seen == right
    # All ports but the clock's are there.
    assert len(found.edges.expected) == 5 + 10 * rows * columns
    assert len(found.elements) == rows * columns


def test_results_are_the_matrix_product():
    x, w, sums = tile()
    found = streams_of(x, w, np.zeros_like(sums), "ax-fpm")
    valid = found.whole.expected["results__valid"] == 1
    results = found.whole.expected["results__payload"][valid, 0]
    right = matmul(x, w, "ax-fpm").view(np.uint32).astype(np.uint64)
    assert results.tolist() == (right[:, 0] | right[:, 1] << np.uint64(32)).tolist()


def test_packing():
    low, high = np.array([1, 2], np.uint32), np.array([3, 0xFFFFFFFF], np.uint32)
    assert packed([(low, 32), (high, 32), (low, 2)]).tolist() == [[3 << 32 | 1, 1], [0xFFFFFFFF << 32 | 2, 2]]


def measured(*per_cycle: float) -> Any:
    total = np.array(per_cycle)
    return SimpleNamespace(operations=total.size, with_glitches=SimpleNamespace(total=total))


def test_the_sum():
    found = compose([measured(1, 2), measured(3, 4)], measured(0.5, 0.25))
    assert (found.elements_pj, found.edges_pj, found.total_pj) == (10, 0.75, 10.75)
    for parts in ([], [measured(1)]):
        with pytest.raises(InvalidInput, match="elements and edges of as many cycles"):
            compose(parts, measured(1, 2))


@pytest.mark.long
@pytest.mark.usefixtures("flow_tools", "simulator")
def test_the_parts_joined_to_one_netlist():
    # An element's outputs drive nothing but the next part, which counts what its inputs are: so outputs have no load.
    found = streams_of(*tile(24), "e8m2")
    library = read_liberty()
    shape: Any = {"rows": ROWS, "columns": COLUMNS}
    texts = {"pe": generate("pe", multiplier="e8m2"), "edges": component_verilog(ArrayEdges("e8m2", **shape), "edges")}
    mapped = {top: synthesise(text, top=top, liberty=library) for top, text in texts.items()}
    netlists = {top: each.netlist.read_text() for top, each in mapped.items()}
    netlists["array"] = join(netlists["pe"], netlists["edges"], **shape)
    period = 2 * math.ceil(max(each.critical_path_ns for each in mapped.values()))  # edges and elements are one path

    def energy(top, streams):
        return measure(
            netlists[top],
            top=top,
            library=library,
            streams=streams.inputs,
            expected=streams.expected,
            latencies=streams.latencies,
            stages=found.rest,
            period_ns=period,
            load_ff=0,
        )

    whole = float(energy("array", found.whole).with_glitches.total.sum())
    parts = compose([energy("pe", each) for each in found.elements.values()], energy("edges", found.edges))
    # What glitches at the borders is other: 3% above here, 5% allowed.
    assert parts.total_pj == pytest.approx(whole, rel=0.05)
    assert 0.1 * whole < parts.edges_pj < parts.elements_pj
