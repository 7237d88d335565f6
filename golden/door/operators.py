"""Calls of torch that become contractions: a table from function to its replacement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from golden.door.contractions import Convolution, MatrixProduct
from golden.door.gradients import Rule, contract
from golden.errors import InvalidInput

__all__ = ["COVERED"]

MATRIX = MatrixProduct()


def _linear(rule: Rule, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: A002
    if weight.dim() == 1:
        return _matmul(rule, input, weight) if bias is None else _matmul(rule, input, weight) + bias
    rows = input.reshape(-1, input.shape[-1])
    return contract(MATRIX, rows, weight.t(), bias, rule).reshape(*input.shape[:-1], weight.shape[0])


def _matmul(rule: Rule, input: Tensor, other: Tensor) -> Tensor:  # noqa: A002
    if input.dim() == 0 or other.dim() == 0:
        raise InvalidInput("matmul takes operands of at least one dimension; multiply by a scalar with *")
    if input.dim() == 1:
        return _matmul(rule, input[None], other)[..., 0, :] if other.dim() > 1 else _dot(rule, input, other)
    if other.dim() == 1:
        return _matmul(rule, input, other[:, None])[..., 0]
    if other.dim() == 2:
        return contract(MATRIX, input.reshape(-1, input.shape[-1]), other, None, rule).reshape(
            *input.shape[:-1], other.shape[1]
        )
    batch = torch.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    x = input.expand(*batch, *input.shape[-2:]).reshape(-1, *input.shape[-2:])
    y = other.expand(*batch, *other.shape[-2:]).reshape(-1, *other.shape[-2:])
    return contract(MATRIX, x, y, None, rule).reshape(*batch, input.shape[-2], other.shape[-1])


def _dot(rule: Rule, input: Tensor, tensor: Tensor) -> Tensor:  # noqa: A002
    return _matmul(rule, input[None], tensor[:, None])[0, 0]


def _addmm(rule: Rule, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:  # noqa: A002
    if beta == 1 and alpha == 1 and input.dim() == 1 and input.shape[0] == mat2.shape[1]:
        return contract(MATRIX, mat1, mat2, input, rule)
    return beta * input + alpha * _matmul(rule, mat1, mat2)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    values = tuple(int(v) for v in value)
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])


def _conv2d(
    rule: Rule,
    input: Tensor,  # noqa: A002
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    if input.dim() == 3:
        return _conv2d(rule, input[None], weight, bias, stride, padding, dilation, groups)[0]
    gaps = _pair(dilation)
    if isinstance(padding, str):
        x, pads = _pad_by_name(input, padding, weight.shape[2:], gaps)
    else:
        x, pads = input, _pair(padding)
    return contract(Convolution(_pair(stride), pads, gaps, groups), x, weight, bias, rule)


def _pad_by_name(x: Tensor, padding: str, window: Sequence[int], gaps: Sequence[int]) -> tuple[Tensor, tuple[int, int]]:
    if padding == "valid":
        return x, (0, 0)
    # "same": gap * (size - 1) zeros in all, the odd one at the end
    total = [gap * (size - 1) for gap, size in zip(gaps, window, strict=True)]
    odd = [t % 2 for t in total]
    if any(odd):
        x = functional.pad(x, (0, odd[1], 0, odd[0]))
    return x, (total[0] // 2, total[1] // 2)


COVERED: dict[Any, Callable[..., Tensor]] = {
    functional.linear: _linear,
    torch.conv2d: _conv2d,
    torch.matmul: _matmul,
    torch.linalg.matmul: _matmul,
    torch.Tensor.matmul: _matmul,
    torch.Tensor.__matmul__: _matmul,
    torch.Tensor.__rmatmul__: lambda rule, this, other: _matmul(rule, other, this),
    torch.mm: _matmul,
    torch.Tensor.mm: _matmul,
    torch.bmm: _matmul,
    torch.Tensor.bmm: _matmul,
    torch.addmm: _addmm,
    torch.Tensor.addmm: _addmm,
}
"""Function of torch -> ``replacement(rule, *args, **kwargs)`` with the function's own parameters."""
