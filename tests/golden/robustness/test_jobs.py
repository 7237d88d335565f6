"""Jobs: kept when done, in any number of processes."""

import warnings

import numpy as np
import pytest
import torch

from golden.robustness import jobs
from golden.robustness.jobs import Job, Meter, Processes, run
from golden.robustness.store import Store


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


def _work(value):
    return {"square": np.array([value * value]), "threads": np.array([torch.get_num_threads()])}


def _jobs(*values):
    return [Job({"value": v}, _work, lambda v=v: (v,), ("square", "threads"), cost=v, message=str(v)) for v in values]


@pytest.mark.parametrize("workers", [1, 2])
def test_results_in_order(workers):
    found = run(_jobs(3, 1, 2), Store(enabled=False), Processes(workers), Meter(None, [6]))
    assert [int(r["square"][0]) for r in found] == [9, 1, 4]
    assert [int(r["threads"][0]) for r in found] == [1, 1, 1]


def test_threads_are_as_before():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(_jobs(1), Store(enabled=False), Processes(), Meter(None, [1]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_kept_jobs_are_not_done_again(monkeypatch):
    run(_jobs(1, 2), Store(), Processes(), Meter(None, [3]))
    done = []
    perform = jobs.perform
    monkeypatch.setattr(
        jobs, "perform", lambda i, work, arguments: done.append(arguments[0]) or perform(i, work, arguments)
    )
    steps = []
    found = run(_jobs(2, 3, 1), Store(), Processes(), Meter(lambda *step: steps.append(step), [6]))
    assert done == [3]
    assert [int(r["square"][0]) for r in found] == [4, 9, 1]
    assert steps == [(2, 6, "2"), (3, 6, "1"), (6, 6, "3")]


def test_the_longest_first(monkeypatch):
    done = []
    perform = jobs.perform
    monkeypatch.setattr(
        jobs, "perform", lambda i, work, arguments: done.append(arguments[0]) or perform(i, work, arguments)
    )
    run(_jobs(1, 3, 2), Store(enabled=False), Processes(), Meter(None, [6]))
    assert done == [3, 2, 1]


def _write(array):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of arrays that cannot be written
        torch.from_numpy(array)[0] = 7
    return {"first": array[:1].copy(), "last": array[-1:].copy()}


def test_large_arrays_can_be_written_and_stay_as_they_are():
    large = np.zeros(1 << 19)  # 4 MB: more than joblib sends in a pipe
    made = [Job({"value": v}, _write, lambda: (large,), ("first", "last")) for v in range(3)]
    found = run(made, Store(enabled=False), Processes(2), Meter(None, [3]))
    assert [(r["first"][0], r["last"][0]) for r in found] == [(7, 0)] * 3
    assert not large.any()
