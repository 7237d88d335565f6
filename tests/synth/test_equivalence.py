import os
import re

import pytest

import hdl.booth
from golden.errors import InvalidInput, MissingTool
from hdl.verilog import generate
from synth import tools
from synth.equivalence import check_equivalence
from synth.flow import synthesise

pytestmark = pytest.mark.usefixtures("abc_tool")

PRODUCT = "module product(input [5:0] a, input [5:0] b, output [11:0] y); assign y = a * b; endmodule"
PIPELINE = """
module product(input clk, input rst, input en, input [3:0] a, input [3:0] b, output reg [7:0] y);
  reg [3:0] left = 4'd5, right;
  wire [3:0] alias = left;
  always @(posedge clk)
    if (rst) begin left <= 0; right <= 0; y <= 0; end
    else if (en) begin left <= a; right <= b; y <= alias * right; end
endmodule
"""


@pytest.mark.parametrize("design", [PRODUCT, PIPELINE], ids=["combinational", "pipelined"])
class TestSmall:
    def test_equal(self, design):
        outcome = check_equivalence(design, synthesise(design, top="product"), top="product")
        assert (outcome.outcome, outcome.detail) == ("equal", "")
        assert outcome.is_equal
        assert 0 < outcome.seconds < 60

    def test_wrong_gate(self, design):
        mapped = synthesise(design, top="product").netlist.read_text()
        mutant = re.sub(r"\bXOR2X1\b", "XNOR2X1", mapped, count=1)
        assert mutant != mapped
        outcome = check_equivalence(design, mutant, top="product")
        assert outcome.outcome == "unequal"
        assert "Input pattern" in outcome.detail
        assert not outcome.is_equal

    def test_wrong_design(self, design):
        wrong = re.sub(r"(\* \w+)", r"\1 ^ 2", design)
        assert wrong != design
        assert check_equivalence(wrong, synthesise(design, top="product"), top="product").outcome == "unequal"

    def test_swapped_ports(self, design):
        mapped = synthesise(design, top="product").netlist.read_text()
        mutant = mapped.replace("(y[1])", "(Y)").replace("(y[2])", "(y[1])").replace("(Y)", "(y[2])")
        if mutant == mapped:  # the output register's cell drives the port
            pytest.fail("the netlist does not connect y[1] and y[2] to cells")
        assert check_equivalence(design, mutant, top="product").outcome == "unequal"

    def test_undecided_when_late(self, design):
        outcome = check_equivalence(design, synthesise(design, top="product"), top="product", timeout_s=0.01)
        assert outcome.outcome == "undecided"
        assert outcome.detail == "Yosys ran past 0.01 s"
        assert not outcome.is_equal


@pytest.mark.parametrize(
    ("script", "detail"),
    [("exec sleep 60", "ABC ran past 100 s"), ("echo Networks are UNDECIDED.", "Networks are UNDECIDED.")],
    ids=["late", "gave-up"],
)
def test_undecided_by_abc(monkeypatch, tmp_path, script, detail):
    stand_in = tmp_path / "berkeley-abc"
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    mapped = synthesise(PRODUCT, top="product")
    given = tools.run

    def hurried(command, *, folder, timeout_s):
        return given(command, folder=folder, timeout_s=0.2 if command[0] == str(stand_in) else timeout_s)

    monkeypatch.setattr(tools, "run", hurried)
    outcome = check_equivalence(PRODUCT, mapped, top="product", timeout_s=100)
    assert (outcome.outcome, outcome.detail) == ("undecided", detail)
    assert not outcome.is_equal


def test_undecided_when_ports_differ():
    wider = PRODUCT.replace("output [11:0] y", "output [12:0] y")
    outcome = check_equivalence(wider, synthesise(PRODUCT, top="product"), top="product")
    assert outcome.outcome == "undecided"
    assert "y[12]" in outcome.detail


def test_undecided_when_a_register_is_gone():
    mapped = synthesise(PIPELINE.replace("left <= a", "left <= 0"), top="product")
    outcome = check_equivalence(PIPELINE, mapped, top="product")
    assert outcome.outcome in ("unequal", "undecided")


def test_ax_fpm():
    design = generate("multiplier", multiplier="ax-fpm", stages=0)
    assert check_equivalence(design, synthesise(design, top="multiplier"), top="multiplier").outcome == "equal"


@pytest.mark.parametrize(("name", "stages"), [("ax-fpm:format=toy,block=2", 0), ("mitchell", 0), ("e8m2", 2)])
def test_small_multipliers(name, stages):
    design = generate("multiplier", multiplier=name, stages=stages)
    assert check_equivalence(design, synthesise(design, top="multiplier"), top="multiplier").outcome == "equal"


# For wider significands ABC finds no end; tests/hdl/test_booth.py proves 24 bits by coefficients.
@pytest.mark.parametrize("name", ["e8m5", pytest.param("bf16-trunc", marks=pytest.mark.long)])
def test_booth_digits_are_the_product_of_a_dadda_tree(name, monkeypatch):
    booth = generate("multiplier", multiplier=name, tree="booth")
    dadda = synthesise(generate("multiplier", multiplier=name), top="multiplier")
    assert check_equivalence(booth, dadda, top="multiplier", timeout_s=600).outcome == "equal"
    right = hdl.booth._add_row
    # Digit 1 is read backwards: 1 and -2 change places.
    monkeypatch.setattr(hdl.booth, "_add_row", lambda m, heap, a, t, i: right(m, heap, a, t[::-1] if i == 1 else t, i))
    wrong = generate("multiplier", multiplier=name, tree="booth")
    assert check_equivalence(wrong, dadda, top="multiplier").outcome == "unequal"


