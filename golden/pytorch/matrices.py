"""Matrix products of torch, in all their spellings, as contractions.

Every function takes a rule and then the arguments of torch's own. Left operands are activations.
"""

# ruff: noqa: A002 - parameters keep torch's names, so that keyword arguments arrive

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from golden.errors import InvalidInput, InvalidType
from golden.pytorch.contractions import MatrixProduct
from golden.pytorch.einsum import Contracted, parse
from golden.pytorch.gradients import contract
from golden.pytorch.rules import Rule

__all__ = [
    "addmm",
    "addmv",
    "baddbmm",
    "bmm",
    "dot",
    "einsum",
    "grouped_mm",
    "inner",
    "linear",
    "matmul",
    "mm",
    "mv",
    "rmatmul",
    "tensordot",
    "vdot",
    "vecdot",
]

MATRIX = MatrixProduct()


def linear(rule: Rule, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + bias: the sum runs over the input features."""
    if weight.dim() == 1:
        y = matmul(rule, input, weight)
        return y if bias is None else y + bias
    rows = _rows(input)
    return contract(MATRIX, rows, weight.t(), bias, rule).reshape(*input.shape[:-1], weight.shape[0])


def _rows(x: Tensor) -> Tensor:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def matmul(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
    """``torch.matmul``, which is ``@``: vectors, matrices and batches that broadcast."""
    for x in (input, other):
        if not isinstance(x, Tensor) or x.dim() == 0:
            raise InvalidType("a matrix product takes two tensors of at least one dimension; multiply scalars with *")
    if input.dim() == 1:
        return matmul(rule, input[None], other)[..., 0, :] if other.dim() > 1 else dot(rule, input, other)
    if other.dim() == 1:
        return matmul(rule, input, other[:, None])[..., 0]
    if other.dim() == 2:
        return contract(MATRIX, _rows(input), other, None, rule).reshape(*input.shape[:-1], other.shape[1])
    batch = torch.broadcast_shapes(input.shape[:-2], other.shape[:-2])
    x = input.expand(*batch, *input.shape[-2:]).reshape(math.prod(batch), *input.shape[-2:])
    y = other.expand(*batch, *other.shape[-2:]).reshape(math.prod(batch), *other.shape[-2:])
    return contract(MATRIX, x, y, None, rule).reshape(*batch, input.shape[-2], other.shape[-1])


def _named(function: Callable[..., Tensor], **names: str) -> Callable[..., Tensor]:
    """Return a function that takes keyword arguments by torch's names: torch's name -> the function's own."""

    def replacement(rule: Rule, *args: Any, **kwargs: Any) -> Tensor:
        return function(rule, *args, **{names.get(key, key): value for key, value in kwargs.items()})

    return replacement


def _strict(dimensions: tuple[int, int], name: str) -> Callable[..., Tensor]:
    """Return matmul for operands of given dimensions only, as torch's named variants have it."""

    def replacement(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
        if (input.dim(), other.dim()) != dimensions:
            raise InvalidInput(
                f"{name} takes tensors of {dimensions[0]} and {dimensions[1]} dimensions, not {input.dim()} and "
                f"{other.dim()}; use matmul to broadcast"
            )
        return matmul(rule, input, other)

    return replacement


mm = _named(_strict((2, 2), "mm"), mat2="other")
bmm = _named(_strict((3, 3), "bmm"), mat2="other")
mv = _named(_strict((2, 1), "mv"), vec="other")


def dot(rule: Rule, input: Tensor, tensor: Tensor) -> Tensor:
    """Multiply two vectors."""
    return matmul(rule, input[None], tensor[:, None])[0, 0]


vdot = _named(dot, other="tensor")


def vecdot(rule: Rule, x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Multiply vectors that lie along a dimension of two tensors, which broadcast."""
    a, b = (v.movedim(dim, -1) for v in torch.broadcast_tensors(x, y))
    return matmul(rule, a[..., None, :], b[..., None])[..., 0, 0]


def inner(rule: Rule, input: Tensor, other: Tensor) -> Tensor:
    """Multiply vectors that lie along the last dimensions, every one with every one."""
    if input.dim() == 0 or other.dim() == 0:
        return input * other
    return tensordot(rule, input, other, ([-1], [-1]))


def _adding(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return beta * input + alpha * product, scaled and added exactly after the product."""

    def replacement(
        rule: Rule, input: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
    ) -> Tensor:
        y = product(rule, left, right)
        y = y if alpha == 1 else alpha * y
        return y if beta == 0 else y + (input if beta == 1 else beta * input)

    return replacement


_add_mm = _adding(mm)
addmv = _named(_adding(mv), mat="left", vec="right")
baddbmm = _named(_adding(bmm), batch1="left", batch2="right")


def addmm(rule: Rule, input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * mat1 mat2; plainly and with a row for input, that is a bias."""
    if beta == 1 and alpha == 1 and mat1.dim() == 2 and input.shape == mat2.shape[1:]:
        return contract(MATRIX, mat1, mat2, input, rule)  # a bias, the sum's first term, as in linear
    return _add_mm(rule, input, mat1, mat2, beta=beta, alpha=alpha)


def _contracted(rule: Rule, plan: Contracted, a: Tensor, b: Tensor) -> Tensor:
    """(batch, left, k) x (batch, k, right), each a group of dimensions, and the result in the order asked for."""
    batch, left, k = ([a.shape[i] for i in dims] for dims in (plan.batch_a, plan.left, plan.k_a))
    right = [b.shape[i] for i in plan.right]
    x = a.permute((*plan.batch_a, *plan.left, *plan.k_a)).reshape(math.prod(batch), math.prod(left), math.prod(k))
    y = b.permute((*plan.batch_b, *plan.k_b, *plan.right)).reshape(math.prod(batch), math.prod(k), math.prod(right))
    product = contract(MATRIX, x, y, None, rule) if batch else contract(MATRIX, x[0], y[0], None, rule)
    return product.reshape((*batch, *left, *right)).permute(tuple(plan.order))


def tensordot(rule: Rule, a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Contract dimensions, the last one named fastest."""
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


def einsum(rule: Rule, equation: Any, *operands: Any) -> Tensor:
    """Contract by an equation, see ``golden.pytorch.einsum``."""
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    plan = parse(equation, [x.shape for x in operands if isinstance(x, Tensor)])
    if plan is None:
        return torch.einsum(equation, *operands)
    return _contracted(rule, plan, *operands)


def rmatmul(rule: Rule, this: Tensor, other: Tensor) -> Tensor:
    """Reflected ``@``: the other operand is the activation."""
    return matmul(rule, other, this)


def grouped_mm(
    rule: Rule,
    input: Tensor,
    mat2: Tensor,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """One product per group, as experts have it; of two matrices ``offs`` divides the dimension that is summed.

    Rows or columns beyond the last group are 0.
    """
    if bias is not None or out_dtype not in (None, torch.float32):
        raise InvalidInput(
            "grouped_mm with bias= or another out_dtype= cannot run on a multiplier; add or convert after it"
        )
    if (offs is None) != (input.dim() == mat2.dim() == 3):
        raise InvalidInput("grouped_mm takes offs= where an operand has two dimensions, and only there")
    if offs is None:
        return matmul(rule, input, mat2)
    ends = offs.tolist()
    groups = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    if input.dim() == mat2.dim() == 2:
        return torch.stack([matmul(rule, input[:, group], mat2[group]) for group in groups])
    if mat2.dim() == 3:
        parts = [matmul(rule, input[group], w) for group, w in zip(groups, mat2, strict=True)]
        return torch.cat([*parts, input.new_zeros(len(input) - ends[-1], mat2.shape[2])])
    parts = [matmul(rule, x, mat2[:, group]) for group, x in zip(groups, input, strict=True)]
    return torch.cat([*parts, input.new_zeros(input.shape[1], mat2.shape[1] - ends[-1])], 1)
