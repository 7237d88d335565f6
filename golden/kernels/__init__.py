"""Kernels: sums of products in sequence, bit for bit, at the speeds that machines allow.

``select`` chooses one by multiplier, accumulation, operands and CPU; every kernel gives the same bits.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InvalidInput

if TYPE_CHECKING:
    from golden.catalogue import Multiplier
    from golden.kernels.body import Body, Range
    from golden.kernels.weights import WeightCache

__all__ = ["KERNELS", "conv2d", "matmul", "select"]

KERNELS = ("avx512", "avx2", "portable", "tables", "plain")
"""Names that AXFPM_KERNEL accepts, fastest first."""


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
    if forced is not None and forced not in KERNELS:
        raise InvalidInput(f"AXFPM_KERNEL={forced!r} names no kernel; choose from {', '.join(KERNELS)}")
    if forced == "plain":
        return ()
    from golden.kernels.bodies import BODIES
    from golden.kernels.jit import cpu_features

    usable = _usable(m, BODIES, cpu_features())
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
    bodies: tuple[Body, ...], accumulate: str, a: Range | None, b: Range | None, bias: np.ndarray | None
) -> type[Body] | None:
    from golden.kernels.body import Range

    a, b = a or Range(110, 140), b or Range(110, 140)
    signed = accumulate == "float32" and bias is not None and bool((bias.view(np.uint32) == 0x80000000).any())
    for body in bodies:
        if body.covers(a, b) and (body.signs_zeros or not signed):
            return type(body)
    return None


@lru_cache(maxsize=256)
def _usable(m: Multiplier, bodies: tuple[type[Body], ...], features: frozenset[str]) -> tuple[Body, ...]:
    from golden.kernels.body import instance

    return tuple(instance(body, m) for body in bodies if body.accepts(m) and body.features <= features)


@cache
def _weights() -> WeightCache:
    from golden.kernels.weights import WeightCache

    return WeightCache()


def matmul(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, m: Multiplier, accumulate: str, *, keep: bool = True
) -> np.ndarray:
    """(M, K) x (K, N) -> (M, N), float32, any strides; the bias of shape (N,) or None.

    ``keep`` says whether the packed weights are likely to be of use again.
    """
    bodies = _bodies(m)
    if not bodies:
        return _plain("matmul", x, w, bias, m, accumulate)
    from golden.kernels import products
    from golden.kernels.functions import functions, magnitude_range
    from golden.kernels.weights import contiguous

    if not keep:
        body = _choose(bodies, accumulate, magnitude_range(contiguous(x)), magnitude_range(contiguous(w)), bias)
        assert body is not None
        f = functions(body, m, False, accumulate, len(x))
        return products.matmul(f, x, products.pack_matmul(f, w), bias, accumulate)
    entry = _weights().entry(w)
    body = _choose(bodies, accumulate, magnitude_range(contiguous(x)), entry.range, bias)
    assert body is not None
    f = functions(body, m, False, accumulate, len(x))
    # Panels of lanes are the same for any size of groups and either accumulator.
    packed = _weights().packed(entry, (body, m, f.body.derived), lambda: products.pack_matmul(f, entry.weights))
    return products.matmul(f, x, packed, bias, accumulate)


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    m: Multiplier,
    accumulate: str,
) -> np.ndarray:
    """(B, C, H, W) * (O, C / groups, R, S) -> (B, O, H', W'), float32; k runs over input channel, row, column."""
    settings = (stride, padding, dilation, groups)
    bodies = _bodies(m)
    if not bodies:
        return _plain("conv2d", x, weight, bias, *settings, m, accumulate)
    from golden.kernels import convolution
    from golden.kernels.functions import functions, magnitude_range
    from golden.kernels.weights import contiguous

    entry = _weights().entry(weight)
    body = _choose(bodies, accumulate, magnitude_range(contiguous(x)), entry.range, bias)
    assert body is not None
    f = functions(body, m, True, accumulate, len(weight) // groups)
    packed = _weights().packed(entry, (f, groups), lambda: convolution.pack_conv(f, entry.weights, groups))
    return convolution.conv2d(f, x, weight.shape, packed, bias, *settings, accumulate)


def _plain(name: str, *arguments: object) -> np.ndarray:
    from golden.kernels import plain
    from golden.kernels.environment import default_environment

    with default_environment(), np.errstate(all="ignore"):
        out = getattr(plain, name)(*arguments)
    out[np.isnan(out)] = np.uint32(0x7FC00000).view(np.float32)
    return out
