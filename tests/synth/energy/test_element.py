"""The model of a processing element: what its outputs are by hand, and that they are those of the element simulated."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.catalogue import multiplier
from golden.multiply import multiply_words
from golden.reference import add_word
from hdl.pe import ProcessingElement
from synth.energy.blocks import BLOCKS, Build
from synth.energy.element import INPUTS, OUTPUTS, element_ports, outputs
from synth.energy.stimulus import Operands


def words(*values):
    return np.array(values, np.float32).view(np.uint32)


def test_a_weight_meets_its_activations_and_products_their_sums():
    a, b, sums = words(1, 2, 3, 4, 5), words(7, 7, 7, 8, 8), words(10, 20, 30, 40, 50)
    inputs = element_ports(a, b, sums, stages=1)
    assert set(inputs) == set(INPUTS)
    assert inputs["a_first"].tolist() == [1, 0, 0, 1, 0]
    assert inputs["w_load"].tolist() == [1, 0, 1, 0, 0]
    assert inputs["w"].tolist() == words(7, 7, 8, 8, 8).tolist()
    assert inputs["p"].tolist() == words(10, 10, 10, 20, 30).tolist()
    found = outputs(inputs, multiplier("exact"), stages=1, adder_stages=1)
    # The weight is loaded in the first cycle and so in use from the second activation on that is a first one.
    assert found["a_out"].tolist() == [0, *a[:-1].tolist()]
    assert found["p_out"].view(np.float32).tolist() == [0, 10, 10, 10, 20]


@pytest.mark.parametrize(("stages", "adder_stages"), [(0, 1), (1, 1), (2, 3)])
def test_every_sum_of_the_block_is_that_of_its_operands(stages, adder_stages):
    rng = np.random.default_rng(3)
    a, sums = (rng.standard_normal(40).astype(np.float32).view(np.uint32) for _ in range(2))
    b = np.repeat(rng.standard_normal(8).astype(np.float32), 5).view(np.uint32)
    m = multiplier("e8m2")
    build = Build("e8m2", "dadda", stages, adder_stages)
    found = BLOCKS["pe"].streams(Operands(a, b, "drawn", lambda m: sums), build)
    latency = BLOCKS["pe"].latency(build)
    assert latency == 1 + stages + adder_stages
    right = [add_word(int(c), int(y), m.format) for c, y in zip(sums, multiply_words(a, b, m), strict=True)]
    assert found.expected["p_out"].tolist()[latency:] == right[: 40 - latency]
    # Before that the first words, at rest.
    assert set(found.expected["p_out"].tolist()[: latency + 1]) == {right[0]}


@pytest.mark.parametrize(("stages", "adder_stages"), [(0, 1), (1, 1), (2, 2)])
def test_the_element_simulated(stages, adder_stages):
    rng = np.random.default_rng(stages)
    n = 60
    inputs = {name: rng.integers(0, 2, n).astype(np.uint32) for name in INPUTS}
    for name in ("a", "p", "w"):
        inputs[name] = (rng.standard_normal(n) * (rng.random(n) < 0.7)).astype(np.float32).view(np.uint32)
    element = ProcessingElement("ax-fpm", stages=stages, adder_stages=adder_stages)
    seen: dict[str, list[int]] = {name: [] for name in OUTPUTS}

    async def bench(context):
        context.set(element.en, 1)
        for cycle in range(n):
            for name, stream in inputs.items():
                context.set(getattr(element, name), int(stream[cycle]))
            for name, values in seen.items():
                values.append(context.get(getattr(element, name)))
            await context.tick()

    simulator = Simulator(element)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    found = outputs(inputs, multiplier("ax-fpm"), stages=stages, adder_stages=adder_stages)
    settled = 2 + stages + adder_stages
    assert {name: each.tolist()[settled:] for name, each in found.items()} == {
        name: values[settled:] for name, values in seen.items()
    }
