"""Emulation speed against exact torch on this machine: interleaved medians of one run.

A ratio is the time of the emulation over the time of exact torch on the same operands and threads, both medians of
repetitions taken in turn, so that a busy machine slows both. Each row also carries the bound of a roofline: what the
kernel could reach if it only waited for the ports of the vector units.
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

__all__ = ["FAMILIES", "SHAPES", "Row", "Shape", "cifar_alexnet", "port_bound", "run_bench"]

FAMILIES = ("ax-fpm", "ax-fpm-widen", "exact-trunc", "ax-bf16", "bf16", "mitchell", "exact")
"""A multiplier per kind of kernel; those without a fast one follow in full runs."""
SLOW_FAMILIES = ("ax-fpm-wrap", "ax-fpm:cell=AMA1")


@dataclass(frozen=True)
class Shape:
    """A matrix product or a convolution to time.

    Parameters
    ----------
    name : str
        Label.
    sizes : tuple of int
        (M, N, K), or (B, C, H, W, O, R, padding, stride) of a square convolution.
    """

    name: str
    sizes: tuple[int, ...]

    @property
    def is_conv(self) -> bool:
        """Whether the sizes are those of a convolution."""
        return len(self.sizes) == 8


SHAPES = {
    "quick": (
        Shape("gemm 128", (128, 128, 128)),
        Shape("gemm 256", (256, 256, 256)),
        Shape("fc 64 x 1024 -> 1024", (64, 1024, 1024)),
        Shape("LeNet conv1, 64 images", (64, 1, 28, 28, 6, 5, 2, 1)),
        Shape("LeNet conv2, 64 images", (64, 6, 14, 14, 16, 5, 0, 1)),
    ),
    "full": (
        Shape("gemm 512", (512, 512, 512)),
        Shape("gemm 1024", (1024, 1024, 1024)),
        Shape("AlexNet-like gemm", (729, 256, 2400)),
        Shape("fc 64 x 4096 -> 1024", (64, 1024, 4096)),
        Shape("fc 1 x 4096 -> 1024", (1, 1024, 4096)),
        Shape("AlexNet conv2, 16 images", (16, 64, 8, 8, 192, 5, 2, 1)),
        Shape("AlexNet conv3, 16 images", (16, 192, 8, 8, 384, 3, 1, 1)),
        Shape("strided conv, 16 images", (16, 3, 64, 64, 32, 7, 3, 2)),
    ),
    "large": (Shape("gemm 2048", (2048, 2048, 2048)), Shape("gemm 4096", (4096, 4096, 4096))),
}
"""What is timed: ``quick`` always, ``full`` unless quick, ``large`` on request."""


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
    gmacs, torch_gmacs : float
        10^9 multiply-accumulates per second, emulated and exact.
    ratio : float
        How many times slower than exact torch.
    bound : float or None
        The ratio that port counts allow, against an exact kernel at its own bound.
    """

    shape: str
    multiplier: str
    kernel: str
    threads: int
    macs: int
    gmacs: float
    torch_gmacs: float
    ratio: float
    bound: float | None


def port_bound(body: Any, m: Multiplier) -> float | None:
    """Least ratio to exact torch that the execution ports allow: cycles per product over those of a fused multiply-add.

    Counted per vector of float32. AVX-512: vector operations spread over two ports, and an exact multiply-add takes a
    cycle (measured 1.04, arithmetic.md section 6). Elsewhere: four ports, as on current AVX2 machines (with three, the
    bound is a third higher), and two multiply-adds a cycle. None where no count has been made.
    """
    operations = _operations(body, m)
    ports, exact = (2, 1.0) if body is not None and body.kernel == "avx512" else (4, 0.5)
    return None if operations is None else max(operations / ports / exact, 1.0)


def _operations(body: Any, m: Multiplier) -> int | None:
    name, halve = getattr(body, "name", None), m.carry == "halve"
    if name in ("avx512", "avx2"):
        # mul, fma, fma, add toward zero and the sum; the exponent's selection is one instruction or three.
        return 2 if m.design.is_exact else 5 + halve * (1 if name == "avx512" else 3)
    if name == "double":
        # Two halves of product and shift, blend, power of two, sum; clearing a bit under `halve`.
        return 7 if m.design.is_exact else 9 + halve
    if name == "short":
        return 3 if m.design.is_exact else 4 + 2 * halve
    return {"fused": 1, "rounded": 2, "mitchell": 4}.get(name or "")


def _interleaved(first: Callable[[], Any], second: Callable[[], Any], budget: float) -> tuple[float, float]:
    """Median seconds of both, run in turn: three times at least, then while the budget lasts."""
    first()
    second()
    times: tuple[list[float], list[float]] = ([], [])
    start = time.perf_counter()
    while len(times[0]) < 3 or (time.perf_counter() - start < budget and len(times[0]) < 31):
        for call, seconds in zip((first, second), times, strict=True):
            before = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - before)
    return statistics.median(times[0]), statistics.median(times[1])


