"""Amaranth's simulator as a harness: it sees what the others see."""

# amaranth: UnusedElaboratable=no

from dataclasses import replace

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from hdl.array import SystolicArray
from hdl.engine import MatrixEngine
from hdl.verilog import generate
from sim import observed
from sim.array import array_job
from sim.engine import command_of, engine_job
from sim.harness import run_streams
from sim.observed import observe
from sim.streams import judge, pattern

M = multiplier("e8m2")
SHAPE = {"rows": 2, "columns": 1}


def array_run(pace="always", **settings):
    job, _ = array_job(M, **SHAPE, vectors=6, seed=1, pace=pace, **settings)
    return job, observe(SystolicArray(M, **SHAPE), job)


@pytest.fixture(scope="module")
def mixed():
    return array_run("mixed")


def test_an_array_passes(mixed):
    job, run = mixed
    verdict = judge(job, run.seen())
    assert (verdict.checks, verdict.failures) == (12, 0)
    assert verdict.events["results: stalls"] > 0
    assert verdict.events["results: beats after a stall"] > 0


def test_wrong_expectations_fail(mixed):
    job, run = mixed
    wanted = job.sinks["results"]
    other = replace(job, sinks={"results": replace(wanted, beats=wanted.beats ^ 1)})
    assert judge(other, run.seen()).failures == 12  # of either word of each beat


def test_offers_that_change_are_breaches(mixed):
    _, run = mixed
    assert run.seen().violations == []
    valid, ready = run.levels["results__valid"], run.levels["results__ready"]
    held = next(c for c in range(run.cycles - 1) if valid[c] and not ready[c])
    payload = list(run.levels["results__payload"])
    payload[held + 1] ^= 1
    spoilt = replace(run, levels={**run.levels, "results__payload": tuple(payload)})
    assert f"results: an offer changed in cycle {held + 1}" in spoilt.seen().violations[0]


def test_plain_tiles_of_a_length():
    _, run = array_run(length=3)
    payload = run.levels["activations__payload"]
    last = [payload[cycle] >> (32 * 2 + 2) for cycle in run.passes("activations")]
    assert last == [0, 0, 1, 0, 0, 1]
    assert all(payload[cycle] >> 64 & 3 == 0 for cycle in run.passes("activations"))  # nothing is bypassed


def test_sources_keep_their_pace():
    job, run = array_run("half", length=3)
    wanted = pattern("half", np.random.default_rng(0))  # the shape of a pattern alone
    assert wanted.shape == job.pace["weights"].shape
    offered = [c for c in range(run.cycles) if run.levels["weights__valid"][c]]
    assert offered[0] == int(np.flatnonzero(job.pace["weights"])[0])
    ready = run.levels["results__ready"][: run.cycles - 1]
    assert ready == tuple(int(level) for level in job.pace["results"][: run.cycles - 1])


def test_endless_runs_end(monkeypatch):
    monkeypatch.setattr(observed, "LONGEST", 5)
    with pytest.raises(InvalidInput, match="longer than 5 cycles"):
        array_run()


@pytest.mark.long
@pytest.mark.parametrize("pace", ["always", "mixed"])
def test_the_engine_s_verilog_does_the_same_in_the_same_cycles(verilator, tmp_path, pace):
    rng = np.random.default_rng(2)
    sizes = ((5, 3), (3, 3), (3,))
    commands = [command_of(M, *(rng.standard_normal(size).astype(np.float32) for size in sizes)) for _ in range(2)]
    job = engine_job(commands, rows=2, columns=2, pace=pace)
    compiled = run_streams(generate("engine", multiplier=M, rows=2, columns=2), job, top="engine", build_dir=tmp_path)
    seen = observe(MatrixEngine(M, rows=2, columns=2), job).seen()
    assert judge(job, seen).failures == judge(job, compiled).failures == 0
    for name, cycles in compiled.when.items():
        assert seen.when[name].tolist() == cycles.tolist()
        if name in job.sinks:
            assert (seen.beats[name] == compiled.beats[name]).all()
    assert seen.recorded.tolist() == compiled.recorded.tolist()
