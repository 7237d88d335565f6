"""The adder's bench passes on the adder, and fails on adders broken on purpose."""

import re

import numpy as np
import pytest
from toy_adder import toy_sums

from golden.add import add_words
from golden.formats import FORMATS, FP32
from hdl.delays import TECHNOLOGIES
from hdl.verilog import generate
from sim.exhaustive import all_pairs, hardware_sums
from sim.runner import run
from sim.stimulus.adder import adder_operands

TOY = FORMATS["toy"]


def test_toy_sums_at_hand():
    sums = toy_sums().reshape(256, 256)
    # 1 + 1 = 2; 1 + 1/16 is a tie below odd 1.125: even 1; largest + largest: infinity; -0 + -0; +0 + -0; inf - inf.
    assert sums[0x38, 0x38] == 0x40
    assert sums[0x38, 0x18] == 0x38
    assert sums[0x39, 0x18] == 0x3A
    assert sums[0x77, 0x77] == 0x78
    assert (sums[0x80, 0x80], sums[0x00, 0x80], sums[0x78, 0xF8], sums[0xF8, 0x01]) == (0x80, 0, 0x7C, 0xF8)
    assert sums[0x01, 0x81] == 0


@pytest.mark.parametrize("stages", [(0, 2, 5), pytest.param((1, 3, 4, 6, 7), marks=pytest.mark.long)], ids=str)
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_toy_adder_on_all_pairs(verilator, technology, stages):
    a, b = all_pairs(8)
    expected = toy_sums()
    sums = hardware_sums([(TOY, count) for count in stages], a, b, technology=technology)
    for count, words in zip(stages, sums, strict=True):
        np.testing.assert_array_equal(words, expected, err_msg=f"{count} stages")


def test_bench_sums_of_toy_words():
    a, b = all_pairs(8)
    np.testing.assert_array_equal(add_words(a, b, TOY), toy_sums())


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_two_hundred_thousand_pairs(verilator, technology):
    operands = adder_operands(FP32, 200_000, seed=5)
    with np.errstate(all="ignore"):
        total = operands.a.view(np.float32) + operands.b.view(np.float32)
    expected = np.where(np.isnan(total), np.uint32(0x7FC00000), total.view(np.uint32))
    sums = hardware_sums([(FP32, 0), (FP32, 3)], operands.a, operands.b, technology=technology)
    for stages, words in zip((0, 3), sums, strict=True):
        np.testing.assert_array_equal(words, expected, err_msg=f"{stages} stages")


@pytest.mark.long
@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_ten_million_pairs(verilator, technology):
    for seed in range(10):
        operands = adder_operands(FP32, 1_000_000, seed=100 + seed)
        with np.errstate(all="ignore"):
            total = operands.a.view(np.float32) + operands.b.view(np.float32)
        expected = np.where(np.isnan(total), np.uint32(0x7FC00000), total.view(np.uint32))
        for words in hardware_sums([(FP32, 0), (FP32, 3)], operands.a, operands.b, technology=technology):
            np.testing.assert_array_equal(words, expected)


@pytest.mark.parametrize("stages", [0, 2, 5])
def test_icarus(icarus, stages):
    report = run("adder", simulator=icarus, vectors=1000, stages=stages, seed=stages)
    assert report.passed, report.mismatches
    assert report.checks >= 1000
    missed = [corner for corner, count in report.corners.items() if count == 0]
    assert not missed


def test_verilator(verilator):
    report = run("adder", simulator=verilator, vectors=5000, stages=3)
    assert report.passed, report.mismatches
    assert all(report.corners.values()), report.corners


def test_toy_in_the_bench(icarus):
    assert run("adder", multiplier="ax-fpm:format=toy", simulator=icarus, vectors=500).passed


RIGHT = generate("adder", name="right")


def spoilt(pattern, replacement):
    """The adder with one line of its Verilog changed."""
    text, count = re.subn(pattern, replacement, generate("adder"), flags=re.MULTILINE)
    assert count == 1
    return text


def wrapped(y):
    """The adder with its result changed by an expression in a, b and y_right."""
    return f"""{RIGHT}
module adder(input [31:0] a, input [31:0] b, output [31:0] y);
  wire [31:0] y_right;
  right inner(.a(a), .b(b), .y(y_right));
  assign y = {y};
endmodule
"""


FINITE = "a[30:23] != 8'hff && b[30:23] != 8'hff"
MUTANTS = {
    "sticky bit dropped": spoilt(r"^  assign sticky = .*;$", "  assign sticky = 1'h0;"),
    "carry out dropped": spoilt(r"^  assign over = .*;$", "  assign over = 1'h0;"),
    "+0 for -0": wrapped("(y_right == 32'h80000000) ? 32'd0 : y_right"),
    "-0 from cancellation": wrapped("(y_right == 0) ? {a[31], 31'd0} : y_right"),
    "subnormal results flushed": wrapped("(y_right[30:23] == 0) ? {y_right[31], 31'd0} : y_right"),
    "NaN keeps its payload": wrapped("(a[30:23] == 8'hff && a[22:0] != 0) ? (a | 32'h00400000) : y_right"),
    "overflow saturates": wrapped(f"({FINITE} && y_right[30:23] == 8'hff) ? y_right - 32'd1 : y_right"),
}


@pytest.mark.parametrize(
    "mutant", [m if k < 3 else pytest.param(m, marks=pytest.mark.long) for k, m in enumerate(MUTANTS)]
)
def test_spoilt_adders_are_caught(icarus, tmp_path, mutant):
    report = run("adder", simulator=icarus, vectors=800, verilog=MUTANTS[mutant], build_dir=tmp_path)
    assert 0 < report.failures < report.checks
