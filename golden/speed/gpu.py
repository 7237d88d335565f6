"""Emulation speed on an NVIDIA GPU against exact torch there, beside what its issue of instructions allows.

Runs alternate, as on the CPU; each is timed from its call until the GPU has nothing left to do.

A multiprocessor issues 4 warps' instructions a cycle: 128 of single threads. Its float32 units take as many a cycle,
those of compute capability 7.x and 8.0 half of them. Of the cycles that a product takes by either count the greater one
holds: an ``INSTRUCTIONS / 128`` or ``OPERATIONS / units``, at the highest clock.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from golden.catalogue import Multiplier, multiplier as look_up
from golden.kernels.cuda import dispatch
from golden.kernels.cuda.families import family
from golden.progress import Progress
from golden.pytorch.devices import check_device, ieee_products
from golden.speed.shapes import FAMILIES, SHAPES, SLOW_FAMILIES, Shape, timed

__all__ = ["GPU_COLUMNS", "INSTRUCTIONS", "GpuRow", "ceiling", "gpu_rows", "run_gpu_bench"]

INSTRUCTIONS = {
    "halve": 7.0,
    "widen": 6.0,
    "truncate": 2.5,
    "nearest": 2.5,
    "fused": 1.5,
    "short": 3.5,
    "short-halve": 5.9,
    "short-widen": 4.9,
    "mitchell": 4.0,
}
"""Instructions of a product and its sum in the compiled loop of each family, which a test counts."""
OPERATIONS = {
    "halve": 5,
    "widen": 5,
    "truncate": 2,
    "nearest": 2,
    "fused": 1,
    "short": 2,
    "short-halve": 3,
    "short-widen": 3,
    "mitchell": 1,
}
"""Those of them in floating point."""
ISSUED = 128


@dataclass(frozen=True)
class GpuRow:
    """One measurement.

    Parameters
    ----------
    shape, multiplier, kernel : str
        What was computed, on what, by which kernel.
    macs : int
        Multiply-accumulates.
    gmacs, torch_gmacs : float
        10^9 multiply-accumulates per second, emulated and exact.
    ratio : float
        How many times slower than exact torch.
    ceiling : float or None
        10^9 multiply-accumulates per second that the issue of instructions allows; None where none were counted.
    share : float or None
        The emulation's rate over it.
    """

    shape: str
    multiplier: str
    kernel: str
    macs: int
    gmacs: float
    torch_gmacs: float
    ratio: float
    ceiling: float | None
    share: float | None


GPU_COLUMNS = (
    "shape", "multiplier", "kernel", "GMAC/s", "exact torch GMAC/s", "times slower", "ceiling GMAC/s",
    "share of ceiling",
)  # fmt: skip


def gpu_rows(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows of the table in the order of ``GPU_COLUMNS``."""
    keys = ("shape", "multiplier", "kernel", "gmacs", "torch_gmacs", "ratio", "ceiling", "share")
    return [tuple("-" if row[key] is None else row[key] for key in keys) for row in rows]


def ceiling(m: Multiplier, properties: Any) -> float | None:
    """10^9 products and sums per second that a GPU's issue of instructions allows.

    Parameters
    ----------
    m : Multiplier
        The multiplier.
    properties
        ``torch.cuda.get_device_properties``: ``multi_processor_count``, ``clock_rate`` in kHz, ``major``, ``minor``.

    Returns
    -------
    float or None
        None for multipliers that the integer kernel computes.
    """
    found = family(m)
    if found is None or dispatch.kernel(m) != "cuda-lanes":
        return None
    capability = properties.major, properties.minor
    units = 64 if capability < (8, 6) else 128
    cycles = max(INSTRUCTIONS[found.name] / ISSUED, OPERATIONS[found.name] / units)
    return properties.multi_processor_count * properties.clock_rate * 1e3 / cycles / 1e9


