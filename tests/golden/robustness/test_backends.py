"""Backends by name, and what goes with which."""

import pytest

from golden.errors import InvalidInput
from golden.robustness.backends import check_backend, workers
from golden.robustness.cluster import Cluster
from golden.robustness.jobs import Processes


def test_names():
    found = workers(3)
    assert isinstance(found, Processes)
    assert found.number == 3
    elsewhere = workers(backend="dask", scheduler="tcp://h:1")
    assert isinstance(elsewhere, Cluster)
    assert elsewhere.scheduler == "tcp://h:1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, "dsk"), "unknown backend 'dsk'; did you mean dask"),
        ((0,), "jobs=0 is too small"),
        ((257,), "jobs=257 is too large; give at most 256, a process each"),
        ((1, "processes", "tcp://h:1"), "the scheduler tcp://h:1 is for the backend dask, not processes"),
        ((1, "dask"), "the backend dask needs a scheduler; give its address"),
        ((2, "dask", "tcp://h:1"), "jobs=2 counts processes of this machine, not Dask's workers"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        workers(*arguments)


def test_networks_on_a_gpu_stay_on_this_machine():
    for device, backend in ((None, "dask"), ("cpu", "dask"), ("cuda", "processes")):
        check_backend(device, backend)
    with pytest.raises(InvalidInput, match="the backend dask evaluates on CPUs; leave out the device cuda:1"):
        check_backend("cuda:1", "dask")
