"""Workers of a Dask scheduler: jobs spread over machines by joblib, their results gathered here.

A job carries what it needs, network and images included, so that workers need this package and no data. Where they see
this process's cache folder they look there first and keep results there themselves, which then outlive this process;
elsewhere results are kept as they arrive. What a lost worker had in hand is done again by another one: a job's result
depends on its key alone.

A worker does one job at a time, as global state (torch's threads and random generators) is part of what it computes
with. One with other sources of this package, or other versions of what computes, would return other results under the
same key: it is refused, before the work, or with its first job where it came later.
"""

from __future__ import annotations

import concurrent.futures
import json
import logging
import pickle
import secrets
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from golden.cache import Cache
from golden.errors import AxfpmError, InvalidInput, MissingTool
from golden.kernels.jit import cpu_name
from golden.robustness.jobs import Arrays, Job, closed_quietly, perform
from golden.robustness.store import Store, sources

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Cluster"]

COMPUTING = ("torch", "numpy", "scipy", "llvmlite", "foolbox", "pyautoattack", "adversarial-robustness-toolbox")
"""Packages whose version may change a result."""
OWN = "the sources of axfpm"
ANSWER_SECONDS, WORKER_SECONDS = 10, 60
"""How long a scheduler may take to answer, and its first worker to come."""
LARGEST_MESSAGE = "1 GiB"
"""Jobs carry the attacker's images; Dask would warn of messages from 10 MB."""
MARKS, MARK = "cluster", "mark"
"""Kind and key of the cache entry by which workers recognise the folder."""

_ALONE = threading.Lock()


class Cluster:
    """The workers of a scheduler, as ``golden.robustness.jobs.Workers``.

    Parameters
    ----------
    scheduler : str or Path
        Its address, ``tcp://HOST:8786`` or ``tls://..``, or the file that ``dask scheduler --scheduler-file`` writes.
    """

    def __init__(self, scheduler: str | Path) -> None:
        self.scheduler = str(scheduler)
        self._open = ExitStack()
        self._client: Client | None = None
        self._cpus = {cpu_name()}

    def __enter__(self) -> Cluster:
        """Connect, and look at every worker.

        Raises
        ------
        MissingTool
            If Dask is not installed.
        InvalidInput
            If the scheduler does not answer, has no worker, or one of them cannot do these jobs.
        """
        try:
            import distributed
            from dask.config import set as dask_settings
            from distributed.comm.addressing import get_address_host
        except ModuleNotFoundError:
            raise MissingTool(
                "the package distributed is not installed (the backend dask); get it with `pip install "
                "'axfpm[cluster]'`"
            ) from None
        address = _address(self.scheduler)
        try:
            get_address_host(address)  # a client of a malformed one would be half made, and wait for itself
        except ValueError as error:
            raise InvalidInput(
                f"{address} is not the address of a scheduler ({_first_line(error)}); give tcp://HOST:8786, or the "
                "file that `dask scheduler --scheduler-file FILE` wrote"
            ) from None
        with ExitStack() as opened:
            opened.enter_context(_only_our_sentences())
            opened.enter_context(dask_settings({"distributed.admin.large-graph-warning-threshold": LARGEST_MESSAGE}))
            try:
                client = distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
            except (OSError, ValueError, TypeError) as error:  # the last where certificates lack
                raise InvalidInput(
                    f"no scheduler answers at {address} ({_first_line(error)}); start one with `dask scheduler` and "
                    "give its address"
                ) from None
            opened.callback(client.close)
            _look_at_workers(client, address)
            self._client, self._open = client, opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._client = None
        self._open.close()

    def compute(self, jobs: Sequence[tuple[int, Job]], store: Store) -> Generator[tuple[int, Arrays], None, None]:
        """As ``golden.robustness.jobs.Workers`` says.

        Raises
        ------
        InvalidInput
            If a worker came later and cannot do these jobs.
        AxfpmError
            If workers end whenever they do a job, or the scheduler is lost.
        """
        assert self._client is not None
        if not jobs:
            return
        import joblib

        mark = _mark() if store.cache is not None else b""
        # One job to a batch, so that one at most is lost; as many at once as workers have threads, one each.
        with joblib.parallel_config(_backend(self._client, self.scheduler), n_jobs=-1):
            one_by_one: Any = 1  # joblib's types know "auto" only
            parallel: Any = joblib.Parallel(return_as="generator_unordered", batch_size=one_by_one)
            done = parallel(joblib.delayed(_remote)(*_packed(i, job, mark)) for i, job in jobs)
            # Closed while the client is there: joblib gives up what is left through it.
            with closed_quietly(done):
                for i, arrays, cpu in done:
                    self._cpus.add(cpu)
                    yield i, arrays

    def cpus(self) -> tuple[str, ...]:
        """As ``golden.robustness.jobs.Workers`` says: this process's, and those of workers that did a job."""
        return tuple(sorted(self._cpus))