def _calls(shape: Shape, m: Multiplier) -> tuple[Callable[[], Any], Callable[[], Any], int, Any]:
    import torch

    from golden import sums
    from golden.kernels.functions import magnitude_range

    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator)

    if shape.is_conv:
        batch, channels, height, width, outputs, window, padding, stride = shape.sizes
        x, w = normal(batch, channels, height, width).relu(), normal(outputs, channels, window, window) * 0.1
        exact = lambda: torch.conv2d(x, w, None, stride, padding)  # noqa: E731
        emulated = lambda: sums.conv2d(x, w, stride=stride, padding=padding, multiplier=m)  # noqa: E731
        macs = exact().numel() * w[0].numel()
    else:
        rows, columns, depth = shape.sizes
        x, w = normal(rows, depth).relu(), normal(depth, columns)
        exact = lambda: x @ w  # noqa: E731
        emulated = lambda: sums.matmul(x, w, m)  # noqa: E731
        macs = rows * columns * depth
    body = kernels.select(m, "float32", magnitude_range(x.numpy()), magnitude_range(w.numpy()))
    return emulated, exact, macs, body


def _row(label: str, m: Multiplier, body: Any, threads: int, macs: int, seconds: tuple[float, float]) -> Row:
    emulated, exact = seconds
    return Row(
        shape=label,
        multiplier=str(m),
        kernel="plain" if body is None else body.name,
        threads=threads,
        macs=macs,
        gmacs=macs / emulated / 1e9,
        torch_gmacs=macs / exact / 1e9,
        ratio=emulated / exact,
        bound=port_bound(body, m),
    )


def run_bench(
    quick: bool = True,
    progress: Callable[[str], None] | None = None,
    *,
    multipliers: Iterable[str | Multiplier] | None = None,
    threads: Iterable[int] = (1, 2),
    shapes: Iterable[Shape] | None = None,
    networks: Mapping[str, tuple[Any, Any]] | None = None,
    large: bool = False,
) -> dict[str, Any]:
    """Time the emulation against exact torch.

    Parameters
    ----------
    quick : bool
        Small shapes only, for about half a minute.
    progress : callable, optional
        Takes one line per measurement, before it is made.
    multipliers : iterable of str or Multiplier, optional
        What to time; by default one per kind of kernel.
    threads : iterable of int
        Numbers of threads, for both sides.
    shapes : iterable of Shape, optional
        What to compute; by default the quick ones of ``SHAPES``, and the full ones unless ``quick``.
    networks : mapping, optional
        Label -> (module, batch of inputs), timed from end to end in evaluation mode.
    large : bool
        Add matrix products up to 4096^3.

    Returns
    -------
    dict
        ``machine`` (CPU, features, library versions), ``rows`` (a dict per ``Row``), ``not_run`` (kernels that this CPU
        cannot run, with the reason). Plain numbers and strings, fit for JSON.

    Raises
    ------
    InvalidInput
        If a multiplier is unknown.
    """
    import torch

    names = multipliers if multipliers is not None else FAMILIES + (() if quick else SLOW_FAMILIES)
    chosen = [look_up(name) for name in names]
    usual = SHAPES["quick"] + (() if quick else SHAPES["full"])
    timed = (*(usual if shapes is None else shapes), *(SHAPES["large"] if large else ()))
    budget = 0.2 if quick else 1.0
    rows: list[Row] = []
    before = torch.get_num_threads()
    try:
        for count in threads:
            torch.set_num_threads(count)
            for shape in timed:
                for m in chosen:
                    if progress:
                        progress(f"{shape.name}, {m}, {count} thread{'s' * (count > 1)}")
                    emulated, exact, macs, body = _calls(shape, m)
                    rows.append(_row(shape.name, m, body, count, macs, _interleaved(emulated, exact, budget)))
            for label, (module, batch) in (networks or {}).items():
                for m in chosen:
                    if progress:
                        progress(f"{label}, {m}, {count} thread{'s' * (count > 1)}")
                    rows.append(_network(label, module, batch, m, count, budget))
    finally:
        torch.set_num_threads(before)
    return {"machine": _machine(), "rows": [asdict(row) for row in rows], "not_run": _not_run()}


def _network(label: str, module: Any, batch: Any, m: Multiplier, threads: int, budget: float) -> Row:
    import torch

    from golden.door import approximate, coverage

    module = module.eval()

    def exact() -> None:
        with torch.no_grad():
            module(batch)

    def emulated() -> None:
        with torch.no_grad(), approximate(m):
            module(batch)

    macs = coverage(module, batch, m).macs
    return _row(label, m, kernels.select(m, "float32"), threads, macs, _interleaved(emulated, exact, budget))


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


def cifar_alexnet() -> Any:
    """An AlexNet for 32 x 32 images, randomly initialised: what is timed is its shapes.

    conv 64 of 11 x 11, stride 4, padding 5; pool 2; conv 192 of 5 x 5, padding 2; pool 2; conv 384, 256 and 256 of
    3 x 3, padding 1; pool 2; linear 256 -> 10; ReLU after every convolution. After A. Krizhevsky, I. Sutskever,
    G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012, in the CIFAR-10 form
    that is common today.

    Returns
    -------
    torch.nn.Module
        (N, 3, 32, 32) -> (N, 10).
    """
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
