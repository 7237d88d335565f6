"""The engine's bench passes on engines, and fails on engines broken on purpose; long products reach their cycles."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from golden.catalogue import multiplier
from hdl.verilog import generate
from sim.engine import bound_cycles, command_of, engine_job, outputs, random_commands, timings
from sim.harness import run_streams
from sim.runner import run
from sim.streams import judge

M = multiplier("ax-fpm")


@pytest.mark.parametrize(("rows", "columns", "name", "stages"), [(2, 3, "ax-fpm", 1), (3, 2, "e8m2", 2)])
def test_icarus(icarus, rows, columns, name, stages):
    report = run(
        "engine", multiplier=name, simulator=icarus, vectors=150, seed=1, stages=stages, rows=rows, columns=columns
    )
    assert report.passed, report.mismatches
    met = ("K = 0", "K past a tile", "N past a tile", "several K tiles", "several N tiles", "one row")
    assert all(report.corners[name] for name in met), report.corners
    assert all(report.corners[f"{name}: stalls"] for name in ("activations", "weights", "results"))


def test_padding_with_plus_zero_is_caught(icarus, tmp_path):
    text = generate("engine", rows=2, columns=2)
    # A product that is passed by is -0, because then its sign is 1.
    spoilt, places = re.subn(r"assign sign = bypass \| (.*);", r"assign sign = ~bypass & \1;", text)
    assert places == 1
    report = run("engine", simulator=icarus, vectors=200, rows=2, columns=2, verilog=spoilt, build_dir=tmp_path)
    assert 0 < report.failures < report.checks


# A memory that gives unknown words wherever its interface lets it: before a row is written, and of one that is written
# at the same edge.
MACRO = """
`define ENGINE_MEMORY_REPLACED
module engine_memory(clk, w_en, w_addr, w_data, r_en, r_addr, r_data);
  parameter WIDTH = 1, DEPTH = 1, ADDRESS_BITS = 1;
  input clk, w_en, r_en;
  input [ADDRESS_BITS-1:0] w_addr, r_addr;
  input [WIDTH-1:0] w_data;
  output reg [WIDTH-1:0] r_data;
  reg [WIDTH-1:0] cells [0:DEPTH-1];
  always @(posedge clk) begin
    if (w_en) cells[w_addr] <= w_data;
    if (r_en) r_data <= w_en && w_addr == r_addr ? {WIDTH{1'bx}} : cells[r_addr];
  end
endmodule
"""


def on_macro(icarus, folder, macro):
    text = macro + generate("engine", rows=2, columns=2)
    return run("engine", simulator=icarus, vectors=150, rows=2, columns=2, verilog=text, build_dir=folder)


def test_a_macro_takes_the_memory_s_place(icarus, tmp_path):
    report = on_macro(icarus, tmp_path, MACRO)
    assert report.passed, report.mismatches


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        # The word is not kept while r_en is 0; it comes a cycle late; the last row is no row.
        ("if (r_en) r_data <=", "r_data <= !r_en ? {WIDTH{1'b0}} :"),
        ("cells[r_addr];", "late;\n    late <= cells[r_addr];"),
        ("cells[w_addr] <= w_data;", "cells[w_addr] <= w_addr == DEPTH - 1 ? 0 : w_data;"),
    ],
)
def test_a_wrong_macro_is_caught(icarus, tmp_path, right, wrong):
    assert MACRO.count(right) == 1
    spoilt = MACRO.replace(right, wrong).replace("reg [WIDTH-1:0] cells", "reg [WIDTH-1:0] late, cells")
    assert on_macro(icarus, tmp_path, spoilt).failures > 0


@pytest.mark.parametrize("rows", [100, 300])
def test_commands_fit_the_engine(rows):
    # Its own buffers: M <= 256, M ceil(N / C) <= 1024.
    for command in random_commands(multiplier("e8m1"), 4000, rows, 1, seed=2):
        size_m, _, n = command.shape
        assert size_m <= 256
        assert n <= 3


def test_bounds():
    # Eight K tiles of 13 vectors and 2 N tiles; then one K tile whose weights take longer than its vectors.
    assert bound_cycles((13, 64, 16), 8, 8) == 8 * 2 * 13
    assert bound_cycles((1, 8, 8), 8, 8) == 8
    assert bound_cycles((1, 16, 8), 8, 8, loop=30) == 30 + 8


def test_results_are_put_together():
    commands = random_commands(M, 200, 3, 2, seed=5)
    job = engine_job(commands, rows=3, columns=2)
    ideal: Any = SimpleNamespace(beats={"results": job.sinks["results"].beats})
    for command, y in zip(commands, outputs(commands, ideal, 2), strict=True):
        np.testing.assert_array_equal(y.view(np.uint32), command.expected.view(np.uint32))


@pytest.mark.parametrize(("shape", "least"), [((64, 256, 64), 0.95), ((100, 150, 16), 0.90)])
def test_utilisation(verilator, shape, least):
    size_m, k, n = shape
    rng = np.random.default_rng(0)
    a, w, bias = (rng.standard_normal(s).astype(np.float32) for s in ((size_m, k), (k, n), (n,)))
    commands = [command_of(M, a, w, bias)]
    job = engine_job(commands, rows=8, columns=8, pace="always")
    seen = run_streams(generate("engine", rows=8, columns=8), job, top="engine")
    assert judge(job, seen).failures == 0
    (timing,) = timings(commands, seen, rows=8, columns=8, loop=0)
    assert timing.bound <= timing.cycles
    assert timing.utilisation >= least, timing


def test_random_products_on_8_x_8(verilator):
    commands = random_commands(M, 2000, 8, 8, seed=9)
    job = engine_job(commands, rows=8, columns=8)
    verdict = judge(job, run_streams(generate("engine", rows=8, columns=8), job, top="engine"))
    assert verdict.failures == 0, verdict.mismatches
