"""Every energy here is counted by hand. 2 V: each fF of load costs 2 fJ per change. Times in fs, periods of 1000."""

from typing import Any

import numpy as np
import pytest
from tiny_library import by_hand, changes, library

from synth.energy.charges import charge, net_loads
from synth.energy.kinds import Conditions
from synth.energy.reader import read_cells
from synth.wires import WireLoad

FJ = 1e-3


def conditions(netlist, *, load_ff=10.0, delays=None, wires=None):
    own = library()
    cells = read_cells(own, netlist.used)
    pins = [(f"c{k}", pin) for k, each in enumerate(netlist.instances) for pin in each.nets]
    return Conditions(cells, own.voltage, load_ff, dict.fromkeys(pins, (0.05, 0.05)), delays or {}, wires)


def charged(netlist, *, end: Any = 2000, delays: Any = None, **nets):
    return charge(changes(netlist, end=end, **nets), netlist, conditions(netlist, delays=delays), period=1000)


INV = by_hand([("INV", {"A": 2, "Y": 3})], {"a": (2,)}, {"y": (3,)})
NAND = by_hand([("NAND", {"A": 2, "B": 3, "Y": 4})], {"a": (2, 3)}, {"y": (4,)})
XOR = by_hand([("XOR", {"A": 2, "B": 3, "Y": 4})], {"a": (2, 3)}, {"y": (4,)})
FA = by_hand([("FA", {"A": 2, "B": 3, "C": 4, "S": 5, "K": 6})], {"a": (2, 3, 4)}, {"y": (5, 6)})
DFF = by_hand([("DFF", {"D": 2, "CK": 3, "Q": 4, "QN": 5})], {"a": (2,), "clk": (3,)}, {"y": (4,)})


def test_inverter_by_cycle_and_cell():
    # Cycle 0: the input rises, the output falls. Cycle 1: back again, and once more both.
    sums = charged(INV, n2=(0, 0, 1000, 1500), n3=(1, 40, 1040, 1540))
    assert sums.switching == pytest.approx([20 * FJ, 40 * FJ])
    assert sums.internal == pytest.approx([3 * FJ, (5 + 3) * FJ])
    # At the input 4 fF rise and 3 fF fall: of whoever drives it.
    assert sums.inputs == pytest.approx([8 * FJ, (6 + 8) * FJ])
    assert sums.cell_switching == pytest.approx([60 * FJ])
    assert sums.cell_internal == pytest.approx([11 * FJ])
    # 5 nW for 1 ps are 5e-21 J.
    assert sums.leakage == pytest.approx(5e-9)


def test_the_load_is_that_of_the_direction():
    # The first inverter drives the second: 4 fF when it rises, 3 fF when it falls.
    chain = by_hand([("INV", {"A": 2, "Y": 3}), ("INV", {"A": 3, "Y": 4})], {"a": (2,)}, {"y": (4, 4)})
    assert net_loads(chain, conditions(chain))[3:].tolist() == [[3, 4], [20, 20]]
    sums = charged(chain, n2=(0, 0, 1000), n3=(1, 0, 1000), n4=(0, 0, 1000))
    assert sums.cell_switching == pytest.approx([(6 + 8) * FJ, 80 * FJ])


def test_wires_by_fanout():
    # 1 and 2 loads are in the table, the third is 7 longer. Net 6 leads to an output, 7 to two, 8 and 9 to nothing.
    wires = WireLoad("w", 0.5, 7.0, (1.0, 2.0), (3.0, 4.0))
    chain = [("INV", {"A": 2, "Y": 3}), ("INV", {"A": 3, "Y": 4}), ("INV", {"A": 3, "Y": 5})]
    fan = [("INV", {"A": 4, "Y": 6}), ("INV", {"A": 4, "Y": 7}), ("INV", {"A": 4, "Y": 8}), ("INV", {"A": 5, "Y": 9})]
    netlist = by_hand([*chain, *fan], {"a": (2,)}, {"y": (6, 7, 7)})
    bare, wired = (net_loads(netlist, conditions(netlist, wires=each)) for each in (None, wires))
    added = {2: 1.5, 3: 2, 4: 0.5 * 11, 5: 1.5, 6: 1.5, 7: 2, 8: 0, 9: 0}
    assert (wired - bare)[2:].tolist() == [[each, each] for each in added.values()]
    # 2 V: 4 fF of pins and 2 of wire rise at the first inverter's output, and its internal energy looks at both.
    sums = charge(changes(netlist, end=1000, n3=(0, 0)), netlist, conditions(netlist, wires=wires), period=1000)
    assert sums.cell_switching[0] == pytest.approx((2 * 4 + 2) * 2 * FJ)


