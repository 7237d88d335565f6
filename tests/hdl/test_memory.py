# amaranth: UnusedElaboratable=no
"""The module and Amaranth's memory do what the interface says, which is a model of six lines here."""

import random
import re

import pytest
from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from hdl.memory import Memories, module, replaced
from hdl.verilog import generate

WIDTH, DEPTH, BITS = 5, 3, 2


def operations(count, seed):
    """Every row is written first, so that no word is unknown; then anything, rows read while written among it."""
    rng = random.Random(seed)
    fill = [(1, row, rng.randrange(1 << WIDTH), 0, 0) for row in range(DEPTH)]
    fill.append((0, 0, 0, 1, 0))
    return fill + [
        (rng.randrange(2), rng.randrange(DEPTH), rng.randrange(1 << WIDTH), rng.randrange(2), rng.randrange(DEPTH))
        for _ in range(count)
    ]


def expected(steps):
    rows, word, words = [None] * DEPTH, None, []
    for w_en, w_addr, w_data, r_en, r_addr in steps:
        word = rows[r_addr] if r_en else word
        if w_en:
            rows[w_addr] = w_data
        words.append(word)
    return words


STEPS = operations(400, seed=1)
WORDS = expected(STEPS)


def test_steps_meet_every_case():
    kinds = {(w_en, r_en, w_addr == r_addr) for w_en, w_addr, _, r_en, r_addr in STEPS}
    assert len(kinds) == 8
    # A word that is kept would be another if it were read anew.
    assert expected([(*step[:3], 1, step[4]) for step in STEPS]) != WORDS


def test_module(icarus):
    steps = "".join(
        f"    w_en = {w_en}; w_addr = {w_addr}; w_data = {w_data}; r_en = {r_en}; r_addr = {r_addr};\n"
        '    #1 clk = 1; #1 clk = 0; $display("%0d", r_data);\n'
        for w_en, w_addr, w_data, r_en, r_addr in STEPS
    )
    bench = f"""module bench;
  reg clk = 0, w_en, r_en; reg [{BITS - 1}:0] w_addr, r_addr; reg [{WIDTH - 1}:0] w_data; wire [{WIDTH - 1}:0] r_data;
  mine #(.WIDTH({WIDTH}), .DEPTH({DEPTH}), .ADDRESS_BITS({BITS})) dut (clk, w_en, w_addr, w_data, r_en, r_addr, r_data);
  initial begin
{steps}  end
endmodule
"""
    printed = icarus(mine=module("mine"), bench=bench).split()
    assert printed[DEPTH:] == [str(word) for word in WORDS[DEPTH:]]


def test_amaranth_s_memory():
    m = Module()
    m.submodules.memory = memory = Memory(shape=WIDTH, depth=DEPTH, init=[])
    write, read = memory.write_port(), memory.read_port()
    seen = []

    async def bench(ctx):
        signals = (write.en, write.addr, write.data, read.en, read.addr)
        for step in STEPS:
            for signal, value in zip(signals, step, strict=True):
                ctx.set(signal, value)
            await ctx.tick()
            seen.append(ctx.get(read.data))

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen[DEPTH:] == WORDS[DEPTH:]


def test_engine_has_no_other_memory():
    text = generate(
        "engine", name="mine", multiplier="ax-fpm:format=toy", rows=1, columns=2, depth=6, accumulators=9, biases=1
    )
    sizes = re.findall(
        r"mine_memory #\(\s*\.ADDRESS_BITS\(32'd(\d+)\),\s*\.DEPTH\(32'd(\d+)\),\s*\.WIDTH\(32'd(\d+)\)\s*\) (\w+) ",
        text,
    )
    assert sorted(sizes, key=lambda size: size[3]) == [
        ("4", "16", "8", "activations"),
        ("1", "1", "16", "biases"),
        ("4", "9", "16", "partial"),
        ("1", "1", "16", "storage"),
    ]
    assert re.findall(r"^ +reg (?:\[[^]]*\] )?(\S+) \[", text, re.MULTILINE) == ["rows"]


def test_the_module_can_be_left_out(icarus):
    other = f"`define {replaced('mine')}\n{module('mine')}\nmodule mine; initial $display(1); endmodule\n"
    assert icarus(mine=other).split() == ["1"]


def get(memory):
    return Memories("mine").get_memory(memory)


def ports(memory, **read):
    memory.write_port()
    memory.read_port(**read)
    return memory


def test_what_the_module_cannot_be():
    assert get(ports(Memory(shape=4, depth=4, init=[]))) is not None
    three = ports(Memory(shape=4, depth=4, init=[]))
    three.read_port()
    transparent = Memory(shape=4, depth=4, init=[])
    transparent.read_port(transparent_for=[transparent.write_port()])
    parts = Memory(shape=4, depth=4, init=[])
    parts.write_port(granularity=2)
    parts.read_port()
    for memory in (three, ports(Memory(shape=4, depth=4, init=[]), domain="comb")):
        with pytest.raises(RuntimeError, match="one clocked port to write and one to read"):
            get(memory)
    for memory in (transparent, parts, ports(Memory(shape=4, depth=4, init=[1]))):
        with pytest.raises(RuntimeError, match="whole words, is read first, and begins with unknown contents"):
            get(memory)
