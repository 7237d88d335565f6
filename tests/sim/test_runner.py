import json
import sys

import pytest

from golden.errors import InvalidInput
from sim.build import SimulationError
from sim.runner import run

BAD = [
    ({"block": "divider"}, "no bench for block 'divider'; choose from multiplier, significand, adder, mac, pe, array"),
    ({"rows": 4}, "the block 'multiplier' has no parameter 'rows'; choose from multiplier, stages"),
    ({"simulator": "vcs"}, "unknown simulator 'vcs'; choose from icarus, verilator"),
    ({"multiplier": "ax-fpn"}, "unknown multiplier 'ax-fpn'; did you mean"),
    ({"vectors": 0}, "vectors=0 is too small; give at least 1"),
    ({"vectors": -5}, "vectors=-5 is too small; give at least 1"),
    ({"seed": -1}, "seed=-1 is too small; give at least 0"),
    ({"stages": -1}, "stages=-1 is negative; give 0 for a combinational block"),
    ({"stages": 10**6}, "stages=1000000 is too large; give at most 256"),
    ({"seed": 1 << 64}, "seed=18446744073709551616 is too large"),
    ({"vectors": 10**12}, "vectors=1000000000000 is too large; give at most 4000000"),
    ({"block": "array", "vectors": 0}, "vectors=0 is too small"),
    ({"block": "array", "vectors": 10**6, "rows": 16}, "vectors=1000000 is too large; give at most 250000"),
    ({"block": "array", "rows": 4096, "columns": 4096}, "would take about 70 hours"),
    ({"block": "array", "rows": 2, "columns": 1000, "stages": 0}, "columns=1000 is too large"),
    (
        {"block": "array", "rows": 40, "columns": 40},
        "too large to simulate: 1600 elements compile for",
    ),
    ({"block": "engine", "vectors": 0}, "vectors=0 is too small"),
    ({"block": "engine", "columns": -1}, "columns=-1 is too small"),
    ({"block": "pe", "adder_stages": 10**6}, "adder_stages=1000000 is too large"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input(icarus, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        run(**{"simulator": icarus, **arguments})


def test_unwritable_build_folder(icarus, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="cannot work in the folder"):
        run(simulator=icarus, vectors=1, build_dir=tmp_path / "file")


def test_report(icarus):
    report = run(multiplier="e8m2", simulator=icarus, vectors=60, seed=3)
    assert report.passed
    assert (report.block, report.multiplier, report.stages, report.seed) == ("multiplier", "e8m2", 0, 3)
    assert (report.vectors, report.checks, report.failures, report.mismatches) == (60, 60, 0, ())
    assert report.checks_per_second > 0
    assert sum(report.kinds.values()) == 60
    assert report.log is None
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["passed"] is True
    assert plain["simulator"] == icarus


def test_a_failure_shows_words_and_log(icarus, tmp_path):
    wrong = "module multiplier(input [31:0] a, input [31:0] b, output [31:0] y); assign y = 32'hx; endmodule"
    report = run(simulator=icarus, vectors=20, verilog=wrong, build_dir=tmp_path)
    assert not report.passed
    assert report.failures == 20
    assert report.mismatches[0].got == "X" * 32
    assert report.log is not None
    assert "cocotb" in report.log.read_text()


@pytest.mark.parametrize("where", ["build", "test"])
def test_an_exit_by_a_signal_is_no_failure_of_the_simulator(icarus, tmp_path, monkeypatch, where):
    """As ``axfpm`` ends on SIGTERM; cocotb's runner exits, too, where a build fails or a simulation does."""

    def killed(*_, **__):
        sys.exit(143)

    monkeypatch.setattr(f"cocotb_tools.runner.Icarus._{where}_command", killed)
    with pytest.raises(SystemExit) as ended:
        run(simulator=icarus, vectors=20, build_dir=tmp_path)
    assert ended.value.code == 143
    monkeypatch.undo()
    assert run(simulator=icarus, vectors=20, build_dir=tmp_path).passed


def test_a_simulation_that_breaks_off(icarus, tmp_path):
    ends = "module multiplier(input [31:0] a, b, output [31:0] y); assign y = a; initial #1 $finish; endmodule"
    with pytest.raises(SimulationError, match="the multiplier bench broke off in icarus"):
        run(simulator=icarus, vectors=20, verilog=ends, build_dir=tmp_path)


def test_wrong_ports(icarus, tmp_path):
    with pytest.raises(SimulationError, match="broke off"):
        run(simulator=icarus, vectors=5, verilog="module multiplier(input a); endmodule", build_dir=tmp_path)


def test_waves(icarus, tmp_path):
    report = run(multiplier="e8m1", simulator=icarus, vectors=5, waves=True, build_dir=tmp_path)
    assert report.passed
    assert report.waves is not None
    assert report.waves.stat().st_size > 0
