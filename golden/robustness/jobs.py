"""Jobs: pieces of work that are kept when done, run by workers of some kind, and lost at most one at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import torch

from golden.checks import check_count
from golden.kernels.jit import cpu_name
from golden.progress import Progress
from golden.robustness.store import Store

__all__ = ["Arrays", "Job", "Meter", "Processes", "Workers", "closed_quietly", "one_thread", "perform", "run"]

MOST_JOBS = 256
"""Each is a process with torch and the model in it, some 300 MB."""

Arrays = dict[str, np.ndarray]
"""What a job returns, by name."""


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Parameters
    ----------
    key : dict
        Names all that the result depends on; with an entry None it is not kept.
    work : callable
        ``work(*arguments) -> Arrays``; a function of a module, so that another process finds it.
    arguments : callable
        ``arguments() -> tuple`` of what the work is done on, made when the job starts: thousands wait at once.
    returns : tuple of str
        Names of the arrays that it returns.
    cost : float
        About how long it takes, in ms of one core: for progress only.
    message : str
        What is being done.
    """

    key: dict[str, Any]
    work: Callable[..., Arrays] = field(compare=False)
    arguments: Callable[[], tuple[Any, ...]] = field(compare=False)
    returns: tuple[str, ...]
    cost: float = 1.0
    message: str = ""


class Meter:
    """Progress over all phases of an evaluation, in ms of expected work."""

    def __init__(self, progress: Progress | None, costs: Iterable[float]) -> None:
        self.progress, self.total, self.done = progress, sum(map(_whole, costs)), 0

    def finish(self, job: Job) -> None:
        """Count a job as done, and show it."""
        self.done += _whole(job.cost)
        if self.progress is not None:
            self.progress(self.done, self.total, job.message)


def _whole(cost: float) -> int:
    return max(1, round(cost))


class Workers(Protocol):
    """Whoever does jobs, within ``with``."""

    def __enter__(self) -> Workers: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def compute(self, jobs: Sequence[tuple[int, Job]], store: Store) -> Generator[tuple[int, Arrays], None, None]:
        """Do numbered jobs, each on one thread, and give their results in any order; whoever asks puts them away."""
        ...

    def cpus(self) -> tuple[str, ...]:
        """Names of the CPUs that have taken part, in alphabetical order."""
        ...


class Processes:
    """Processes of this machine; one is this process itself.

    Parameters
    ----------
    number : int
        How many.

    Raises
    ------
    InvalidInput, InvalidType
        If it is no number of processes.
    """

    def __init__(self, number: int = 1) -> None:
        self.number = check_count("jobs", number, 1, MOST_JOBS, "a process each")

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass

    def compute(self, jobs: Sequence[tuple[int, Job]], store: Store) -> Generator[tuple[int, Arrays], None, None]:
        """As ``Workers`` says."""
        if self.number == 1 or len(jobs) < 2:
            for i, job in jobs:
                yield perform(i, job.work, job.arguments())
            return
        import joblib

        # Large arrays travel as mapped files; copied on writing, as torch warns of arrays that cannot be written.
        with joblib.parallel_config("loky", inner_max_num_threads=1, mmap_mode="c"):
            parallel: Any = joblib.Parallel(n_jobs=self.number, return_as="generator_unordered")
            with closed_quietly(
                parallel(joblib.delayed(perform)(i, job.work, job.arguments()) for i, job in jobs)
            ) as done:
                yield from done

    def cpus(self) -> tuple[str, ...]:
        """As ``Workers`` says."""
        return (cpu_name(),)


def run(jobs: Sequence[Job], store: Store, workers: Workers, meter: Meter) -> list[Arrays]:
    """Return the jobs' results in order: kept ones, and the others computed and kept as each ends.

    Every job runs on one thread, so that the number of processes does not change a bit of any result.
    """
    found = [store.get(job.key, job.returns) for job in jobs]
    for job, result in zip(jobs, found, strict=True):
        if result is not None:
            meter.finish(job)
    missing = [i for i, result in enumerate(found) if result is None]
    # The longest first, so that no process is left alone with one at the end.
    missing.sort(key=lambda i: -jobs[i].cost)
    with closing(workers.compute([(i, jobs[i]) for i in missing], store)) as done:
        for i, result in done:
            store.put(jobs[i].key, result)
            found[i] = result
            meter.finish(jobs[i])
    return [result for result in found if result is not None]


def perform(i: int, work: Callable[..., Arrays], arguments: tuple[Any, ...]) -> tuple[int, Arrays]:
    """Do the work of job number ``i``."""
    with one_thread():
        return i, work(*arguments)


@contextmanager
def closed_quietly(done: Generator[Any, None, None]) -> Iterator[Generator[Any, None, None]]:
    """A generator of joblib's, closed at the end; where that is early, without joblib's advice to ask for less."""
    try:
        yield done
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\d+ tasks ")
            done.close()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch and the emulation: sums of exact torch depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
