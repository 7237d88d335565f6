"""How often an operator of torch multiplies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils import flop_counter
from torch.utils._python_dispatch import TorchDispatchMode

from golden.door.state import issuing
from golden.door.vocabulary import sums_products

__all__ = ["multiplications"]

# Operators that multiply, or divide, once per element of their result.
_ELEMENTWISE_PRODUCTS = re.compile(r"(mul|div|square|pow)_?|_*(native_|cudnn_|fused_)?(batch|layer|group|rms)_norm.*")


def _trilinear(x: Tensor, w: Tensor, y: Tensor, *expanded: list[int]) -> int:
    # two multiplications per term x w y
    shapes = []
    for operand, dims in zip((x, w, y), expanded, strict=False):
        for dim in sorted(dims):
            operand = operand.unsqueeze(dim)
        shapes.append(operand.shape)
    return 2 * math.prod(torch.broadcast_shapes(*shapes))


def _attention(query: Tensor, key: Tensor, value: Tensor) -> int:
    return query.numel() * key.shape[-2] + math.prod(query.shape[:-1]) * key.shape[-2] * value.shape[-1]


_aten: Any = torch.ops.aten
_OWN: dict[Any, Callable[..., int]] = {
    _aten.mv: lambda matrix, vector: matrix.numel(),
    _aten.addmv: lambda start, matrix, vector, **_: matrix.numel(),
    _aten.addmv_: lambda start, matrix, vector, **_: matrix.numel(),
    _aten.addmm_: lambda start, left, right, **_: left.numel() * right.shape[-1],
    _aten.baddbmm_: lambda start, left, right, **_: left.numel() * right.shape[-1],
    _aten.addbmm: lambda start, left, right, **_: left.numel() * right.shape[-1],
    _aten.addbmm_: lambda start, left, right, **_: left.numel() * right.shape[-1],
    _aten.dot: lambda left, right: left.numel(),
    _aten.vdot: lambda left, right: left.numel(),
    _aten._trilinear: _trilinear,
    _aten._scaled_dot_product_flash_attention_for_cpu: lambda query, key, value, *_, **__: _attention(
        query, key, value
    ),
    # one layer in one direction: every step multiplies both matrices once per sequence
    _aten.mkldnn_rnn_layer: lambda x, of_input, of_hidden, *_, **__: (
        math.prod(x.shape[:-1]) * (of_input.numel() + of_hidden.numel())
    ),
}
"""Operator -> its multiplications, by its arguments; those that torch's own table of operations lacks."""


def multiplications(func: Any, args: Any, kwargs: Any, result: Any) -> int | None:
    """Return how often an operator multiplies; None where it sums products and nobody knows how many.

    Operators that torch defines by others, as they are in inference mode, count as those; they run once more for it.
    """
    packet = func._overloadpacket
    if packet in _OWN:
        return _OWN[packet](*args, **kwargs)
    if packet in flop_counter.flop_registry:
        return flop_counter.flop_registry[packet](*args, **kwargs, out_val=result) // 2
    if _ELEMENTWISE_PRODUCTS.fullmatch(func._schema.name.rpartition("::")[2]):
        return (result[0] if isinstance(result, (tuple, list)) else result).numel()
    if not sums_products(func):
        return 0
    if not func.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd):
        return None
    with issuing(), _Sum() as parts:
        func.decompose(*args, **kwargs)
    return parts.total


class _Sum(TorchDispatchMode):
    """Adds up the multiplications of everything that runs inside."""

    def __init__(self) -> None:
        super().__init__()
        self.total: int | None = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        count = multiplications(func, args, kwargs or {}, result)
        self.total = None if self.total is None or count is None else self.total + count
        return result
