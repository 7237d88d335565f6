"""Kernels: sums of products in sequence, bit for bit, at the speeds that machines allow.

In: float32 arrays of any strides, a multiplier, an accumulator. Out: their matrix product or convolution. ``select``
names the kernel that would compute it; every kernel gives the same bits. In the order of the data:

1. ``dispatch`` chooses a body by multiplier, accumulator, operands and CPU; it and the compiler are imported when
   first used.
2. ``products`` and ``convolution`` cut the work into tasks and lay out memory (``geometry``); ``pool`` runs tasks on
   threads.
3. ``functions`` holds a body's compiled functions, ``calls`` calls them, one or a table of them, in the default
   floating-point ``environment``.
4. ``packing`` reads operands, once, into streams and finds the range of their exponents; ``tile`` is the loop over
   tiles of sums around a body's products.
5. ``bodies`` has one file for each way to compute a product in vector registers, with the derivation of its
   arithmetic.

6. ``cuda`` is all of it again, for tensors on a GPU.

``emit`` writes LLVM IR and ``jit`` compiles and keeps it. ``plain`` is the same in NumPy, for everything and to be
held against; ``peaks`` measures what the machine allows at most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from golden.kernels.dispatch import conv2d, matmul, select

__all__ = ["GPU_KERNELS", "KERNELS", "conv2d", "matmul", "select"]

KERNELS = ("avx512", "avx2", "portable", "tables", "plain")
"""Names that AXFPM_KERNEL accepts for arrays and tensors on the CPU, fastest first."""
GPU_KERNELS = ("cuda-lanes", "cuda-integer")
"""Those that it accepts for tensors on a GPU."""


def __getattr__(name: str) -> Any:
    if name not in ("conv2d", "matmul", "select"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module("golden.kernels.dispatch"), name)
    return globals()[name]
