"""Dask's workers: the same results as here, whoever of them is lost, and one sentence where they cannot have them."""

import concurrent.futures
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import cloudpickle
import numpy as np
import pytest

from golden.errors import AxfpmError, InvalidInput, MissingTool
from golden.robustness import cluster
from golden.robustness.cluster import Cluster
from golden.robustness.evaluation import evaluate
from golden.robustness.jobs import Job, Meter, Processes, run
from golden.robustness.records import to_lines
from golden.robustness.store import Store

distributed = pytest.importorskip("distributed", reason="the extra cluster is not installed")
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """A scheduler, its workers' processes, and a folder for them."""
    folder, processes = tmp_path_factory.mktemp("cluster"), []
    with distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=60) as started:
        yield started, processes, folder
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def workers(scheduler):
    """A scheduler with two workers that live, and the cache folder that they see."""
    started, processes, folder = scheduler
    # No nanny: a worker that is killed stays dead until the next test.
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    processes[:] = [process for process in processes if process.poll() is None]
    while len(processes) < 2:
        command = (sys.executable, "-m", "distributed.cli.dask_worker", started.scheduler_address, *options)
        environment = {**os.environ, "AXFPM_CACHE": str(folder / "cache")}
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
    started.wait_for_workers(2, timeout=120)
    return started, folder / "cache"


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """A cache that the workers do not see."""
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def together(workers, monkeypatch):
    """The cache that the workers see."""
    monkeypatch.setenv("AXFPM_CACHE", str(workers[1]))


def _square(value):
    return {"square": np.array([value * value]), "process": np.array([os.getpid()])}


def _jobs(work, *values, key="square"):
    return [Job({key: repr(v)}, work, lambda v=v: (v,), ("square", "process"), 1, str(v)) for v in values]


def _run(workers, jobs, *, enabled=True, progress=None):
    with Cluster(workers[0].scheduler_address) as found:
        return run(jobs, Store(enabled=enabled), found, Meter(progress, [len(jobs)]))


def test_results_in_order_and_kept_here(workers, apart):
    found = _run(workers, _jobs(_square, 3, 1, 2))
    assert [int(r["square"][0]) for r in found] == [9, 1, 4]
    assert os.getpid() not in {int(r["process"][0]) for r in found}
    assert len(list((apart / "evaluation").iterdir())) == 6
    # Kept where the client is, and not a second time where the workers are.
    assert not (workers[1] / "evaluation").exists()


@pytest.mark.usefixtures("together")
def test_workers_keep_what_they_do_where_the_cache_is_shared(workers):
    (job,) = _jobs(_square, 5, key="shared")
    packed = cluster._packed(0, job, cluster._mark())
    with distributed.Client(workers[0], set_as_default=False) as client:
        here = client.submit(cluster._remote, *packed, pure=False).result()[1]
        # No other client told it: this is what the worker kept.
        kept = Store().get(job.key, job.returns)
        assert kept is not None
        assert kept["process"] == here["process"]
        again = client.submit(cluster._remote, *packed[:-1], b"not looked at", pure=False).result()[1]
    assert again["process"] == here["process"]


def _once_deadly(folder, value):
    """Kill the process that does it first."""
    mark = folder / f"died {value}"
    if value < 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _square(value)


def test_a_lost_worker_s_jobs_run_again(workers, apart, tmp_path):
    jobs = [
        Job({"deadly": v}, _once_deadly, lambda v=v: (tmp_path, v), ("square", "process"), 1, str(v)) for v in range(6)
    ]
    steps = []
    found = _run(workers, jobs, progress=lambda *step: steps.append(step))
    assert [int(r["square"][0]) for r in found] == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "died 0").exists()
    assert len(steps) == 6


def _deadly(value):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_job_that_ends_its_workers(workers, apart, monkeypatch):
    # Dask's own limit is three more.
    monkeypatch.setattr(workers[0].scheduler, "allowed_failures", 0)
    with pytest.raises(AxfpmError, match="several workers ended while they did the same job; see their logs"):
        _run(workers, _jobs(_deadly, 1, key="deadly"))


def test_a_lost_scheduler(workers):
    with distributed.Client(workers[0], set_as_default=False) as client:
        backend = cluster._backend(client, "tcp://s:1")
        lost = concurrent.futures.CancelledError("gone\nmore")
        with pytest.raises(AxfpmError, match=r"the scheduler at tcp://s:1 was lost; start it again, finished"):
            backend.retrieve_result_callback(lost)


def _refuse(value):
    raise InvalidInput(f"no {value}")


def test_errors_of_jobs_are_their_own(workers, apart):
    with pytest.raises(InvalidInput, match=r"^no 7$"):
        _run(workers, _jobs(_refuse, 7))


def test_an_interrupt_leaves_finished_parts(workers, apart):
    def interrupt(done, total, message):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(workers, _jobs(_square, *range(20)), progress=interrupt)
    before = [Store().get(job.key, job.returns) for job in _jobs(_square, *range(20))]
    assert 2 <= sum(result is not None for result in before) < 20
    found = _run(workers, _jobs(_square, *range(20)))
    assert [int(r["square"][0]) for r in found] == [v * v for v in range(20)]
    assert all(old is None or old["process"] == new["process"] for old, new in zip(before, found, strict=True))


