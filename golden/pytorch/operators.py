"""Calls of torch that become contractions: a table from function to its replacement."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from golden.pytorch import matrices
from golden.pytorch.attention import attention
from golden.pytorch.convolutions import convolve

__all__ = ["COVERED", "OPENED", "SIGNS"]


COVERED: dict[Any, Callable[..., Tensor]] = {
    functional.linear: matrices.linear,
    torch.conv1d: convolve(1),
    torch.conv2d: convolve(2),
    functional.scaled_dot_product_attention: attention,
    torch.matmul: matrices.matmul,
    torch.linalg.matmul: matrices.matmul,
    torch.linalg.vecdot: matrices.vecdot,
    torch.Tensor.matmul: matrices.matmul,
    torch.Tensor.__matmul__: matrices.matmul,
    torch.Tensor.__rmatmul__: matrices.rmatmul,
    torch.einsum: matrices.einsum,
    torch.tensordot: matrices.tensordot,
    torch._grouped_mm: matrices.grouped_mm,  # pyright: ignore[reportPrivateImportUsage] - what functional.grouped_mm calls
}
"""Function of torch -> ``replacement(rule, *args, **kwargs)`` with the function's own parameters."""

for _name, _replacement in {
    "mm": matrices.mm,
    "bmm": matrices.bmm,
    "mv": matrices.mv,
    "dot": matrices.dot,
    "vdot": matrices.vdot,
    "inner": matrices.inner,
    "addmm": matrices.addmm,
    "addmv": matrices.addmv,
    "baddbmm": matrices.baddbmm,
}.items():
    COVERED[getattr(torch, _name)] = _replacement
    COVERED[getattr(torch.Tensor, _name)] = _replacement


SIGNS = frozenset((torch.Tensor.matmul, torch.Tensor.__matmul__, torch.Tensor.__rmatmul__))
"""Functions behind ``@``, of which Python hides any TypeError; torch hands ``@`` over as ``Tensor.matmul``."""


def _opened(function: FunctionType) -> FunctionType:
    """Return a function of torch whose body runs although a mode is active, so that the mode sees the calls inside.

    Functions written in Python hand themselves to an active mode as a whole, and every call of them inside the mode
    would do so again. The copy shares the code; only its tests for an active mode answer no.
    """
    never = dict.fromkeys(
        ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"), lambda *_: False
    )
    copy = FunctionType(
        function.__code__,
        {**function.__globals__, **never},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


OPENED: dict[Any, Callable[..., Any]] = {
    function: _opened(function)
    for function in (
        functional.multi_head_attention_forward,
        torch.Tensor.backward,
        torch.autograd.backward,
        torch.autograd.grad,
    )
}
"""Function of torch -> the same, with its body visible to the mode. Backward passes may recompute checkpoints."""