def test_multipliers_are_told_apart():
    ours, other = (
        generate("multiplier", multiplier=f"{n}:format=toy,block=2", stages=0) for n in ("ax-fpm", "ax-fpm-widen")
    )
    assert check_equivalence(ours, synthesise(other, top="multiplier"), top="multiplier").outcome == "unequal"


def test_unreadable_side():
    with pytest.raises(InvalidInput, match="could not lower the netlist"):
        check_equivalence(PRODUCT, "module product(", top="product")
    with pytest.raises(InvalidInput, match="could not lower the rtl"):
        check_equivalence("module product(", PRODUCT, top="product")


def test_missing_abc(monkeypatch, tmp_path):
    mapped = synthesise(PRODUCT, top="product")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="install the Debian package berkeley-abc"):
        check_equivalence(PRODUCT, mapped, top="product")


# Its flip-flop has both outputs, as that of Nangate45 has.
TWO_OUTPUTS = """
library (two_outputs) { time_unit : "1ns"; capacitive_load_unit (1, pf); voltage_unit : "1V"; nom_voltage : 1;
  cell (INV) { area : 1; pin (A) { direction : input; capacitance : 1; }
    pin (Y) { direction : output; function : "!A"; } }
  cell (BUF) { area : 2; pin (A) { direction : input; capacitance : 1; }
    pin (Y) { direction : output; function : "A"; } }
  cell (DFF) { area : 5; ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
    pin (D) { direction : input; capacitance : 1; } pin (CK) { direction : input; capacitance : 1; clock : true; }
    pin (Q) { direction : output; function : "IQ"; } pin (QN) { direction : output; function : "IQN"; } }
}
"""
BOTH_WAYS = """
module held(input clk, input d, input e, output q, output n);
  reg r; always @(posedge clk) r <= d;
  assign q = r; assign n = ~r & e;
endmodule
"""
MAPPED = """
module held(clk, d, e, q, n);
  input clk, d, e; output q, n; wire r, second;
  DFF held(.CK(clk), .D(d), .Q(r), .QN(second));
  assign q = r; assign n = {inverse} & e;
endmodule
"""


@pytest.mark.parametrize(
    ("inverse", "outcome"), [("second", "equal"), ("~r", "equal"), ("r", "unequal"), ("~second", "unequal")]
)
def test_both_outputs_of_a_flip_flop_are_one_register(tmp_path, inverse, outcome):
    file = tmp_path / "two_outputs.lib"
    file.write_text(TWO_OUTPUTS)
    mapped = MAPPED.format(inverse=inverse)
    assert check_equivalence(BOTH_WAYS, mapped, top="held", liberty=file).outcome == outcome


# A register by two names, of which the design's side and the netlist's keep what they like.
NAMED_TWICE = """
module swap(input clk, input [1:0] d, output y);
  reg [1:0] r; wire [1:0] again = r;
  always @(posedge clk) r <= d;
  assign y = r[1] & ~r[0];
endmodule
"""
RENAMED = """
module swap(clk, d, y);
  input clk; input [1:0] d; output y; wire [1:0] {name}; {more}
  DFF first(.CK(clk), .D(d[{low}]), .Q({name}[0]));
  DFF second(.CK(clk), .D(d[{high}]), .Q({name}[1]));
  assign y = {name}[1] & ~{name}[0];
endmodule
"""


@pytest.mark.parametrize(
    ("name", "more", "outcome"),
    [
        ("r", "", "equal"),
        ("again", "", "equal"),
        # A name that means nothing in the design is no name to pair by, and one of two registers is none either.
        ("own", "", "undecided"),
        ("own", "wire r = own;", "undecided"),
        ("own", "wire [1:0] r = {own[0], own[0]};", "undecided"),
    ],
    ids=["first-name", "second-name", "unknown-name", "too-few-names", "one-register-by-both"],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_registers_are_paired_by_any_of_their_names(tmp_path, name, more, outcome, swapped):
    file = tmp_path / "two_outputs.lib"
    file.write_text(TWO_OUTPUTS)
    mapped = RENAMED.format(name=name, low=int(swapped), high=int(not swapped), more=more)
    right = "unequal" if swapped and outcome == "equal" else outcome
    assert check_equivalence(NAMED_TWICE, mapped, top="swap", liberty=file).outcome == right


# Each port takes the register's name for itself.
AT_TWO_PORTS = """
module both(input clk, input d, output reg left, output right);
  always @(posedge clk) left <= d;
  assign right = left;
endmodule
"""
MAPPED_AT_TWO_PORTS = """
module both(clk, d, left, right);
  input clk, d; output left, right; wire left, right;
  DFF only(.CK(clk), .D(d), .Q({driven}));
  assign {other} = {source};
endmodule
"""


@pytest.mark.parametrize("driven", ["left", "right"])
@pytest.mark.parametrize(("source", "outcome"), [("{}", "equal"), ("~{}", "unequal"), ("d", "unequal")])
def test_a_register_at_two_ports_is_one(tmp_path, driven, source, outcome):
    file = tmp_path / "two_outputs.lib"
    file.write_text(TWO_OUTPUTS)
    other = {"left": "right", "right": "left"}[driven]
    mapped = MAPPED_AT_TWO_PORTS.format(driven=driven, other=other, source=source.format(driven))
    assert check_equivalence(AT_TWO_PORTS, mapped, top="both", liberty=file).outcome == outcome


def test_adders_of_either_technology_are_the_same_function():
    # One shares the subtraction of its near way with the far one, the other has a second: all FP32 words.
    cells, luts = (generate("adder", technology=technology) for technology in ("cells", "luts"))
    assert cells != luts
    netlist = synthesise(luts, top="adder")
    assert check_equivalence(cells, netlist, top="adder", timeout_s=300).outcome == "equal"
