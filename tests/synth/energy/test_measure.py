from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny_library import TINY, by_hand, changes, library, text_of

from golden.errors import InvalidInput
from golden.multiply import multiply
from hdl.verilog import generate
from synth.energy.measure import _key, check_delayed, measure
from synth.energy.sdf import Delays, write_sdf
from synth.flow import synthesise
from synth.liberty import read_liberty

pytestmark = pytest.mark.usefixtures("simulator", "timer")

# A glitch: y = a and not a, until the inverter has followed.
GLITCH = """
module top(a, b, y); input a, b; output y; wire i, n;
  INV u0 (.A(a), .Y(i)); NAND u1 (.A(a), .B(i), .Y(n)); INV u2 (.A(n), .Y(y));
endmodule
"""
STAGE = """
module top(clk, a, b, y); input clk, a, b; output y; wire d;
  XOR u0 (.A(a), .B(b), .Y(d)); DFF u1 (.CK(clk), .D(d), .Q(y), .QN());
endmodule
"""


def words(*bits):
    return np.array(bits, np.uint32)


def glitch(**more: Any):
    streams = {"a": more.pop("a", words(0, 0, 1, 1, 0)), "b": words(0, 0, 0, 0, 0)}
    given = {"streams": streams, "expected": {"y": more.pop("y", words(0, 0, 0, 0, 0))}}
    return measure(GLITCH, **{"top": "top", "library": library(), "period_ns": 3.0, **given, **more})


def test_a_glitch_costs_what_two_changes_cost():
    measured = glitch()
    # a rises with operands 2: i falls after 200 ps; n falls 200 ps after a, for A (2 fJ), and rises 300 ps after i,
    # for B (10); y rises and falls (5, 3). a falls with operands 4: i rises (5), n does not follow: its A is low.
    # Loads: i 4 / 3 fF, n 4 / 3, y 10 both ways; 2 fJ each. a drives A of INV and of NAND: 8 / 6 fF.
    with_, without = measured.with_glitches, measured.zero_delay
    assert with_.toggles.tolist() == [0, 5, 0, 1]
    assert with_.switching * 1e3 == pytest.approx([0, 6 + 14 + 40, 0, 8])
    assert with_.internal * 1e3 == pytest.approx([0, 3 + 2 + 10 + 3 + 5 + 0.5, 0, 5 + 0.25])
    assert with_.inputs * 1e3 == pytest.approx([0, 16, 0, 12])
    assert without.toggles.tolist() == [0, 1, 0, 1]
    assert without.switching * 1e3 == pytest.approx([0, 6, 0, 8])
    assert without.internal * 1e3 == pytest.approx([0, 3.5, 0, 5.25])
    assert measured.operations == 4
    assert measured.energy_pj == pytest.approx(with_.total.mean())
    assert measured.energy_pj_zero_delay < measured.energy_pj
    assert measured.unmatched == 0


def test_wire_loads_are_asked_for_by_the_library():
    plain, wired = glitch(), glitch(library=library(wire_loads=True))
    # Nets i, n and y have one load each: 10 fF of wire, 20 fJ a change. Net a has two, which is beyond the table.
    added = (wired.with_glitches.switching - plain.with_glitches.switching) * 1e3
    assert added == pytest.approx([0, 5 * 20, 0, 20])
    assert (wired.with_glitches.inputs - plain.with_glitches.inputs) * 1e3 == pytest.approx([0, 40, 0, 40])
    assert "wires by the library's default wire load small" in wired.conditions


def test_energies_by_cell_add_up():
    measured = glitch()
    assert {cell.name: cell.cell for cell in measured.cells} == {"u0": "INV", "u1": "NAND", "u2": "INV"}
    for kind in ("switching", "internal"):
        whole = getattr(measured.with_glitches, kind).sum()
        assert sum(getattr(cell, kind) for cell in measured.cells) == pytest.approx(whole)
    leakage = measured.with_glitches.leakage * measured.operations
    assert sum(cell.leakage for cell in measured.cells) == pytest.approx(leakage)


