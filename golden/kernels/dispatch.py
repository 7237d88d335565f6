"""Which kernel computes a call: by multiplier, accumulation, operands and CPU."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.kernels import GPU_KERNELS, KERNELS, bodies, convolution, plain, products
from golden.kernels.bodies.body import Body, Range, instance
from golden.kernels.cuda import dispatch as cuda
from golden.kernels.environment import default_environment
from golden.kernels.functions import Functions, functions, magnitude_range
from golden.kernels.jit import cpu_features
from golden.registry import did_you_mean

__all__ = ["conv2d", "matmul", "select"]


def select(
    m: Multiplier,
    accumulate: str,
    a: Range | None = None,
    b: Range | None = None,
    bias: np.ndarray | None = None,
) -> type[Body] | None:
    """Choose how to compute sums of products.

    Parameters
    ----------
    m : Multiplier
        The multiplier.
    accumulate : str
        ``float32`` or ``float64``.
    a, b : Range, optional
        Exponent ranges of the activations and of the weights; without them, the choice for ordinary operands.
    bias : ndarray of float32, optional
        Where float32 sums start.

    Returns
    -------
    type of Body or None
        The body of a compiled kernel, or None for the plain one.

    Raises
    ------
    InvalidInput
        If AXFPM_KERNEL names no kernel, or one that cannot run this multiplier, or not on this CPU.
    """
    return _choose(_bodies(m), accumulate, a, b, bias)


def _bodies(m: Multiplier) -> tuple[Body, ...]:
    """What may compute products of a multiplier, in order of preference; nothing for the plain kernel."""
    forced = os.environ.get("AXFPM_KERNEL") or None
    if forced in GPU_KERNELS:
        raise InvalidInput(f"the kernel {forced!r} runs on tensors on a GPU; unset AXFPM_KERNEL or choose another")
    if forced is not None and forced not in KERNELS:
        raise InvalidInput(f"AXFPM_KERNEL={forced!r} names no kernel; {did_you_mean(forced, KERNELS + GPU_KERNELS)}")
    if forced == "plain":
        return ()
    usable = _usable(m, bodies.BODIES, cpu_features())
    if forced is None:
        return usable
    named = [body for body in usable if body.kernel == forced]
    if not named:
        raise InvalidInput(
            f"the kernel {forced!r} cannot run {str(m)!r} on this CPU; unset AXFPM_KERNEL or choose another"
        )
    # Operands beyond the range of the named kernel go to the one that takes any.
    return (*named, *usable)


def _choose(
    usable: tuple[Body, ...], accumulate: str, a: Range | None, b: Range | None, bias: np.ndarray | None
) -> type[Body] | None:
    a, b = a or USUAL, b or USUAL
    signed = accumulate == "float32" and bias is not None and bool((bias.view(np.uint32) == 0x80000000).any())
    for body in usable:
        if body.covers(a, b) and (body.signs_zeros or not signed):
            return type(body)
    return None


USUAL = Range(110, 140)
"""Exponents of ordinary operands."""


class Choice:
    """The functions for a matrix product: at first for ordinary operands, then for those that packing has met.

    Parameters
    ----------
    usable : tuple of Body
        What may compute it, in order of preference.
    m, accumulate, bias
        Of the product.
    rows : int
        Rows of the activations.
    """

    def __init__(
        self, usable: tuple[Body, ...], m: Multiplier, accumulate: str, bias: np.ndarray | None, rows: int
    ) -> None:
        self._settings = usable, accumulate, bias
        self._functions = m, False, accumulate, rows

    def usual(self) -> Functions:
        """For ordinary operands."""
        return self.covering(USUAL, USUAL)

    def covering(self, a: Range, b: Range) -> Functions:
        """For activations and weights of these ranges."""
        usable, accumulate, bias = self._settings
        body = _choose(usable, accumulate, a, b, bias)
        assert body is not None
        return functions(body, *self._functions)


@lru_cache(maxsize=256)
def _usable(m: Multiplier, known: tuple[type[Body], ...], features: frozenset[str]) -> tuple[Body, ...]:
    return tuple(instance(body, m) for body in known if body.accepts(m) and body.features <= features)


def matmul(x: Any, w: Any, bias: Any, m: Multiplier, accumulate: str) -> Any:
    """(..., M, K) x (..., K, N) -> (..., M, N), float32, any strides; the bias of shape (N,) or None.

    Leading dimensions are the same on both sides. Arrays, or tensors for the GPU's kernels.
    """
    if not isinstance(x, np.ndarray):
        return cuda.matmul(x, w, bias, m, accumulate)
    usable = _bodies(m)
    if not usable:
        if x.ndim == 2:
            return _plain("matmul", x, w, bias, m, accumulate)
        out = np.empty((*x.shape[:-1], w.shape[-1]), np.float32)
        for place in np.ndindex(*x.shape[:-2]):
            out[place] = _plain("matmul", x[place], w[place], bias, m, accumulate)
        return out
    choice = Choice(usable, m, accumulate, bias, x.shape[-2])
    return (products.matmul if x.ndim == 2 else products.batched)(choice, x, w, bias, accumulate)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    m: Multiplier,
    accumulate: str,
) -> Any:
    """(B, C, H, W) * (O, C / groups, R, S) -> (B, O, H', W'), float32; k runs over input channel, row, column.

    Arrays, or tensors for the GPU's kernels.
    """
    if not isinstance(x, np.ndarray):
        return cuda.conv2d(x, weight, bias, stride, padding, dilation, groups, m, accumulate)
    settings = (stride, padding, dilation, groups)
    usable = _bodies(m)
    if not usable:
        return _plain("conv2d", x, weight, bias, *settings, m, accumulate)
    body = _choose(usable, accumulate, magnitude_range(x), magnitude_range(weight), bias)
    assert body is not None
    f = functions(body, m, True, accumulate, len(weight) // groups)
    return convolution.conv2d(f, x, weight, bias, *settings, accumulate)


def _plain(name: str, *arguments: object) -> np.ndarray:
    with default_environment(), np.errstate(all="ignore"):
        out = getattr(plain, name)(*arguments)
    out[np.isnan(out)] = np.uint32(0x7FC00000).view(np.float32)
    return out
