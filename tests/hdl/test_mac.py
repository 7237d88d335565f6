# amaranth: UnusedElaboratable=no

import random

import pytest
from amaranth.sim import Simulator

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.reference import add_word, multiply_word
from hdl.mac import MultiplyAdd
from hdl.verilog import generate


def word(rng):
    return rng.choice([0x80000000, 0, 0x7F800000, rng.getrandbits(32), rng.randrange(0x3E000000, 0x42000000)])


def simulated(component, triples, stalls):
    """What y shows: after each triple where combinational, after each enabled clock edge else; c comes later."""
    seen = []

    async def bench(context):
        late = component.stages
        for cycle in range(len(triples) + component.latency if component.latency else len(triples)):
            a, b, _ = triples[min(cycle, len(triples) - 1)]
            c = triples[min(max(cycle - late, 0), len(triples) - 1)][2]
            for port, value in ((component.a, a), (component.b, b), (component.c, c)):
                context.set(port, value)
            if not component.latency:
                seen.append(context.get(component.y))
                continue
            while stalls.random() < 0.3:
                before = context.get(component.y)
                context.set(component.en, 0)
                await context.tick()
                if component.adder_stages:
                    assert context.get(component.y) == before
            context.set(component.en, 1)
            await context.tick()
            seen.append(context.get(component.y))

    simulator = Simulator(component)
    if component.latency:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


@pytest.mark.parametrize(
    ("name", "stages", "adder_stages"),
    [("ax-fpm", 0, None), ("exact", 1, None), ("e8m2", 2, 1), ("bf16", 0, 2), ("mitchell", 3, 3)],
)
def test_products_and_sums(name, stages, adder_stages):
    rng, m = random.Random(stages), multiplier(name)
    triples = [(word(rng), word(rng), word(rng)) for _ in range(40)]
    component = MultiplyAdd(name, stages=stages, adder_stages=adder_stages)
    assert component.latency == stages + (stages if adder_stages is None else adder_stages)
    right = [add_word(c, multiply_word(a, b, m), m.format) for a, b, c in triples]
    seen = simulated(component, triples, rng)
    first = max(component.latency - 1, 0)
    assert seen[first : first + len(right)] == right


def test_the_tree_reaches_the_multiplier():
    plain, booth = (generate("mac", multiplier="exact-trunc", tree=tree) for tree in ("dadda", "booth"))
    assert "--tree booth" in booth
    assert len(booth.splitlines()) != len(plain.splitlines())
    with pytest.raises(InvalidInput):
        MultiplyAdd("ax-fpm", tree="booth")


def test_its_ports_say_whether_there_are_registers():
    assert "en" not in MultiplyAdd("e8m2").signature.members
    assert "en" in MultiplyAdd("e8m2", adder_stages=1).signature.members
    header = generate("mac", multiplier="e8m2", stages=2)
    assert "c[31:0]  sum so far, in the same form, 2 cycles after its a and b" in header
    assert "Latency: 4 cycles in which en is 1 after a and b, 2 after c" in header


@pytest.mark.parametrize("wrong", [{"stages": -1}, {"adder_stages": -1}, {"tree": "oak"}])
def test_refusals(wrong):
    with pytest.raises(InvalidInput):
        MultiplyAdd("e8m2", **wrong)