@pytest.fixture(scope="module")
def digits():
    from golden.cnn import data

    images, labels = data.load("digits", "test")
    return images[:8], labels[:8]


def _evaluate(digits, **settings):
    return to_lines(
        evaluate(
            "lenet5-digits",
            *digits,
            multiplier="bf16",
            control=None,
            attacks="fgsm:eps=0.05,fgsm:eps=0.1,fgsm:eps=0.2",
            threat_models=("twin", "white-box"),
            cache=False,
            **settings,
        )
    )


def test_evaluations_are_the_same_anywhere(workers, apart, digits):
    address, killed = workers[0].scheduler_address, []

    def kill(done, total, message):
        if "on bf16" in message and not killed:
            with distributed.Client(address, set_as_default=False) as client:
                killed.append(next(iter(client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

    here = _evaluate(digits)
    assert '"examples": "' in here
    assert _evaluate(digits, backend="dask", scheduler=address, progress=kill) == here
    assert killed


def test_the_scheduler_by_its_file(workers, apart, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"address": "{workers[0].scheduler_address}"}}')
    with Cluster(file) as found:
        assert found.cpus() == Processes().cpus()
    file.write_text("{}")
    with pytest.raises(InvalidInput, match="names no scheduler; give the file that"), Cluster(file):
        pass


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:1", "no scheduler answers at tcp://127.0.0.1:1 .*; start one with `dask scheduler`"),
        ("tls://127.0.0.1:1", "no scheduler answers at tls://127.0.0.1:1 .*; start one"),
        ("nonsense", "nonsense is not the address of a scheduler .missing port number in .*.; give tcp"),
        ("absent.json", "absent.json is not the address of a scheduler .*; give tcp://HOST:8786, or the file"),
        ("ftp://127.0.0.1:1", "ftp://127.0.0.1:1 is not the address of a scheduler .unknown address scheme 'ftp'"),
    ],
)
def test_no_scheduler(monkeypatch, address, message):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.5)
    with pytest.raises(InvalidInput, match=message), Cluster(address):
        pass


def test_dask_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingTool, match=r"distributed is not installed .*`pip install 'axfpm\[cluster\]'`"):
        Cluster("tcp://127.0.0.1:1").__enter__()


class Workers:
    """What a client says of its workers."""

    def __init__(self, answer=None, *, threads=1):
        self.answer, self.threads = answer, threads

    def wait_for_workers(self, least, timeout):
        if self.answer is None:
            raise TimeoutError

    def nthreads(self):
        return {"tcp://w:1": self.threads}

    def run(self, function, on_error):
        return {"tcp://w:1": self.answer}


OURS = cluster._equipment()


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        (
            Workers(),
            "the scheduler at a has had no worker for 60 seconds; start some with `dask worker a --nthr",
        ),
        (Workers(OURS, threads=4), "tcp://w:1 has 4 threads, .*; start it with `--nthreads 1 --nworkers 4`"),
        (Workers(Exception("No module\nmore")), r"tcp://w:1 has no axfpm like this one \(No module\); install version"),
        (Workers({**OURS, cluster.OWN: "x"}), "tcp://w:1 has other sources of axfpm than this process; install the sa"),
        (
            Workers({**OURS, "torch": "1"}),
            "tcp://w:1 has torch 1 installed and this process .*; install the same",
        ),
        (Workers({**OURS, "scipy": None}), "tcp://w:1 has scipy not installed and this process .*; install the same"),
    ],
)
def test_workers_that_would_not_do(workers, message):
    with pytest.raises(InvalidInput, match=message):
        cluster._look_at_workers(workers, "a")


def test_workers_that_would_do():
    cluster._look_at_workers(Workers(dict(OURS)), "a")


def test_a_worker_that_came_later_is_looked_at_too(apart):
    (job,) = _jobs(_square, 1)
    i, key, returns, equipment, *rest = cluster._packed(0, job, b"")
    with pytest.raises(InvalidInput, match="a worker that came later has other sources of axfpm"):
        cluster._remote(i, key, returns, {**equipment, cluster.OWN: "x"}, *rest)


def test_a_worker_that_lacks_the_model(apart):
    content = pickle.dumps((os.getpid, ())).replace(b"posix", b"gnoxi")
    with pytest.raises(InvalidInput, match=r"cannot load what a job needs \(No module named 'gnoxi'\); install there"):
        cluster._remote(0, {}, (), dict(OURS), b"", content)


def test_one_job_at_a_time(apart):
    inside, most = [], []

    def work(value):
        inside.append(value)
        most.append(len(inside))
        time.sleep(0.02)
        inside.remove(value)
        return {}

    jobs = [Job({}, work, lambda v=v: (v,), (), 1) for v in range(4)]
    # In this process nothing is packed: the jobs share its lists.
    loaded = {cluster._packed(i, job, b"")[-1]: (job.work, job.arguments()) for i, job in enumerate(jobs)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle, "loads", loaded.__getitem__)
        threads = [
            threading.Thread(target=cluster._remote, args=(i, {"i": i}, ("x",), dict(OURS), b"", content))
            for i, content in enumerate(loaded)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1, 1, 1, 1]
