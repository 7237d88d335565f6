"""The bench of the AXI4-Stream wrapper passes on wrapped engines, and fails on wrappers broken on purpose."""

import re

import pytest

from hdl.verilog import generate
from sim.axi import AXI_ENGINE
from sim.runner import run

STREAMS = ("command", "activations", "weights", "biases", "results")


@pytest.mark.parametrize(
    ("rows", "columns", "name", "seed"), [pytest.param(2, 2, "e8m2", 1, marks=pytest.mark.long), (3, 2, "ax-bf16", 2)]
)
def test_results_through_axi_streams(icarus, rows, columns, name, seed):
    report = run(
        "engine",
        multiplier=name,
        simulator=icarus,
        vectors=150,
        seed=seed,
        stages=1,
        bench=AXI_ENGINE,
        rows=rows,
        columns=columns,
    )
    assert report.passed, report.mismatches
    assert report.checks > 100
    met = ("K = 0", "K past a tile", "N past a tile", "several K tiles", "several N tiles", "one row")
    assert all(report.corners[name] for name in met), report.corners
    events = ("stalls", "idle cycles", "back-to-back beats")
    missed = {f"{name}: {event}" for name in STREAMS for event in events if not report.corners[f"{name}: {event}"]}
    # The engine takes one command at a time.
    assert missed == {"command: back-to-back beats"}


MUTANTS = {
    "tkeep always ones": (r"(assign m_axis_results_tkeep) = .*;", r"\1 = 8'hff;"),
    "no tlast": (r"(assign m_axis_results_tlast) = .*;", r"\1 = 1'h0;"),
    "tlast on every beat": (r"(assign m_axis_results_tlast) = .*;", r"\1 = 1'h1;"),
    "tready ignored": (r"\(m_axis_results_tready\)", "(1'h1)"),
    "words in the wrong order": (r"(assign m_axis_results_tdata) = (\w+)\[63:0\]", r"\1 = {\2[31:0], \2[63:32]}"),
}


LONG = ("tlast on every beat", "words in the wrong order")


@pytest.mark.parametrize(
    "mutant", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in MUTANTS]
)
def test_broken_wrappers_are_caught(icarus, tmp_path, mutant):
    text = generate("engine", multiplier="e8m2", rows=2, columns=2, axi=True)
    head, end, body = text.partition("*/")  # the instance to paste names the same ports
    spoilt, count = re.subn(*MUTANTS[mutant], body)
    assert count == 1
    spoilt = head + end + spoilt
    report = run(
        "engine",
        multiplier="e8m2",
        simulator=icarus,
        vectors=100,
        stages=1,
        bench=AXI_ENGINE,
        verilog=spoilt,
        build_dir=tmp_path,
        rows=2,
        columns=2,
    )
    assert report.failures > 0
