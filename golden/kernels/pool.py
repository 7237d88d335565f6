"""Threads for kernels: as many as torch would use, or one per CPU."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

__all__ = ["run_all", "threads", "wanted_tasks", "wanted_workers"]

TASKS = 4
SMALL = 1 << 22
"""Multiply-accumulates that are not worth waking another thread."""
_LOCK = threading.Lock()
_POOL: ThreadPoolExecutor | None = None
_SIZE = 0
_PID = 0


def threads() -> int:
    """How many threads a call may use: torch's setting where torch is loaded, else the CPUs of this process."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        return int(torch.get_num_threads())
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wanted_tasks(macs: int) -> int:
    """Into how many tasks to divide a layer: several for each thread, as cores are not equally fast."""
    return TASKS * threads() if macs > SMALL and threads() > 1 else 1


def wanted_workers(macs: int) -> int:
    """How many threads a layer is worth, however many parts it has."""
    return threads() if macs > SMALL else 1


def _pool(size: int) -> ThreadPoolExecutor:
    global _POOL, _SIZE, _PID
    with _LOCK:
        # A forked child inherits the pool but not its threads.
        if _POOL is None or size > _SIZE or os.getpid() != _PID:
            _POOL, _SIZE, _PID = ThreadPoolExecutor(size, thread_name_prefix="axfpm"), size, os.getpid()
        return _POOL


def run_all(tasks: Sequence[Callable[[], object]], workers: int | None = None) -> None:
    """Run tasks on so many threads, by default as many as calls may use; the calling thread takes part.

    Several Python threads may call this at once: they share the pool, and as each works on its own tasks too, none
    waits for a thread that waits for it. No task runs on when this ends, by an exception or an interrupt either: what
    tasks write to may be gone then.
    """
    helpers = min(workers or threads(), len(tasks)) - 1
    if helpers <= 0:
        for task in tasks:
            task()
        return
    waiting = list(reversed(tasks))

    def work() -> None:
        while True:
            try:
                task = waiting.pop()
            except IndexError:
                return
            task()

    pool = _pool(helpers)
    futures = [pool.submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        waiting.clear()
        begun = [future for future in futures if not future.cancel()]
        wait(begun)
    for future in begun:
        future.result()