def test_registers():
    bits = (words(0, 1, 1, 0, 1, 0), words(0, 0, 1, 1, 1, 1))
    measured = measure(
        STAGE,
        top="top",
        library=library(),
        streams={"a": bits[0], "b": bits[1]},
        expected={"y": bits[0] ^ bits[1]},
        stages=1,
        period_ns=2.0,
    )
    # d = 0 1 0 1 0 1. Recorded from operands 2 on: d and y change in each cycle, the clock twice: 4 + 3 fF; a or b
    # changes, one input of the XOR: twice down for a, or up for either.
    assert measured.operations == 4
    assert measured.with_glitches.toggles.tolist() == [3, 3, 3, 3]  # d, y and the open QN
    clock = 8 + 6
    changes_ = [8, 6, 8, 6]
    assert measured.with_glitches.inputs * 1e3 == pytest.approx([clock + each for each in changes_])
    # The clock's pin: 2 and 12 fJ at every cycle, wherever it is.
    quiet = measure(
        STAGE,
        top="top",
        library=library(),
        streams={"a": words(*[0] * 5), "b": words(*[0] * 5)},
        expected={"y": words(*[0] * 5)},
        stages=1,
        period_ns=2.0,
    )
    assert quiet.with_glitches.internal * 1e3 == pytest.approx([14] * 3)
    assert quiet.with_glitches.inputs * 1e3 == pytest.approx([clock] * 3)


def test_conditions_say_everything():
    conditions = glitch().conditions
    for part in (
        "tiny",
        "pre-layout, no wires",
        "3 ns",
        "5 operand pairs",
        "BUF",
        "10 fF",
        "yowasp",
        "OpenSTA",
        "Icarus",
    ):
        assert part in conditions


def test_kept(monkeypatch):
    first = glitch()
    monkeypatch.setattr("synth.tools.run", lambda *_, **__: pytest.fail("ran a program"))
    again = glitch()
    assert again.energy_pj == first.energy_pj
    assert again.cells == first.cells
    for name in ("switching", "internal", "inputs", "toggles"):
        assert np.array_equal(getattr(again.with_glitches, name), getattr(first.with_glitches, name))


@pytest.mark.parametrize(
    "other",
    [{"period_ns": 4.0}, {"a": words(0, 1, 1, 1, 0)}, {"library": TINY + "\n"}],
)
def test_kept_for_this_question_only(monkeypatch, other):
    glitch()
    other = {key: library(value) if key == "library" else value for key, value in other.items()}
    monkeypatch.setattr("synth.tools.run", lambda *_, **__: (1, "Error: ran a program"))
    with pytest.raises(InvalidInput, match="ran a program"):
        glitch(**other)


# Two outputs, the one a cycle after the other.
PAIR = """
module top(clk, a, b, x, y); input clk, a, b; output x, y;
  XOR u0 (.A(a), .B(b), .Y(x)); DFF u1 (.CK(clk), .D(x), .Q(y), .QN());
endmodule
"""


def test_several_outputs_each_at_its_time():
    a, b = words(0, 1, 1, 0, 1, 0), words(0, 0, 1, 1, 1, 0)
    given: Any = {"top": "top", "library": library(), "streams": {"a": a, "b": b}, "stages": 1, "period_ns": 2.0}
    measured = measure(PAIR, **given, expected={"x": a ^ b, "y": a ^ b}, latencies={"x": 0})
    assert measured.operations == 4
    with pytest.raises(InvalidInput, match="of 12 outputs of the netlist are wrong"):
        measure(PAIR, **given, expected={"x": a ^ b, "y": a ^ b})
    with pytest.raises(InvalidInput, match="1 of 12 outputs of the netlist are wrong, the first at operands 3"):
        measure(PAIR, **given, expected={"x": a ^ b, "y": a ^ b ^ words(0, 0, 0, 1, 0, 0)}, latencies={"x": 0})


def test_what_was_kept_before_there_were_other_ports_is_found():
    # Digests by the code that knew a, b and one output alone.
    a, b, y = words(1, 2, 3), words(4, 5, 6), words(7, 8, 9)
    given: Any = SimpleNamespace(sha256="00")

    def key(stages, late, **more):
        streams = {"a": a, "b": b, **more}
        said = f"clock 3 ns, {stages} stages"
        return _key(said, "module top; endmodule", "top", given, 10.0, streams, {"y": y}, stages, {"y": late})

    assert key(0, 0) == "d240c0c6bcefd407b8aff5fda0faccc5deceb35043dd024233bf2cc618c5f579"
    assert key(1, 1) == "f98bd5667842bc911cf67b90265341ce440eea0692c2d98149edd072e4ce46cd"
    assert len({key(1, 1), key(1, 0), key(1, 1, c=a), key(1, 1, d=a)}) == 4


def test_delays_have_to_make_a_difference():
    inverter = by_hand([("INV", {"A": 2, "Y": 3})], {"a": (2,)}, {"y": (3,)})
    instant = changes(inverter, end=1000, n2=(0, 100), n3=(1, 100))
    check_delayed(changes(inverter, end=1000, n2=(0, 100), n3=(1, 101)), instant, [2])
    quiet = changes(inverter, end=1000, n2=(0, 100), n3=(1,))
    check_delayed(quiet, quiet, [2])
    with pytest.raises(InvalidInput, match="the simulation with delays is the one without them"):
        check_delayed(instant, instant, [2])


