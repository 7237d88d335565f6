"""Backends by name: who does the jobs, processes of this machine or workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.errors import InvalidInput
from golden.registry import Registry
from golden.robustness.cluster import Cluster
from golden.robustness.jobs import Processes, Workers

__all__ = ["BACKENDS", "check_backend", "workers"]


def _processes(jobs: int, scheduler: str | Path | None) -> Workers:
    if scheduler is not None:
        raise InvalidInput(f"the scheduler {scheduler} is for the backend dask, not processes; choose that one")
    return Processes(jobs)


def _dask(jobs: int, scheduler: str | Path | None) -> Workers:
    if scheduler is None or not str(scheduler):
        raise InvalidInput("the backend dask needs a scheduler; give its address, tcp://HOST:8786, or its file")
    if jobs != 1:
        raise InvalidInput(f"jobs={jobs} counts processes of this machine, not Dask's workers; start so many of those")
    return Cluster(scheduler)


BACKENDS: Registry[Callable[[int, str | Path | None], Workers]] = Registry(
    "backend", {"processes": _processes, "dask": _dask}
)


def check_backend(device: str | None, backend: str) -> None:
    """Raise InvalidInput where networks on a GPU are to be sent to other machines."""
    if device not in (None, "cpu") and backend != "processes":
        raise InvalidInput(f"the backend {backend} evaluates on CPUs; leave out the device {device}, or the backend")


def workers(jobs: int = 1, backend: str = "processes", scheduler: str | Path | None = None) -> Workers:
    """Return who does the jobs; nothing is started or connected before ``with``.

    Parameters
    ----------
    jobs : int
        Processes of this machine, for ``processes``.
    backend : str
        ``processes`` or ``dask``.
    scheduler : str or Path, optional
        For ``dask``: an address or a scheduler's file (``golden.robustness.cluster``).

    Raises
    ------
    InvalidInput, InvalidType
        If the name is unknown, ``jobs`` is out of range, or something is missing or given in vain.
    """
    return BACKENDS.look_up(backend)(jobs, scheduler)
