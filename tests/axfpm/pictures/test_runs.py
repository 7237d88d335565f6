"""Runs to be drawn: bounded, and never drawn where they are wrong."""

import dataclasses

import pytest

import sim.array
from axfpm.pictures.runs import run_array, run_engine
from golden.catalogue import multiplier
from golden.errors import AxfpmError, InvalidInput

pytest.importorskip("amaranth")
M = multiplier("e8m2")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rows": 9}, "rows=9 is too large; give at most 8, which a picture can show"),
        ({"columns": 0}, "columns=0 is too small"),
        ({"vectors": 65}, "vectors=65 is too large"),
        ({"m": multiplier("ax-fpm:format=toy")}, "8-bit words"),
        ({"stages": -1}, "stages=-1 is negative"),
    ],
)
def test_bounds_of_an_array(settings, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        run_array(**{"m": M, **settings})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"shape": (0, 1, 1)}, "M=0 is too small"),
        ({"shape": (8, 8, 8)}, "128 vectors of activations are more than the 64 that a picture shows"),
        ({"pace": "sometimes"}, "unknown pace 'sometimes'"),
        ({"m": multiplier("ax-fpm:format=toy")}, "8-bit words"),
    ],
)
def test_bounds_of_an_engine(settings, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        run_engine(**{"m": M, **settings})


def test_a_wrong_run_is_not_drawn(monkeypatch):
    usual = sim.array.array_job

    def spoilt(*arguments, **settings):
        job, corners = usual(*arguments, **settings)
        wanted = job.sinks["results"]
        other = dataclasses.replace(wanted, beats=wanted.beats ^ 1)
        return dataclasses.replace(job, sinks={"results": other}), corners

    monkeypatch.setattr(sim.array, "array_job", spoilt)
    with pytest.raises(AxfpmError, match="differs from the golden model"):
        run_array(M, rows=1, columns=1, vectors=1)
