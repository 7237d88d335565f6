import subprocess

import pytest
from tiny_library import cell, entrance, exit_, library, text_of, timing

from golden.errors import InvalidInput
from synth.energy.models import models
from synth.energy.reader import read_cells

pytestmark = pytest.mark.usefixtures("simulator")


def run(tmp_path, cells, body):
    text = models(cells) + f"module bench;\n{body}\nendmodule\n"
    (tmp_path / "all.v").write_text(text)
    subprocess.run(["iverilog", "-gspecify", "-o", "all.vvp", "all.v"], cwd=tmp_path, check=True)
    return subprocess.run(["vvp", "-n", "all.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout


def test_gates(tmp_path):
    cells = read_cells(library(), ["FA", "NAND"])
    body = """
      reg [2:0] x; wire s, k, n; integer i;
      FA fa(.A(x[0]), .B(x[1]), .C(x[2]), .S(s), .K(k));
      NAND nand_(.A(x[0]), .B(x[1]), .Y(n));
      initial for (i = 0; i < 8; i = i + 1) begin x = i; #1 $write("%0d%0d%0d ", k, s, n); end"""
    counts = [(i & 1) + (i >> 1 & 1) + (i >> 2) for i in range(8)]
    expected = [f"{c >> 1}{c & 1}{int(i & 3 != 3)}" for i, c in enumerate(counts)]
    assert run(tmp_path, cells.values(), body).split() == expected


def test_flip_flop_with_clear_and_preset(tmp_path):
    register = (
        'ff (IQ, IQN) { next_state : "D"; clocked_on : "!CK"; clear : "!R"; preset : "S"; '
        "clear_preset_var1 : L; clear_preset_var2 : L; }"
    )
    pins = (*(entrance(name) for name in ("D", "CK", "R", "S")), exit_("Q", "IQ"), exit_("QN", "IQN"))
    cells = read_cells(library(text_of(cell("X", *pins, more=register))), ["X"])
    body = """
      reg d = 0, ck = 1, r = 1, s = 0; wire q, qn;
      X x(.D(d), .CK(ck), .R(r), .S(s), .Q(q), .QN(qn));
      task show; begin #1 $write("%b%b ", q, qn); end endtask
      initial begin
        #1 r = 0; show; r = 1; show;      // clear, and it stays
        d = 1; show; ck = 0; show;        // takes 1 at the falling edge only
        d = 0; ck = 1; show; ck = 0; show;
        s = 1; show; s = 0; show; r = 0; s = 1; show;  // preset, then both: as the group says
      end"""
    assert run(tmp_path, cells.values(), body).split() == ["01", "01", "01", "10", "10", "01", "10", "10", "00"]


def test_a_path_for_each_arc():
    carried = exit_("S", "A ^ B", timing("A"), timing("B"), timing("K"))
    own = library(text_of(cell("HA", entrance("A"), entrance("B"), exit_("K", "A B", timing("A")), carried)))
    written = models(read_cells(own, ["HA"]).values())
    assert written.startswith("`timescale 1ps / 1fs\n")
    assert [line.strip() for line in written.splitlines() if "=>" in line] == [
        "(A => K) = 0;",
        "(A => S) = 0;",
        "(B => S) = 0;",
    ]


def test_a_function_of_what_is_not_there():
    cells = read_cells(library(text_of(cell("X", entrance("A"), exit_("Y", "A + VGND")))), ["X"])
    with pytest.raises(InvalidInput, match="the function of X/Y names VGND, no input of it"):
        models(cells.values())
