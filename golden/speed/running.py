"""Emulation speed against exact torch on this machine: interleaved medians of one run.

A ratio is the time of the emulation over the time of exact torch on the same operands and threads, both medians of
repetitions taken in turn, so that a busy machine slows both. Each row also carries the bound of a roofline: what the
kernel could reach if it only waited for the ports of the vector units, measured in the same run.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golden import kernels
from golden.catalogue import Multiplier, multiplier as look_up
from golden.progress import Progress
from golden.speed.bounds import Peaks, measure_peaks, measure_products, operations
from golden.speed.shapes import FAMILIES, SHAPES, SLOW_FAMILIES, Shape, timed

__all__ = ["COLUMNS", "Row", "interleaved", "run_bench", "table_rows"]


@dataclass(frozen=True)
class Row:
    """One measurement.

    Parameters
    ----------
    shape : str
        What was computed.
    multiplier, kernel : str
        On what, by which kernel body.
    threads : int
        Threads of both sides.
    macs : int
        Multiply-accumulates.
    bytes : int or None
        Of operands and results, each once: the least that travels to and from memory. None for networks.
    gmacs, torch_gmacs : float
        10^9 multiply-accumulates per second, emulated and exact.
    ratio : float
        How many times slower than exact torch.
    bound : float or None
        The ratio that the ports allow, against an exact kernel at its own bound; None where no operations were counted.
    share : float or None
        The emulation's rate over what the ports allow it.
    scaling, torch_scaling : float or None
        How many times faster each is than on one thread; None on one.
    """

    shape: str
    multiplier: str
    kernel: str
    threads: int
    macs: int
    bytes: int | None
    gmacs: float
    torch_gmacs: float
    ratio: float
    bound: float | None
    share: float | None
    scaling: float | None
    torch_scaling: float | None


def interleaved(emulated: Callable[[], Any], exact: Callable[[], Any], threads: int, budget: float) -> list[float]:
    """Median seconds of runs in turn: emulated, exact, and both on one thread where there are more.

    Three of each at least, then while the budget lasts.
    """
    import torch

    runs = [(call, count) for count in dict.fromkeys((threads, 1)) for call in (emulated, exact)]
    times: list[list[float]] = [[] for _ in runs]
    start = time.perf_counter()
    while len(times[0]) < 4 or (time.perf_counter() - start < budget and len(times[0]) < 32):
        for (call, count), seconds in zip(runs, times, strict=True):
            torch.set_num_threads(count)
            before = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - before)
    torch.set_num_threads(threads)
    return [statistics.median(seconds[1:]) for seconds in times]  # the first run warms up


COLUMNS = (
    "shape", "multiplier", "kernel", "threads", "GMAC/s", "exact torch GMAC/s", "times slower", "port bound",
    "share of limit", "speedup", "exact torch speedup",
)  # fmt: skip


def table_rows(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows of the table in the order of ``COLUMNS``."""
    keys = (
        "shape",
        "multiplier",
        "kernel",
        "threads",
        "gmacs",
        "torch_gmacs",
        "ratio",
        "bound",
        "share",
        "scaling",
        "torch_scaling",
    )
    return [tuple("-" if row[key] is None else row[key] for key in keys) for row in rows]


class _Limits:
    """The peaks for a number of threads, and what they allow each body, measured when first asked for."""

    def __init__(self, threads: int) -> None:
        self.peaks = measure_peaks(threads)
        self._products: dict[Any, float | None] = {}

    def products(self, body: Any, m: Multiplier) -> float | None:
        count = operations(body, m)
        if count not in self._products:
            self._products[count] = measure_products(body, m, self.peaks.threads)
        return self._products[count]


def _product(shape: Shape, m: Multiplier, limits: _Limits, budget: float) -> Row:
    from golden.kernels.functions import magnitude_range

    part = timed(shape, m)
    body = kernels.select(m, "float32", magnitude_range(part.x.numpy()), magnitude_range(part.w.numpy()))
    seconds = interleaved(part.emulated, part.exact, limits.peaks.threads, budget)
    return _row(shape.name, m, body, limits, part.macs, part.bytes, seconds)


def _row(
    label: str,
    m: Multiplier,
    body: Any,
    limits: _Limits,
    macs: int,
    moved: int | None,
    seconds: list[float],
) -> Row:
    emulated, exact, *alone = seconds
    allowed = limits.products(body, m)
    return Row(
        shape=label,
        multiplier=str(m),
        kernel="plain" if body is None else body.name,
        threads=limits.peaks.threads,
        macs=macs,
        bytes=moved,
        gmacs=macs / emulated / 1e9,
        torch_gmacs=macs / exact / 1e9,
        ratio=emulated / exact,
        bound=None if allowed is None else limits.peaks.gmacs / allowed,
        share=None if allowed is None else macs / emulated / 1e9 / allowed,
        scaling=alone[0] / emulated if alone else None,
        torch_scaling=alone[1] / exact if alone else None,
    )


