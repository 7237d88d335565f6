import numpy as np
import pytest
from tiny_library import by_hand, cell, changes, energy, entrance, exit_, library, text_of

from synth.energy.charges import charge
from synth.energy.kinds import Conditions
from synth.energy.reader import read_cells

FJ = 1e-3


def charged(text, netlist, *, slew=0.0, end=1000, **nets):
    own = library(text_of(text))
    cells = read_cells(own, netlist.used)
    pins = [(f"c{k}", pin) for k, each in enumerate(netlist.instances) for pin in each.nets]
    given = Conditions(cells, own.voltage, 10.0, dict.fromkeys(pins, (slew, 2 * slew)), {})
    return charge(changes(netlist, end=end, **nets), netlist, given, period=1000)


AND = by_hand([("X", {"A": 2, "B": 3, "Y": 4})], {"a": (2, 3)}, {"y": (4,)})


def gate(*groups, more=""):
    return cell("X", entrance("A"), entrance("B"), exit_("Y", "A B", *groups), more=more)


def test_condition_before_none_and_mean_of_several():
    groups = [energy("A", "", rise=100), energy("A", "B", rise=8), energy("A", "A B", rise=4)]
    sums = charged(gate(*groups), AND, n2=(0, 10), n3=(1,), n4=(0, 10))
    assert sums.internal == pytest.approx([6 * FJ])


def test_no_condition_holds():
    # Only groups for B low, and B is high: the mean of A's, and it is said; with a group for every state it counts.
    groups = [energy("A", "!B", rise=8), energy("A", "!B !A", rise=4), energy("B", "", rise=50)]
    sums = charged(gate(*groups), AND, n2=(0, 10), n3=(1,), n4=(0, 10))
    assert sums.internal == pytest.approx([6 * FJ])
    assert sums.unmatched == 1
    sums = charged(gate(*groups, energy("A", "", rise=7)), AND, n2=(0, 10), n3=(1,), n4=(0, 10))
    assert sums.internal == pytest.approx([7 * FJ])
    assert sums.unmatched == 0


def test_input_groups_cost_only_while_their_condition_holds():
    text = cell("X", entrance("A", more=energy(when="!B Y", rise=8)), entrance("B"), exit_("Y", "A B"))
    assert charged(text, AND, n2=(0, 10), n3=(0,), n4=(0,)).internal == pytest.approx([0])
    # The output is looked at as it was before.
    assert charged(text, AND, n2=(0, 10), n3=(0,), n4=(1, 10)).internal == pytest.approx([8 * FJ])


def test_slew_is_of_the_edge_of_the_input():
    # The table is 0 at no slew and 60 at 1 ns; the pin rises in 0.25 ns and falls in 0.5. Load 10 does not matter.
    table = 'values ("0, 60", "0, 60");'
    tables = f"rise_power (at_load) {{ {table} }} fall_power (at_load) {{ {table} }}"
    group = f'internal_power () {{ related_pin : "A"; {tables} }}'
    sums = charged(gate(group), AND, slew=0.25, end=2000, n2=(0, 10, 1010), n3=(1,), n4=(0, 10, 1010))
    assert sums.internal == pytest.approx([15 * FJ, 30 * FJ])


def test_load_of_the_output():
    # 0 without load and 100 at 100 fF, so 10 at the 10 fF that hang there.
    table = 'values ("0, 0", "100, 100");'
    group = f'internal_power () {{ related_pin : "A"; rise_power (at_load) {{ {table} }} }}'
    assert charged(gate(group), AND, n2=(0, 10), n3=(1,), n4=(0, 10)).internal == pytest.approx([10 * FJ])


def test_one_direction_only():
    # A group without a table for this direction says nothing of it.
    group = 'internal_power () { related_pin : "A"; fall_power (at_load) { values ("9, 9", "9, 9"); } }'
    sums = charged(gate(group, energy("A", rise=4, fall=5)), AND, end=2000, n2=(0, 10, 1010), n3=(1,), n4=(0, 10, 1010))
    assert sums.internal == pytest.approx([4 * FJ, 7 * FJ])


def test_conditions_may_name_the_state():
    register = 'ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }'
    groups = energy(when="IQ", rise=3) + energy(when="IQN", rise=7)
    text = cell("X", entrance("D", more=groups), entrance("CK"), exit_("QN", "IQN"), more=register)
    flip_flop = by_hand([("X", {"D": 2, "CK": 3, "QN": 4})], {"a": (2,), "clk": (3,)}, {"y": (4,)})
    assert charged(text, flip_flop, n2=(0, 10), n3=(0,), n4=(0,)).internal == pytest.approx([3 * FJ])
    assert charged(text, flip_flop, n2=(0, 10), n3=(0,), n4=(1,)).internal == pytest.approx([7 * FJ])


def test_leakage_falls_back_to_the_cell():
    # Groups for one state only: in the other what the cell leaks at large, 5 nW.
    text = gate(more='leakage_power () { when : "A"; value : 9; }')
    sums = charged(text, AND, n2=(0, 400), n3=(0,), n4=(0,))
    assert sums.leakage == pytest.approx((5 * 400 + 9 * 600) * 1e-12)


def test_leakage_of_both_supplies():
    groups = "".join(
        f'leakage_power () {{ value : {v}; when : "{w}"; related_pg_pin : {s}; }}'
        for w, s, v in (("A", "VDD", 9), ("!A", "VDD", 3), ("A", "VSS", 0), ("!A", "VSS", 1))
    )
    sums = charged(gate(more=groups), AND, n2=(0, 250), n3=(0,), n4=(0,))
    assert sums.leakage == pytest.approx((4 * 250 + 9 * 750) * 1e-12)
    assert np.isfinite(sums.cell_leakage).all()
