"""Sums of products in sequence: matrix products and convolutions on a multiplier, bit for bit.

acc = bias (or +0); for k in order: acc = add(acc, mul(a_k, w_k)), where add is IEEE 754 binary32 with subnormals.
"""

from __future__ import annotations

import math
import sys
from functools import cache
from typing import Any

import numpy as np

from golden import kernels
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, whole_numbers
from golden.errors import InvalidInput, InvalidType
from golden.kernels.cuda.dispatch import on_device
from golden.multiply import float32_array, require_float32_words
from golden.registry import check_choice

__all__ = ["conv1d", "conv2d", "linear", "matmul"]

ACCUMULATORS = ("float32", "float64")


def matmul(
    a: Any,
    w: Any,
    multiplier: str | Multiplier = "ax-fpm",
    bias: Any = None,
    accumulate: str = "float32",
) -> Any:
    """Matrix product of activations and weights on a multiplier.

    Parameters
    ----------
    a : ndarray or tensor of float32, shape (..., M, K)
        Activations.
    w : ndarray or tensor of float32, shape (..., K, N)
        Weights. Leading dimensions of both broadcast against each other.
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier.
    bias : ndarray or tensor of float32, shape (N,), optional
        Added first (``float32``) or last (``float64``).
    accumulate : str
        ``float32``: the hardware, every addition rounded; ``float64``: products added exactly as float64 values in the
        same order, one rounding to float32 at the end.

    Returns
    -------
    ndarray or tensor of float32, shape (..., M, N)
        The same kind as ``a``, on its device: the CPU or an NVIDIA GPU, where results are the same bits. K = 0 gives
        the bias; NaN results are 0x7FC00000.

    Raises
    ------
    InvalidType
        (a TypeError) If an operand is not float32, on another device, or of another kind than ``a``.
    InvalidInput
        (a ValueError) If shapes do not fit, a name is unknown, or no kernel of the device computes the multiplier.
    MissingTool
        If operands are on a GPU and Triton is not installed.
    """
    m = require_float32_words(look_up(multiplier))
    check_choice("unknown accumulate", accumulate, ACCUMULATORS)
    _check_kinds(a, w=w, bias=bias)
    x, y = _as_operand(a, "a"), _as_operand(w, "w")
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise InvalidInput(f"matmul takes shapes (..., M, K) and (..., K, N), not {_shown(x)} and {_shown(y)}")
    start = _as_bias(bias, y.shape[-1])
    if y.ndim == 2:
        if x.ndim == 2:
            return _same_kind(kernels.matmul(x, y, start, m, accumulate), a)
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return _same_kind(kernels.matmul(rows, y, start, m, accumulate).reshape(*x.shape[:-1], y.shape[-1]), a)
    try:
        lead = np.broadcast_shapes(tuple(x.shape[:-2]), tuple(y.shape[:-2]))
    except ValueError:
        raise InvalidInput(f"the leading dimensions of {_shown(x)} and {_shown(y)} do not broadcast") from None
    x, y = _broadcast(x, lead), _broadcast(y, lead)
    return _same_kind(kernels.matmul(x, y, start, m, accumulate), a)