def test_delays_that_get_lost_are_found(monkeypatch):
    def lost(delays, **more):
        nothing = {cell: dict.fromkeys(paths, (0.0, 0.0)) for cell, paths in delays.paths.items()}
        return write_sdf(Delays(delays.cells, nothing), **more)

    monkeypatch.setattr("synth.energy.measure.write_sdf", lost)
    with pytest.raises(InvalidInput, match="the simulation with delays is the one without them"):
        glitch(period_ns=3.5)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"a": words(0, 1)}, "there are 2 of a, 5 of b, 5 of y; give as many words of each port, 2 at least"),
        ({"a": np.zeros(5)}, "not one-dimensional arrays of unsigned integers"),
        ({"y": words(0, 0, 0, 1, 0)}, "1 of 5 outputs of the netlist are wrong, the first at operands 3"),
        ({"stages": 1}, "has the ports .*; give one with a, b, clk, perhaps rst and en, and the outputs y"),
        ({"expected": {}}, "there are no operands, or no results"),
        ({"expected": {"z": words(0, 0, 0, 0, 0)}}, "has the ports a, b, y; give one with a, b, .* the outputs z"),
        ({"latencies": {"z": 0}}, "a latency is given of 'z'"),
        ({"period_ns": 0}, "period_ns=0 is too small"),
        ({"top": "other"}, "the netlist has no module 'other'"),
    ],
)
def test_what_cannot_be_measured(given, message):
    with pytest.raises(InvalidInput, match=message):
        glitch(**given)


def test_a_missing_file(tmp_path):
    with pytest.raises(InvalidInput, match="cannot read the netlist"):
        measure(
            tmp_path / "gone.v",
            top="top",
            library=library(),
            streams={"a": words(0, 0), "b": words(0, 0)},
            expected={"y": words(0, 0)},
            period_ns=1,
        )


def test_a_library_without_a_cell_of_the_netlist():
    with pytest.raises(InvalidInput, match="unknown cell 'NAND'"):
        glitch(library=library(text_of()))


def test_a_netlist_without_cells():
    wires = "module top(a, b, y); input a, b; output [1:0] y; assign y = {1'b1, a}; endmodule"
    given: Any = {"streams": {"a": words(0, 1, 1, 0), "b": words(0, 0, 0, 0)}, "expected": {"y": words(2, 3, 3, 2)}}
    measured = measure(wires, top="top", library=library(), period_ns=1.0, **given)
    # Nothing but its own output load, which the input drives: 10 fF, 20 fJ.
    assert measured.cells == ()
    assert measured.with_glitches.inputs * 1e3 == pytest.approx([20, 0, 20])
    assert measured.energy_pj * 1e3 == pytest.approx(40 / 3)


def test_progress():
    said = []
    glitch(period_ns=3.25, progress=lambda *step: said.append(step))
    assert [done for done, total, _ in said if total == 4] == [0, 1, 2, 3]


@pytest.mark.usefixtures("flow_tools")
def test_a_multiplier_of_the_catalogue():
    # A pipeline of the catalogue's smallest, through the whole flow: e8m2 on OSU018, every output compared.
    rng = np.random.default_rng(5)
    a = np.maximum(rng.standard_normal(40), 0).astype(np.float32)
    b = rng.standard_normal(40).astype(np.float32)
    given = {
        "library": read_liberty(),
        "streams": {"a": a.view(np.uint32), "b": b.view(np.uint32)},
        "expected": {"y": multiply(a, b, "e8m2").view(np.uint32)},
        "top": "multiplier",
        "period_ns": 12.0,
    }
    energies = {}
    for stages in (0, 2):
        mapped = synthesise(generate("multiplier", multiplier="e8m2", stages=stages), top="multiplier")
        measured = measure(mapped.netlist, stages=stages, **given)
        assert measured.operations == 39 - stages
        assert measured.energy_pj > measured.energy_pj_zero_delay
        energies[stages] = measured
    # Registers stop glitches, but have a clock: 0.055 pF x 3.24 V^2 / 2 for each of them and each cycle, at least.
    registers = sum(cell.cell.startswith("DFF") for cell in energies[2].cells)
    assert energies[2].with_glitches.inputs.min() > registers * 0.055 * 3.24 / 2
    glitches = {k: m.with_glitches.toggles.mean() / m.zero_delay.toggles.mean() for k, m in energies.items()}
    assert 1 < glitches[2] < glitches[0]
    assert 3 < energies[0].energy_pj < 30
