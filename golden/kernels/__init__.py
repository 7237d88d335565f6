"""Kernels: sums of products in sequence, bit for bit, at the speeds that machines allow.

``select`` chooses one by multiplier, accumulation, operands and CPU; every kernel gives the same bits. ``dispatch`` and
with it the compiler are imported when first used.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from golden.kernels.dispatch import conv2d, matmul, select

__all__ = ["KERNELS", "conv2d", "matmul", "select"]

KERNELS = ("avx512", "avx2", "portable", "tables", "plain")
"""Names that AXFPM_KERNEL accepts, fastest first."""


@cache
def __getattr__(name: str) -> Any:
    if name not in ("conv2d", "matmul", "select"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("golden.kernels.dispatch"), name)