def linear(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    multiplier: str | Multiplier = "ax-fpm",
    accumulate: str = "float32",
) -> Any:
    """x weight^T + bias on a multiplier, as ``torch.nn.functional.linear``.

    Parameters
    ----------
    x : ndarray or tensor of float32, shape (..., K)
        Activations.
    weight : ndarray or tensor of float32, shape (N, K)
        Weights.
    bias : ndarray or tensor of float32, shape (N,), optional
        Added first (``float32``) or last (``float64``).
    multiplier, accumulate
        As for ``matmul``.

    Returns
    -------
    ndarray or tensor of float32, shape (..., N)
        The same kind as ``x``.

    Raises
    ------
    InvalidType, InvalidInput, MissingTool
        As for ``matmul``.
    """
    if x.ndim < 1 or weight.ndim != 2 or x.shape[-1] != weight.shape[1]:
        raise InvalidInput(f"linear takes (..., K) and (N, K), not {tuple(x.shape)} and {tuple(weight.shape)}")
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out = matmul(rows, weight.T, multiplier, bias, accumulate)
    return out.reshape(*x.shape[:-1], weight.shape[0])


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    multiplier: str | Multiplier = "ax-fpm",
    accumulate: str = "float32",
) -> Any:
    """One-dimensional convolution (cross-correlation, as in torch) on a multiplier.

    Parameters
    ----------
    x : ndarray or tensor of float32, shape (B, C, L)
        Activations.
    weight : ndarray or tensor of float32, shape (O, C / groups, S)
        Weights.
    bias : ndarray or tensor of float32, shape (O,), optional
        Added first (``float32``) or last (``float64``).
    stride, padding, dilation, groups, multiplier, accumulate
        As for ``conv2d``.

    Returns
    -------
    ndarray or tensor of float32, shape (B, O, L')
        The same kind as ``x``.

    Raises
    ------
    InvalidType, InvalidInput, MissingTool
        As for ``conv2d``.
    """
    if x.ndim != 3 or weight.ndim != 3:
        raise InvalidInput(
            f"conv1d takes (B, C, L) and (O, C / groups, S), not {tuple(x.shape)} and {tuple(weight.shape)}"
        )
    out = conv2d(
        x[:, :, None],
        weight[:, :, None],
        bias,
        stride=(1, stride),
        padding=(0, padding),
        dilation=(1, dilation),
        groups=groups,
        multiplier=multiplier,
        accumulate=accumulate,
    )
    return out[:, :, 0]


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    multiplier: str | Multiplier = "ax-fpm",
    accumulate: str = "float32",
) -> Any:
    """Two-dimensional convolution (cross-correlation, as in torch) on a multiplier.

    Parameters
    ----------
    x : ndarray or tensor of float32, shape (B, C, H, W)
        Activations.
    weight : ndarray or tensor of float32, shape (O, C / groups, R, S)
        Weights.
    bias : ndarray or tensor of float32, shape (O,), optional
        Added first (``float32``) or last (``float64``).
    stride, padding, dilation : int or pair of int
        As in torch; padding is a real +0 operand, multiplied and added in order.
    groups : int
        Divides C and O.
    multiplier, accumulate
        As for ``matmul``.

    Returns
    -------
    ndarray or tensor of float32, shape (B, O, H', W')
        The same kind as ``x``. The sum runs over (input channel, kernel row, kernel column).

    Raises
    ------
    InvalidType
        (a TypeError) If an operand is not float32, on another device, or of another kind than ``x``.
    InvalidInput
        (a ValueError) If shapes or settings do not fit, a name is unknown, or no kernel of the device computes the
        multiplier.
    MissingTool
        If operands are on a GPU and Triton is not installed.
    """
    m = require_float32_words(look_up(multiplier))
    check_choice("unknown accumulate", accumulate, ACCUMULATORS)
    _check_kinds(x, weight=weight, bias=bias)
    image, kernel = _as_operand(x, "x"), _as_operand(weight, "weight")
    steps = _pair("stride", stride, 1)
    pads = _pair("padding", padding, 0)
    gaps = _pair("dilation", dilation, 1)
    groups = check_count("groups", groups)
    if image.ndim != 4 or kernel.ndim != 4:
        raise InvalidInput(
            f"conv2d takes (B, C, H, W) and (O, C / groups, R, S), not {_shown(image)} and {_shown(kernel)}"
        )
    if kernel.shape[0] % groups or image.shape[1] != groups * kernel.shape[1]:
        raise InvalidInput(
            f"groups={groups} does not fit {image.shape[1]} input channels and weights of shape {_shown(kernel)}"
        )
    if 0 in kernel.shape[2:]:
        raise InvalidInput(f"a kernel of {kernel.shape[2]} x {kernel.shape[3]} has no weights; it takes 1 x 1 at least")
    reach = [gap * (size - 1) + 1 for gap, size in zip(gaps, kernel.shape[2:], strict=True)]
    if any(size + 2 * pad < r for size, pad, r in zip(image.shape[2:], pads, reach, strict=True)):
        raise InvalidInput(f"a {reach[0]} x {reach[1]} window does not fit the padded input of shape {_shown(image)}")
    start = _as_bias(bias, kernel.shape[0])
    # Steps beyond the input stay in it, as do gaps of single weights: kernels lay out memory by them.
    room = [size + 2 * pad - r + 1 for size, pad, r in zip(image.shape[2:], pads, reach, strict=True)]
    steps = min(steps[0], room[0]), min(steps[1], room[1])
    gaps = (gaps[0] if kernel.shape[2] > 1 else 1, gaps[1] if kernel.shape[3] > 1 else 1)
    out = kernels.conv2d(image, kernel, start, steps, pads, gaps, groups, m, accumulate)
    return _same_kind(out, x)


def _pair(name: str, value: int | tuple[int, int], least: int) -> tuple[int, int]:
    first, second = whole_numbers(name, value, 2, least)
    return first, second


def _shown(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


def _broadcast(x: Any, lead: tuple[int, ...]) -> Any:
    shape = (*lead, *x.shape[-2:])
    return np.broadcast_to(x, shape) if isinstance(x, np.ndarray) else x.expand(shape)


def _as_operand(value: Any, name: str) -> Any:
    """An array, or a tensor for the GPU's kernels."""
    if _is_tensor(value):
        device = on_device(value, name)
        if value.dtype != sys.modules["torch"].float32:
            dtype = str(value.dtype).removeprefix("torch.")
            raise InvalidType(
                f"{name} has dtype {dtype}, and products are defined on float32; convert it with .float()"
            )
        value = value.detach() if value.requires_grad else value
        value = value.resolve_neg() if value.is_neg() else value
        return value if device else value.numpy()
    array = float32_array(value, name)
    # Fields of records have strides that are no multiples of their size.
    return np.ascontiguousarray(array) if any(step % array.itemsize for step in array.strides) else array


def _check_kinds(like: Any, **others: Any) -> None:
    for name, value in others.items():
        if isinstance(value, str):
            option = "accumulate" if value in ACCUMULATORS else "multiplier"
            raise InvalidType(f"{name} is the text {value!r}; by its name that is {option}={value!r}")
        if value is not None and _is_tensor(value) != _is_tensor(like):
            kinds = ["a tensor" if _is_tensor(v) else "not a tensor" for v in (like, value)]
            raise InvalidType(f"the activations are {kinds[0]} and {name} is {kinds[1]}; convert one of them")
        if value is not None and _is_tensor(value) and value.device != like.device:
            raise InvalidType(f"the activations are on {like.device} and {name} is on {value.device}; move one of them")


def _as_bias(bias: Any, size: int) -> Any:
    if bias is None:
        return None
    array = _as_operand(bias, "bias")
    if array.shape != (size,):
        raise InvalidInput(f"the bias has shape {_shown(array)}, and {size} outputs need ({size},)")
    return array


def _is_tensor(value: Any) -> bool:
    return _is_tensor_class(type(value))


@cache
def _is_tensor_class(kind: type) -> bool:
    # Without importing torch for NumPy users: a tensor's class is torch's own or derived from it.
    return any(base.__module__.partition(".")[0] == "torch" for base in kind.__mro__[:-1])


def _same_kind(out: Any, like: Any) -> Any:
    if _is_tensor(like) and isinstance(out, np.ndarray):
        import torch

        return torch.from_numpy(out)
    return out