def test_nand_charges_the_input_that_caused_it():
    # A low to high at 0 with B high: falls for A, 2. B falls at 1000: rises for B, 10. A's own pin: 0.5 for its rise.
    sums = charged(NAND, n2=(0, 0), n3=(1, 1000), n4=(1, 100, 1300))
    assert sums.internal == pytest.approx([(2 + 0.5) * FJ, 10 * FJ])
    # Both at one instant: half of each.
    sums = charged(NAND, n2=(0, 0), n3=(0, 0), n4=(1, 0))
    assert sums.internal == pytest.approx([(0.5 * (2 + 4) + 0.5) * FJ, 0])


def test_nand_with_delays_looks_at_when_the_output_would_follow():
    # The output rises at 500. B fell at 200 and takes 300; A fell at 450, too late with its delay of 100.
    delays = {("c0", "A", "Y"): (100, 200), ("c0", "B", "Y"): (300, 400)}
    nets = {"n2": (1, 450), "n3": (1, 200), "n4": (0, 500)}
    assert charged(NAND, delays=delays, **nets).internal == pytest.approx([(10 + 0.25) * FJ, 0])
    # Without delays the latest change counts: A.
    assert charged(NAND, **nets).internal == pytest.approx([(6 + 0.25) * FJ, 0])


def test_xor_states_and_supplies():
    # A rises at 0 with B low: rise 20 at VDD and 120 at VSS. B rises at 1000 with A high: fall 1 and 101.
    sums = charged(XOR, n2=(0, 0), n3=(0, 1000), n4=(0, 0, 1000))
    assert sums.internal == pytest.approx([140 * FJ, 102 * FJ])
    # Nothing else has conditions here, and one held each time.
    assert sums.unmatched == 0


def test_full_adder_charges_each_output():
    # A rises with B high and C low: sum falls (9), carry rises (6). Each drives 10 fF: 20 fJ.
    sums = charged(FA, n2=(0, 0), n3=(1,), n4=(0,), n5=(1, 50), n6=(0, 70))
    assert sums.internal == pytest.approx([15 * FJ, 0])
    assert sums.switching == pytest.approx([40 * FJ, 0])


def test_flip_flop():
    # The clock rises at 0 and 1000, falls at 500 and 1500: 2 and 12 a cycle. D rises at 100 while CK is high: 1, falls
    # at 700 while it is low: 5. Q falls at 20: 31, and QN, which no net leads on from, rises: 1.
    sums = charged(DFF, n2=(0, 100, 700), n3=(0, 0, 500, 1000, 1500), n4=(1, 20), n5=(0, 20))
    assert sums.internal == pytest.approx([(14 + 1 + 5 + 31 + 1) * FJ, 14 * FJ])
    # Clock and data pins are the inputs' load: 4 and 3 fF each, 14 fJ for both changes of each.
    assert sums.inputs == pytest.approx([28 * FJ, 14 * FJ])
    # QN has no load at all.
    assert sums.switching == pytest.approx([20 * FJ, 0])


def test_leakage_by_state_and_time():
    # Both high from 250 on: 8 nW instead of 2, for 1750 of 2000 fs.
    sums = charged(NAND, n2=(0, 250), n3=(1,), n4=(1, 250))
    assert sums.leakage == pytest.approx((2 * 250 + 8 * 1750) / 2 * 1e-12)


def test_quiet():
    sums = charged(NAND, n2=(0,), n3=(0,), n4=(1,))
    assert not sums.switching.any()
    assert not sums.internal.any()
    assert sums.leakage > 0


def test_many_instances_are_the_sum_of_each():
    pair = by_hand(
        [("NAND", {"A": 2, "B": 3, "Y": 4}), ("NAND", {"A": 3, "B": 2, "Y": 5})], {"a": (2, 3)}, {"y": (4, 5)}
    )
    nets = {"n2": (0, 0, 1200), "n3": (1, 1700)}
    sums = charged(pair, **nets, n4=(1, 100, 1300), n5=(1, 100, 1300))
    alone = charged(NAND, **nets, n4=(1, 100, 1300))
    other = charged(
        by_hand([("NAND", {"A": 3, "B": 2, "Y": 4})], {"a": (2, 3)}, {"y": (4,)}), **nets, n4=(1, 100, 1300)
    )
    assert sums.cell_internal == pytest.approx([alone.cell_internal[0], other.cell_internal[0]])
    assert sums.internal == pytest.approx(alone.internal + other.internal)
    assert np.sum(sums.internal) == pytest.approx(np.sum(sums.cell_internal))
