"""What the vector units reach at most: a loop of independent multiply-adds and nothing else."""

from __future__ import annotations

import platform
from functools import lru_cache, partial

import numpy as np
from llvmlite import ir

from golden.kernels.calls import Function, address
from golden.kernels.emit import F32, Emitter, constant, vector
from golden.kernels.functions import magnitude_range
from golden.kernels.jit import cpu_features
from golden.kernels.pool import run_all
from golden.kernels.products import shares

__all__ = ["multiply_adds", "read"]

CHAINS = 12
"""Independent sums: more than a multiply-add's latency times two, and they fit 16 registers beside the operands."""
TERMS = 400_000
WORDS = 16 << 20


def _lanes() -> int:
    return 16 if "avx512f" in cpu_features() else 8


def peak_module(lanes: int, fused: bool) -> str:
    """LLVM IR of ``peak``: arguments (terms, address of two vectors, address of the result)."""
    module = ir.Module("peak")
    e = Emitter(module, "peak")
    b = e.builder
    kind = vector(F32, lanes)
    operands, result = e.pointer(e.argument(1)), e.pointer(e.argument(2))
    x, y = e.load(operands, kind), e.load(operands, kind, 4 * lanes)
    sums = [e.slot(kind) for _ in range(CHAINS)]
    for slot in sums:
        b.store(constant(kind, 0.0), slot)
    with e.loop(0, e.argument(0)):
        for slot in sums:
            acc = b.load(slot, typ=kind)
            b.store(e.call("llvm.fma", x, y, acc) if fused else b.fadd(b.fmul(x, y), acc), slot)
    for i, slot in enumerate(sums):
        e.store(b.load(slot, typ=kind), result, 4 * lanes * i)
    e.finish()
    return str(module)


@lru_cache(maxsize=1)
def _peak():
    # x86 processors without the instruction would call a library function instead.
    fused = "fma" in cpu_features() or platform.machine().lower() not in ("x86_64", "amd64")
    return Function(peak_module(_lanes(), fused), "peak", 3)


def multiply_adds(threads: int) -> int:
    """Run float32 multiply-adds on every thread, and return how many."""
    lanes, function = _lanes(), _peak()
    operands = np.full((2, lanes), 0.5, np.float32)
    results = [np.empty((CHAINS, lanes), np.float32) for _ in range(threads)]
    run_all([partial(function, TERMS, address(operands), address(out)) for out in results])
    return threads * TERMS * CHAINS * lanes


@lru_cache(maxsize=1)
def _words() -> np.ndarray:
    return np.ones(WORDS, np.float32)


def read(threads: int) -> int:
    """Read memory beyond the caches, shared out to the threads, and return how many bytes."""
    words = _words()
    run_all([partial(magnitude_range, words[first:last]) for first, last in shares(WORDS, threads)])
    return words.nbytes
