"""What the vector units and the memory reach at most: loops of independent operations and nothing else."""

from __future__ import annotations

import platform
from functools import lru_cache, partial

import numpy as np
from llvmlite import ir

from golden.kernels.calls import Function, address
from golden.kernels.emit import F32, Emitter, Value, constant, vector
from golden.kernels.functions import magnitude_range
from golden.kernels.jit import cpu_features
from golden.kernels.pool import run_all
from golden.kernels.products import shares

__all__ = ["Operations", "multiply_adds", "peak_module", "read", "repeated"]

CHAINS = 12
"""Independent sums: more than a multiply-add's latency times two, and they fit 16 registers beside the operands."""
TERMS = 400_000
WORDS = 16 << 20

Operations = tuple[int, int]
"""Vector operations of a product: in floating point, and on bits or integers."""


def _lanes() -> int:
    features = cpu_features()
    if "sse2" in features and "avx" not in features:
        return 4
    return 16 if "avx512f" in features else 8


def peak_module(lanes: int, fused: bool, operations: Operations = (1, 0)) -> str:
    """LLVM IR of ``peak``: arguments (terms, address of x, y, all bits, zeros and ones, vectors all; of the result).

    A term applies the operations to each sum, floating point and bits in turn, as they are spread over the ports; none
    changes its value beyond adding x y for each in floating point.
    """
    module = ir.Module("peak")
    e = Emitter(module, "peak")
    b = e.builder
    kind = vector(F32, lanes)
    operands, result = e.pointer(e.argument(1)), e.pointer(e.argument(2))
    x, y, ones, zeros, unit = (e.load(operands, kind, 4 * lanes * i) for i in range(5))
    sums = [e.slot(kind) for _ in range(CHAINS)]
    for slot in sums:
        b.store(constant(kind, 0.0), slot)

    def float_step(acc: Value) -> Value:
        # Two steps multiply the sum: the compiler would take x y out of the loop.
        return e.call("llvm.fma", x, y, acc) if fused else b.fadd(b.fmul(acc, unit), b.fmul(x, y))

    def bit_step(acc: Value, index: int) -> Value:
        # Of two kinds in turn, and with operands that the compiler does not know: it cannot join neighbours.
        bits = e.integer(acc)
        return e.floating(b.add(bits, e.integer(zeros)) if index % 2 else b.and_(bits, e.integer(ones)))

    with e.loop(0, e.argument(0)):
        for index in range(max(operations)):
            for slot in sums:
                acc = b.load(slot, typ=kind)
                if index < operations[0]:
                    acc = float_step(acc)
                if index < operations[1]:
                    acc = bit_step(acc, index)
                b.store(acc, slot)
    for i, slot in enumerate(sums):
        e.store(b.load(slot, typ=kind), result, 4 * lanes * i)
    e.finish()
    return str(module)


@lru_cache(maxsize=32)
def _peak(operations: Operations) -> Function:
    # x86 processors without the instruction would call a library function instead.
    fused = "fma" in cpu_features() or platform.machine().lower() not in ("x86_64", "amd64")
    return Function(peak_module(_lanes(), fused, operations), "peak", 3)


def repeated(operations: Operations, threads: int) -> int:
    """Apply the operations of a product again and again on every thread, and return to how many lanes."""
    lanes, function, terms = _lanes(), _peak(operations), TERMS // max(operations)
    operands = np.full((5, lanes), 0.5, np.float32)
    operands[2:].view(np.uint32)[:] = np.array([[0xFFFFFFFF], [0], [0x3F800000]], np.uint32)
    results = [np.empty((CHAINS, lanes), np.float32) for _ in range(threads)]
    run_all([partial(function, terms, address(operands), address(out)) for out in results])
    return threads * terms * CHAINS * lanes


def multiply_adds(threads: int) -> int:
    """Run float32 multiply-adds on every thread, and return how many."""
    return repeated((1, 0), threads)


@lru_cache(maxsize=1)
def _words() -> np.ndarray:
    return np.ones(WORDS, np.float32)


def read(threads: int) -> int:
    """Read memory beyond the caches, shared out to the threads, and return how many bytes."""
    words = _words()
    run_all([partial(magnitude_range, words[first:last]) for first, last in shares(WORDS, threads)])
    return words.nbytes
