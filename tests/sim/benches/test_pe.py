"""The processing element's bench passes on elements, and fails on elements broken on purpose."""

import pytest

from hdl.verilog import generate
from sim.runner import run


@pytest.mark.parametrize(
    ("name", "stages", "adder_stages"),
    [("ax-fpm", 1, 2), ("exact", 0, 1), ("ax-bf16", 2, 3), ("ax-fpm:format=toy", 1, 1)],
)
def test_icarus(icarus, name, stages, adder_stages):
    report = run("pe", multiplier=name, simulator=icarus, vectors=400, stages=stages, adder_stages=adder_stages)
    assert report.passed, report.mismatches
    assert report.checks > 4000
    if "toy" not in name:  # whose few words meet a NaN or a -0 at random
        assert all(report.corners.values()), report.corners


def test_verilator(verilator):
    report = run("pe", simulator=verilator, vectors=3000, stages=1, seed=4)
    assert report.passed, report.mismatches


PORTS = ("a", "a_valid", "a_first", "a_bypass", "p", "p_valid", "p_last", "w", "w_load", "en")
WRAPPER = """
module pe(
  input clk, input rst, input en, input [31:0] a, input a_valid, input a_first, input a_bypass,
  output [31:0] a_out, output a_out_valid, output a_out_first, output a_out_bypass,
  input [31:0] p, input p_valid, input p_last, output [31:0] p_out, output p_out_valid, output p_out_last,
  input [31:0] w, input w_load);
  right inner(.clk(clk), .rst(rst), .a_out(a_out), .a_out_valid(a_out_valid), .a_out_first(a_out_first),
    .a_out_bypass(a_out_bypass), .p_out(p_out), .p_out_valid(p_out_valid), .p_out_last(p_out_last), {inputs});
endmodule
"""
SPOILT = {
    "nothing": {},
    "stalls ignored": {"en": "1'b1"},
    "every weight at once in use": {"a_first": "a_valid"},
    "weights wait for a gap in the activations": {"w_load": "w_load & ~a_first"},
    "no bypass": {"a_bypass": "1'b0"},
    "last is lost": {"p_last": "1'b0"},
    "NaN sums lose their payload bit": {"p": "(p[30:23] == 8'hff) ? {p[31:23], 23'd0} : p"},
}


@pytest.mark.parametrize(
    "mutant", [m if k < 3 else pytest.param(m, marks=pytest.mark.long) for k, m in enumerate(SPOILT)]
)
def test_spoilt_elements_are_caught(icarus, tmp_path, mutant):
    inputs = ", ".join(f".{port}({SPOILT[mutant].get(port, port)})" for port in PORTS)
    text = generate("pe", name="right") + WRAPPER.format(inputs=inputs)
    report = run("pe", simulator=icarus, vectors=200, stages=1, verilog=text, build_dir=tmp_path)
    assert report.passed == (mutant == "nothing")
    assert report.failures < report.checks