def run_gpu_bench(
    quick: bool = True,
    progress: Progress | None = None,
    *,
    multipliers: Iterable[str | Multiplier] | None = None,
    shapes: Iterable[Shape] | None = None,
    networks: Mapping[str, tuple[Any, Any]] | None = None,
    small: bool = False,
    large: bool = False,
    device: str = "cuda",
) -> dict[str, Any]:
    """Time the emulation on a GPU against exact torch there, TF32 off.

    Parameters
    ----------
    quick, progress, multipliers, shapes, networks, small, large
        As for ``golden.speed.run_bench``; ``large`` is for the multipliers that have a ceiling.
    device : str
        Which GPU, in torch's words.

    Returns
    -------
    dict
        ``machine`` (GPU, its capability, multiprocessors and clock in kHz, versions) and ``rows`` (a dict per
        ``GpuRow``). Plain numbers and strings, fit for JSON.

    Raises
    ------
    InvalidInput
        If a multiplier is unknown, or torch has no GPU to use.
    MissingTool
        If Triton is not installed.
    """
    import torch

    names = multipliers if multipliers is not None else FAMILIES + (() if quick else SLOW_FAMILIES)
    chosen = [look_up(name) for name in names]
    properties = _properties(device)
    limits = {m: None if properties is None else ceiling(m, properties) for m in chosen}
    usual = SHAPES["quick"] + (() if quick else SHAPES["full"]) + (SHAPES["small"] if small else ())
    pairs = [(shape, m) for shape in (usual if shapes is None else shapes) for m in chosen]
    pairs += [(shape, m) for shape in SHAPES["large"] if large for m in chosen if family(m) is not None]
    whole = [(label, m) for label in networks or {} for m in chosen]
    total, rows = len(pairs) + len(whole), list[GpuRow]()
    budget = 0.2 if quick else 1.0
    with ieee_products(), torch.no_grad():
        for shape, m in pairs:
            if progress:
                progress(len(rows), total, f"{shape.name}, {m}")
            part = timed(shape, m, device)
            seconds = _interleaved(part.emulated, part.exact, device, budget)
            rows.append(_row(shape.name, m, part.macs, limits[m], *seconds))
        for label, m in whole:
            if progress:
                progress(len(rows), total, f"{label}, {m}")
            rows.append(_network(label, *(networks or {})[label], m, limits[m], device, budget))
    return {"machine": _machine(properties), "rows": [asdict(row) for row in rows]}


def _properties(device: str) -> Any:
    import torch

    if torch.device(device).type != "cuda":  # the interpreter's tests
        return None
    check_device(device)
    return torch.cuda.get_device_properties(torch.device(device))


def _interleaved(
    emulated: Callable[[], Any], exact: Callable[[], Any], device: str, budget: float
) -> tuple[float, float]:
    """Median seconds of runs in turn, three of each at least; the first of each compiles and warms up."""
    import torch

    calls = emulated, exact
    times: tuple[list[float], list[float]] = [], []
    start = time.perf_counter()
    while len(times[0]) < 4 or (time.perf_counter() - start < budget and len(times[0]) < 32):
        for call, seconds in zip(calls, times, strict=True):
            _finish(torch, device)
            before = time.perf_counter()
            call()
            _finish(torch, device)
            seconds.append(time.perf_counter() - before)
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def _finish(torch: Any, device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def _row(label: str, m: Multiplier, macs: int, limit: float | None, emulated: float, exact: float) -> GpuRow:
    rate = macs / emulated / 1e9
    return GpuRow(
        shape=label,
        multiplier=str(m),
        kernel=dispatch.kernel(m),
        macs=macs,
        gmacs=rate,
        torch_gmacs=macs / exact / 1e9,
        ratio=emulated / exact,
        ceiling=limit,
        share=None if limit is None else rate / limit,
    )


def _network(
    label: str, module: Any, batch: Any, m: Multiplier, limit: float | None, device: str, budget: float
) -> GpuRow:
    from copy import deepcopy

    from golden.pytorch import approximate, coverage

    macs = coverage(module.eval(), batch, m).macs
    module, batch = deepcopy(module).to(device), batch.to(device)

    def emulated() -> None:
        with approximate(m):
            module(batch)

    return _row(label, m, macs, limit, *_interleaved(emulated, lambda: module(batch), device, budget))


def _machine(properties: Any) -> dict[str, Any]:
    import torch
    import triton

    keys = ("name", "major", "minor", "multi_processor_count", "clock_rate")
    gpu = {key: getattr(properties, key) for key in keys} if properties is not None else {}
    return {"gpu": gpu, "torch": torch.__version__, "cuda": torch.version.cuda, "triton": triton.__version__}
