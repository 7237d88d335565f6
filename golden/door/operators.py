"""Calls of torch that become contractions: a table from function to its replacement.

Every replacement takes a rule and then the function's own arguments. Left operands are activations.
"""

# ruff: noqa: A002 - parameters keep torch's names, so that keyword arguments arrive

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from golden.door.contractions import Convolution, MatrixProduct
from golden.door.einsum import Contracted, parse
from golden.door.gradients import contract
from golden.door.rules import Rule
from golden.errors import InvalidInput, InvalidType

__all__ = ["COVERED", "OPENED"]

MATRIX = MatrixProduct()


def _linear(rule: Rule, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    # y = x W^T: k runs over the input features
    if weight.dim() == 1:
        y = _matmul(rule, input, weight)
        return y if bias is None else y + bias
    rows = _rows(input)
    return contract(MATRIX, rows, weight.t(), bias, rule).reshape(*input.shape[:-1], weight.shape[0])


def _rows(x: Tensor) -> Tensor:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _matmul(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
    for x in (input, other):
        if not isinstance(x, Tensor) or x.dim() == 0:
            raise InvalidType("a matrix product takes two tensors of at least one dimension; multiply scalars with *")
    if input.dim() == 1:
        return _matmul(rule, input[None], other)[..., 0, :] if other.dim() > 1 else _dot(rule, input, other)
    if other.dim() == 1:
        return _matmul(rule, input, other[:, None])[..., 0]
    if other.dim() == 2:
        return contract(MATRIX, _rows(input), other, None, rule).reshape(*input.shape[:-1], other.shape[1])
    batch = torch.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    x = input.expand(*batch, *input.shape[-2:]).reshape(math.prod(batch), *input.shape[-2:])
    y = other.expand(*batch, *other.shape[-2:]).reshape(math.prod(batch), *other.shape[-2:])
    return contract(MATRIX, x, y, None, rule).reshape(*batch, input.shape[-2], other.shape[-1])


def _strict(dimensions: tuple[int, int], name: str) -> Callable[..., Tensor]:
    """Return matmul for operands of given dimensions only, as torch's named variants have it."""

    def replacement(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
        if (input.dim(), other.dim()) != dimensions:
            raise InvalidInput(
                f"{name} takes tensors of {dimensions[0]} and {dimensions[1]} dimensions, not {input.dim()} and "
                f"{other.dim()}; use matmul to broadcast"
            )
        return _matmul(rule, input, other)

    return replacement


_mm, _bmm, _mv = _strict((2, 2), "mm"), _strict((3, 3), "bmm"), _strict((2, 1), "mv")


def _dot(rule: Rule, input: Tensor, tensor: Tensor) -> Tensor:
    return _matmul(rule, input[None], tensor[:, None])[0, 0]


def _inner(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
    if input.dim() == 0 or other.dim() == 0:
        return input * other
    return _tensordot(rule, input, other, ([-1], [-1]))


def _adding(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return beta * input + alpha * product, scaled and added exactly after the product."""

    def replacement(
        rule: Rule, input: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
    ) -> Tensor:
        y = product(rule, left, right)
        y = y if alpha == 1 else alpha * y
        return y if beta == 0 else y + (input if beta == 1 else beta * input)

    return replacement


_add_mm = _adding(_mm)


def _addmm(rule: Rule, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    if beta == 1 and alpha == 1 and mat1.dim() == 2 and input.shape == mat2.shape[1:]:
        return contract(MATRIX, mat1, mat2, input, rule)  # a bias, the sum's first term, as in linear
    return _add_mm(rule, input, mat1, mat2, beta=beta, alpha=alpha)


def _contracted(rule: Rule, plan: Contracted, a: Tensor, b: Tensor) -> Tensor:
    """(batch, left, k) x (batch, k, right), each a group of dimensions, and the result in the order asked for."""
    batch, left, k = ([a.shape[i] for i in dims] for dims in (plan.batch_a, plan.left, plan.k_a))
    right = [b.shape[i] for i in plan.right]
    x = a.permute(*plan.batch_a, *plan.left, *plan.k_a).reshape(math.prod(batch), math.prod(left), math.prod(k))
    y = b.permute(*plan.batch_b, *plan.k_b, *plan.right).reshape(math.prod(batch), math.prod(k), math.prod(right))
    product = contract(MATRIX, x, y, None, rule) if batch else contract(MATRIX, x[0], y[0], None, rule)
    return product.reshape(*batch, *left, *right).permute(*plan.order)


def _tensordot(rule: Rule, a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        dims = (range(a.dim() - dims, a.dim()), range(dims))
    k_a, k_b = ([dim % x.dim() for dim in chosen] for x, chosen in zip((a, b), dims, strict=True))
    if [a.shape[i] for i in k_a] != [b.shape[i] for i in k_b]:
        raise InvalidInput(
            f"tensordot cannot contract dimensions {k_a} of {tuple(a.shape)} and {k_b} of {tuple(b.shape)}"
        )
    left, right = ([i for i in range(x.dim()) if i not in k] for x, k in ((a, k_a), (b, k_b)))
    return _contracted(rule, Contracted((), (), left, right, k_a, k_b, range(len(left) + len(right))), a, b)


def _einsum(rule: Rule, equation: Any, *operands: Any) -> Tensor:
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    plan = parse(equation, [x.shape for x in operands if isinstance(x, Tensor)])
    if plan is None:
        return torch.einsum(equation, *operands)
    return _contracted(rule, plan, *operands)


def _numbers(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(int(v) for v in value)
    return values * count if len(values) == 1 else values


def _convolve(dimensions: int) -> Callable[..., Tensor]:
    def replacement(
        rule: Rule,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        if weight.dim() != dimensions + 2 or input.dim() not in (dimensions + 1, dimensions + 2):
            raise InvalidInput(
                f"conv{dimensions}d cannot take an input of shape {tuple(input.shape)} and weights of shape "
                f"{tuple(weight.shape)}"
            )
        gaps = _numbers(dilation, dimensions)
        x = input if input.dim() == dimensions + 2 else input[None]
        if isinstance(padding, str):
            x, pads = _pad_by_name(x, padding, weight.shape[2:], gaps)
        else:
            pads = _numbers(padding, dimensions)
        steps = _numbers(stride, dimensions)
        if dimensions == 1:  # one row of an image
            operation = Convolution((1, steps[0]), (0, pads[0]), (1, gaps[0]), groups)
            y = contract(operation, x.unsqueeze(-2), weight.unsqueeze(-2), bias, rule).squeeze(-2)
        else:
            y = contract(Convolution(steps, pads, gaps, groups), x, weight, bias, rule)  # type: ignore[arg-type]
        return y if input.dim() == dimensions + 2 else y[0]

    return replacement


def _pad_by_name(x: Tensor, padding: str, window: Sequence[int], gaps: Sequence[int]) -> tuple[Tensor, tuple[int, ...]]:
    if padding == "valid":
        return x, (0,) * len(window)
    if padding != "same":
        raise InvalidInput(f"unknown padding {padding!r}; choose from same, valid, or give numbers")
    # gap * (size - 1) zeros in all along a dimension; of an odd number the last one goes to the end, as in torch
    total = [gap * (size - 1) for gap, size in zip(gaps, window, strict=True)]
    if any(t % 2 for t in total):
        x = functional.pad(x, [end for t in reversed(total) for end in (0, t % 2)])
    return x, tuple(t // 2 for t in total)


def _attention(
    rule: Rule,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    # softmax(Q K^T * scale + mask) V: queries, then attention weights, are the activations
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = _matmul(rule, query, key.mT) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        if attn_mask is not None:
            raise InvalidInput("scaled_dot_product_attention takes attn_mask or is_causal=True, not both")
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    weights = functional.dropout(scores.softmax(-1), dropout_p)
    return _matmul(rule, weights, value)


def _reversed(rule: Rule, this: Tensor, other: Tensor) -> Tensor:
    return _matmul(rule, other, this)


COVERED: dict[Any, Callable[..., Tensor]] = {
    functional.linear: _linear,
    torch.conv1d: _convolve(1),
    torch.conv2d: _convolve(2),
    functional.scaled_dot_product_attention: _attention,
    torch.matmul: _matmul,
    torch.linalg.matmul: _matmul,
    torch.Tensor.matmul: _matmul,
    torch.Tensor.__matmul__: _matmul,
    torch.Tensor.__rmatmul__: _reversed,
    torch.einsum: _einsum,
    torch.tensordot: _tensordot,
}
"""Function of torch -> ``replacement(rule, *args, **kwargs)`` with the function's own parameters."""

for _name, _replacement in {
    "mm": _mm,
    "bmm": _bmm,
    "mv": _mv,
    "dot": _dot,
    "vdot": _dot,
    "inner": _inner,
    "addmm": _addmm,
    "addmv": _adding(_mv),
    "baddbmm": _adding(_bmm),
}.items():
    COVERED[getattr(torch, _name)] = _replacement
    COVERED[getattr(torch.Tensor, _name)] = _replacement


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