@contextmanager
def _only_our_sentences() -> Iterator[None]:
    """No log of Dask's client and its connections: what ends the work is raised here, in one sentence."""
    loggers = [logging.getLogger(f"distributed.{part}") for part in ("client", "core")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _address(scheduler: str) -> str:
    """The address that a scheduler's file holds, or the one that was given."""
    path = Path(scheduler)
    if not path.is_file():
        return scheduler
    try:
        return str(json.loads(path.read_text())["address"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput(
            f"{scheduler} names no scheduler; give the file that `dask scheduler --scheduler-file FILE` wrote, or an "
            "address"
        ) from None


def _look_at_workers(client: Any, address: str) -> None:
    """Raise unless there is a worker, and every one can do jobs as this process would."""
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise InvalidInput(
            f"the scheduler at {address} has had no worker for {WORKER_SECONDS} seconds; start some with "
            f"`dask worker {address} --nthreads 1`"
        ) from None
    for worker, threads in client.nthreads().items():
        if threads != 1:
            raise InvalidInput(
                f"the worker {worker} has {threads} threads, and jobs need a process each; start it with "
                f"`--nthreads 1 --nworkers {threads}`"
            )
    for worker, answer in client.run(_equipment, on_error="return").items():
        if not isinstance(answer, Mapping):
            raise InvalidInput(
                f"the worker {worker} has no axfpm like this one ({_first_line(answer)}); install version "
                f"{version('axfpm')} there"
            )
        _require_equal(f"the worker {worker}", answer, _equipment())


@cache
def _equipment() -> dict[str, str | None]:
    """What results depend on beside a job's key: sources, and versions of packages, None where one is missing."""
    found: dict[str, str | None] = {OWN: sources()}
    for package in COMPUTING:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _require_equal(who: str, theirs: Mapping[str, str | None], ours: Mapping[str, str | None]) -> None:
    if theirs.get(OWN) != ours[OWN]:
        raise InvalidInput(
            f"{who} has other sources of axfpm than this process; install the same version ({version('axfpm')}) there"
        )
    for package, own in ours.items():
        if theirs.get(package) != own:
            raise InvalidInput(
                f"{who} has {package} {theirs.get(package) or 'not'} installed and this process {own or 'not'}; "
                "install the same there"
            )


def _mark() -> bytes:
    """What workers have to find in their cache folder if it is this one; empty where nothing can be kept."""
    marks = Cache(MARKS)
    if marks.get(MARK) is None:
        marks.put(MARK, secrets.token_bytes(16))
    return marks.get(MARK) or b""


def _packed(i: int, job: Job, mark: bytes) -> tuple[Any, ...]:
    """The arguments of ``_remote``.

    Joblib scatters large arguments to one worker, and loses them with it; bytes travel with the job, which can so be
    done again elsewhere.
    """
    import cloudpickle

    return i, job.key, job.returns, _equipment(), mark, cloudpickle.dumps((job.work, job.arguments()))


def _remote(
    i: int, key: dict[str, Any], returns: tuple[str, ...], equipment: dict[str, str | None], mark: bytes, content: bytes
) -> tuple[int, Arrays, str]:
    """Do a job on a worker, unless its result is kept where both see it; its number, result, and this CPU's name."""
    _require_equal("a worker that came later", _equipment(), equipment)
    store = Store(enabled=bool(mark) and Cache(MARKS).get(MARK) == mark)
    with _ALONE:
        found = store.get(key, returns)
        if found is None:
            try:
                work, arguments = pickle.loads(content)
            except (ImportError, AttributeError) as error:
                raise InvalidInput(
                    f"a worker cannot load what a job needs ({_first_line(error)}); install there what the models and "
                    "multipliers are made of"
                ) from None
            found = perform(i, work, arguments)[1]
            store.put(key, found)
    return i, found, cpu_name()


def _backend(client: Client, scheduler: str) -> Any:
    """Joblib's own for Dask, but that what befalls a job outside its own code is raised, not waited for."""
    from joblib._dask import DaskDistributedBackend

    class Failed:
        def __init__(self, error: BaseException) -> None:
            self.error = error

    class Backend(DaskDistributedBackend):
        def submit(self, func: Any, callback: Any = None) -> Any:
            def tell(done: Any) -> None:
                if callback is not None and done.exception() is not None:
                    callback(Failed(done.exception()))

            future = super().submit(func, callback)
            future.add_done_callback(tell)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, Failed):
                raise _lost(out.error, scheduler) from out.error
            try:
                return super().retrieve_result_callback(out)
            except concurrent.futures.CancelledError as error:  # so a lost scheduler is told
                raise _lost(error, scheduler) from error

    return Backend(client=client)


def _lost(error: BaseException, scheduler: str) -> AxfpmError:
    import distributed

    if isinstance(error, distributed.KilledWorker):
        return AxfpmError(
            "several workers ended while they did the same job; see their logs (memory is the usual reason), finished "
            "parts are kept"
        )
    return AxfpmError(f"the scheduler at {scheduler} was lost; start it again, finished parts are kept")


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