def run_bench(
    quick: bool = True,
    progress: Progress | None = None,
    *,
    multipliers: Iterable[str | Multiplier] | None = None,
    threads: Iterable[int] = (1, 2),
    shapes: Iterable[Shape] | None = None,
    networks: Mapping[str, tuple[Any, Any]] | None = None,
    small: bool = False,
    large: bool = False,
) -> dict[str, Any]:
    """Time the emulation against exact torch.

    Parameters
    ----------
    quick : bool
        Small shapes only, for about half a minute.
    progress : callable, optional
        ``progress(done, total, message)`` before each measurement.
    multipliers : iterable of str or Multiplier, optional
        What to time; by default one per kind of kernel.
    threads : iterable of int
        Numbers of threads, for both sides.
    shapes : iterable of Shape, optional
        What to compute; by default the quick ones of ``SHAPES``, and the full ones unless ``quick``.
    networks : mapping, optional
        Label -> (module, batch of inputs), timed from end to end in evaluation mode.
    small : bool
        Add small calls, batches, depthwise and narrow layers.
    large : bool
        Add matrix products up to 4096^3, for the multipliers that have a bound.

    Returns
    -------
    dict
        ``machine`` (CPU, features, library versions), ``peaks`` (a dict per number of threads, of ``Peaks``), ``rows``
        (a dict per ``Row``), ``not_run`` (kernels that this CPU cannot run, with the reason). Plain numbers and
        strings, fit for JSON.

    Raises
    ------
    InvalidInput
        If a multiplier is unknown.
    """
    import torch

    names = multipliers if multipliers is not None else FAMILIES + (() if quick else SLOW_FAMILIES)
    chosen = [look_up(name) for name in names]
    usual = SHAPES["quick"] + (() if quick else SHAPES["full"]) + (SHAPES["small"] if small else ())
    products = [(shape, m) for shape in (usual if shapes is None else shapes) for m in chosen]
    if large:
        bounded = [m for m in chosen if operations(kernels.select(m, "float32"), m) is not None]
        products += [(shape, m) for shape in SHAPES["large"] for m in bounded]
    budget = 0.2 if quick else 1.0
    rows: list[Row] = []
    peaks: list[Peaks] = []
    before = torch.get_num_threads()
    counts = tuple(threads)
    pairs = [(label, m) for label in networks or {} for m in chosen]
    total = len(counts) * (len(products) + len(pairs))

    def report(name: str, m: Multiplier, count: int) -> None:
        if progress:
            progress(len(rows), total, f"{name}, {m}, {count} thread{'s' * (count > 1)}")

    try:
        for count in counts:
            torch.set_num_threads(count)
            limits = _Limits(count)
            peaks.append(limits.peaks)
            for shape, m in products:
                report(shape.name, m, count)
                rows.append(_product(shape, m, limits, budget))
            for label, m in pairs:
                report(label, m, count)
                rows.append(_network(label, *(networks or {})[label], m, limits, budget))
    finally:
        torch.set_num_threads(before)
    return {
        "machine": _machine(),
        "peaks": [asdict(peak) for peak in peaks],
        "rows": [asdict(row) for row in rows],
        "not_run": _not_run(),
    }


def _network(label: str, module: Any, batch: Any, m: Multiplier, limits: _Limits, budget: float) -> Row:
    import torch

    from golden.pytorch import approximate, coverage

    module = module.eval()

    def exact() -> None:
        with torch.no_grad():
            module(batch)

    def emulated() -> None:
        with torch.no_grad(), approximate(m):
            module(batch)

    macs = coverage(module, batch, m).macs
    body = kernels.select(m, "float32")
    seconds = interleaved(emulated, exact, limits.peaks.threads, budget)
    return _row(label, m, body, limits, macs, None, seconds)


def _machine() -> dict[str, Any]:
    import llvmlite
    import llvmlite.binding as llvm
    import torch

    return {
        "cpu": llvm.get_host_cpu_name(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "llvmlite": llvmlite.__version__,
        "kernels": [name for name in kernels.KERNELS if name not in {entry["kernel"] for entry in _not_run()}],
    }


def _not_run() -> list[dict[str, str]]:
    from golden.kernels.bodies import BODIES
    from golden.kernels.jit import cpu_features

    missing = {body.kernel: sorted(body.features - cpu_features()) for body in BODIES}
    return [
        {"kernel": name, "reason": f"CPU without {', '.join(features)}"}
        for name, features in missing.items()
        if features
    ]
