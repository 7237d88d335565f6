"""The array's bench passes on arrays, and fails on arrays broken on purpose."""

import functools
import re
from typing import Any

import pytest
from amaranth.hdl import Const

import hdl.array
from golden.catalogue import multiplier
from golden.errors import InvalidInput
from hdl.array import array_latency
from hdl.verilog import generate
from sim.array import array_job
from sim.runner import run

SMALL: dict[str, Any] = {"rows": 3, "columns": 2}
QUIET = ("beats after a stall", "stalls of more than 8 cycles")  # what only long runs are sure to meet


@pytest.mark.parametrize(
    ("rows", "columns", "name", "stages", "adder_stages"),
    [(3, 2, "ax-fpm", 1, 1), (2, 3, "exact", 0, 2), (1, 1, "e8m2", 2, 1)],
)
def test_icarus(icarus, rows, columns, name, stages, adder_stages):
    report = run(
        "array", multiplier=name, simulator=icarus, vectors=150, seed=rows, stages=stages,
        rows=rows, columns=columns, adder_stages=adder_stages,
    )  # fmt: skip
    assert report.passed, report.mismatches
    assert report.checks == 150 * (columns + 1)
    missed = [name for name, count in report.corners.items() if count == 0 and not name.endswith(QUIET)]
    assert not missed


def test_verilator(verilator):
    report = run("array", simulator=verilator, vectors=1500, rows=4, columns=4, stages=2)
    assert report.passed, report.mismatches
    assert all(report.corners.values()), report.corners


@pytest.mark.parametrize(("block", "vectors"), [("array", 24), pytest.param("engine", 40, marks=pytest.mark.long)])
def test_throughput_at_full_pace(icarus, block, vectors):
    shape: dict[str, Any] = {"rows": 3, "columns": 2, "stages": 1, "adder_stages": 2}
    fast, slow = (run(block, simulator=icarus, vectors=vectors, pace=pace, **shape) for pace in ("always", "rarely"))
    assert fast.passed
    assert slow.passed
    assert fast.throughput is not None
    assert slow.throughput is not None
    if block == "array":
        assert fast.throughput.latency == array_latency(**shape)
        job, _ = array_job(multiplier("ax-fpm"), rows=3, columns=2, vectors=vectors, seed=0, pace="always")
        flags = job.sources["activations"].beats[:, 12]  # above three words of 32 bits
        bypasses = sum(flag >> k & 1 for flag in flags.tolist() for k in range(3))
        assert job.macs == 2 * (3 * vectors - bypasses)
        assert fast.throughput.utilisation == job.macs / (6 * fast.throughput.cycles)
    assert 0 < 3 * slow.throughput.utilisation < fast.throughput.utilisation < 1
    assert fast.to_dict()["throughput"]["cycles"] == fast.throughput.cycles


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"block": "array", "pace": "allways"}, "unknown pace 'allways'; did you mean always"),
        ({"block": "adder", "pace": "always"}, "the block 'adder' has no streams, and so no pace; leave it out"),
    ],
)
def test_wrong_pace(settings, message):
    with pytest.raises(InvalidInput, match=message):
        run(**settings)


def test_unknown_parameter(icarus):
    with pytest.raises(InvalidInput, match="'array' has no parameter 'row'; did you mean rows"):
        run("array", simulator=icarus, row=3)


def text_of(monkeypatch, change):
    """The array's Verilog with one of its delay lines changed: ``change(name, cycles, en) -> cycles, en``."""
    right = hdl.array.delay

    def spoilt(m, value, cycles, en, name):
        cycles, en = change(name, cycles, en)
        return right(m, value, cycles, en, name)

    with monkeypatch.context() as patch:
        patch.setattr(hdl.array, "delay", spoilt)
        return generate("array", **SMALL)


