"""A large array elaborates and computes."""

from typing import Any

import pytest

from golden.catalogue import multiplier
from hdl.verilog import generate
from sim.array import array_job
from sim.harness import run_streams
from sim.streams import judge


@pytest.mark.long
def test_sixteen_by_sixteen(verilator):
    shape: dict[str, Any] = {"rows": 16, "columns": 16}
    text = generate("array", multiplier="ax-fpm", stages=1, **shape)
    job, corners = array_job(multiplier("ax-fpm"), vectors=400, seed=16, **shape)
    verdict = judge(job, run_streams(text, job, top="array"))
    assert verdict.failures == 0, verdict.mismatches
    assert verdict.checks == 400 * 17
    assert all(corners.values()), corners
    # The comparison is able to fail: the same beats with row 0's activations negated.
    job.sources["activations"].beats[:, 3] ^= 0x80
    assert judge(job, run_streams(text, job, top="array")).failures > 0