DELAYS = {
    "a row's skew is one cycle long": lambda name, cycles, en: (cycles + (name == "skew_a_1"), en),
    "a column's sums come one cycle late": lambda name, cycles, en: (cycles + (name == "skew_p_1"), en),
    "a column's weights come one cycle late": lambda name, cycles, en: (cycles + (name == "skew_w_1"), en),
    "a column's results are not delayed": lambda name, cycles, en: (cycles - (name == "skew_y_0"), en),
    "results move on while they are stalled": lambda name, cycles, en: (cycles, Const(1) if name == "skew_y_0" else en),
    "activations move on while the array stands": lambda name, cycles, en: (
        cycles,
        Const(1) if name == "skew_a_2" else en,
    ),
}


@pytest.mark.parametrize(
    "mutant", [m if k < 1 else pytest.param(m, marks=pytest.mark.long) for k, m in enumerate(DELAYS)]
)
def test_wrong_delays_are_caught(icarus, tmp_path, monkeypatch, mutant):
    text = text_of(monkeypatch, DELAYS[mutant])
    report = run("array", simulator=icarus, vectors=60, verilog=text, build_dir=tmp_path, **SMALL)
    assert report.failures > 0


@pytest.mark.long
def test_padding_with_plus_zero_is_caught(icarus, tmp_path):
    text = generate("array", **SMALL)
    # A product that is passed by is -0, because then its sign is 1.
    spoilt, places = re.subn(r"assign sign = bypass \| (.*);", r"assign sign = ~bypass & \1;", text)
    assert places == 1
    report = run("array", simulator=icarus, vectors=60, verilog=spoilt, build_dir=tmp_path, **SMALL)
    assert 0 < report.failures < report.checks
    assert {m.expected for m in report.mismatches} == {"80000000"}


# The right array behind a wrapper that spoils a handshake.
WRAPPER = """
module array(
  input clk, input rst,
  input [99:0] activations__payload, input activations__valid, output activations__ready,
  input [63:0] sums__payload, input sums__valid, output sums__ready,
  input [63:0] weights__payload, input weights__valid, output weights__ready,
  output [64:0] results__payload, output results__valid, input results__ready);
  wire valid, ready;
  {extra}
  right inner(.clk(clk), .rst(rst),
    .activations__payload(activations__payload), .activations__valid(activations__valid),
    .activations__ready(activations__ready),
    .sums__payload(sums__payload), .sums__valid(sums__valid), .sums__ready(sums__ready),
    .weights__payload(weights__payload), .weights__valid(weights__valid), .weights__ready(ready),
    .results__payload(results__payload), .results__valid(valid), .results__ready({results_ready}));
  assign results__valid = {results_valid};
  assign weights__ready = {weights_ready};
endmodule
"""
RIGHT = {"extra": "", "results_ready": "results__ready", "results_valid": "valid", "weights_ready": "ready"}
TOGGLE = "reg toggle; initial toggle = 0; always @(posedge clk) toggle <= rst ? 0 : ~toggle;"


@functools.cache
def right():
    """The right design, its top renamed so that a wrapper can take the name."""
    return generate("array", name="right", **SMALL)


HANDSHAKES = {
    "results are lost under back-pressure": {"results_ready": "1'b1"},
    "results are given twice": {"extra": TOGGLE, "results_ready": "results__ready & toggle"},
    "valid falls before the beat is taken": {
        "extra": TOGGLE,
        "results_valid": "valid & toggle",
        "results_ready": "results__ready & toggle",
    },
    "weights are taken and dropped": {"weights_ready": "1'b1"},
}


@pytest.mark.parametrize(
    "mutant", [m if k < 1 else pytest.param(m, marks=pytest.mark.long) for k, m in enumerate(HANDSHAKES)]
)
def test_spoilt_handshakes_are_caught(icarus, tmp_path, mutant):
    text = right() + WRAPPER.format(**RIGHT | HANDSHAKES[mutant])
    report = run("array", simulator=icarus, vectors=60, verilog=text, build_dir=tmp_path, **SMALL)
    assert report.failures > 0
    if "valid falls" in mutant:
        assert "valid fell" in report.mismatches[0].kind


def test_the_wrapper_alone_is_no_mutation(icarus, tmp_path):
    text = right() + WRAPPER.format(**RIGHT)
    assert run("array", simulator=icarus, vectors=60, verilog=text, build_dir=tmp_path, **SMALL).passed
