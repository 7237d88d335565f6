"""How often an operator of torch multiplies, divisions included."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils import flop_counter

from golden.pytorch.vocabulary import MULTIPLIES, SUSPECTS, Kind, kind_of, plain_name

__all__ = ["multiplications", "sums_products"]


class _Call:
    """A call's arguments by name, and how many elements its operands and its result have."""

    def __init__(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.name = plain_name(func)
        self.given = {a.name: a.default_value for a in func._schema.arguments if a.has_default_value()}
        self.given |= dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
        self.first, self.result = args[0] if args else None, result

    @property
    def outputs(self) -> int:
        """Elements of the result, of its first tensor where it is a tuple; in place, of what it was written to."""
        if isinstance(self.result, tuple):
            return self.result[0].numel()
        return _elements(self.first if self.result is None else self.result)

    @property
    def inputs(self) -> int:
        """Elements of the first operand."""
        return _elements(self.first)

    def scales(self, *names: str) -> int:
        """Return how many of some factors are given and are not 1."""
        factors = [self.given.get(name) for name in names]
        return sum(factor is not None and (not isinstance(factor, (int, float)) or factor != 1) for factor in factors)


def _elements(x: Any) -> int:
    return sum(map(_elements, x)) if isinstance(x, (tuple, list)) else x.numel()


def _per_result(times: int) -> Callable[[_Call], int]:
    return lambda call: times * call.outputs


def _per_operand(call: _Call) -> int:
    return call.inputs


def _scaled_sum(call: _Call) -> int:
    return call.outputs * call.scales("alpha")


def _reduced_by_products(call: _Call) -> int:
    reduce = call.given.get("reduce")
    return call.inputs if reduce in ("prod", "multiply") else 0


def _sampled(per_result: dict[int, int]) -> Callable[[_Call], int]:
    return lambda call: call.outputs * per_result[call.given["interpolation_mode"]]  # bilinear, nearest, bicubic


# Operator -> its count. Interpolation weighs each neighbour once. Unless it says otherwise an operator of MULTIPLIES
# multiplies once per element of its result.
_COUNTS: dict[str, Callable[[_Call], int] | None] = {
    **dict.fromkeys(("add", "sub", "rsub", "_add_relu"), _scaled_sum),
    "index_add": lambda call: call.given["source"].numel() * call.scales("alpha"),
    "addcmul": lambda call: call.outputs * (1 + call.scales("value", "scalars")),
    "addcdiv": lambda call: call.outputs * (1 + call.scales("value", "scalars")),
    "addr": lambda call: call.outputs * (1 + call.scales("alpha") + call.scales("beta")),
    **dict.fromkeys(("hypot", "polar", "binary_cross_entropy", "binary_cross_entropy_with_logits"), _per_result(2)),
    **dict.fromkeys(
        ("cumprod", "prod", "norm", "linalg_vector_norm", "linalg__powsum", "powsum", "native_norm", "dist", "var",
         "var_mean", "std", "std_mean", "mse_loss", "huber_loss", "smooth_l1_loss"),
        _per_operand,
    ),
    **dict.fromkeys(
        ("nll_loss_forward", "nll_loss2d_forward"), lambda call: call.given["target"].numel() * call.scales("weight")
    ),
    **dict.fromkeys(("scatter", "scatter_reduce", "index_reduce", "segment_reduce"), _reduced_by_products),
    "upsample_linear1d": _per_result(2),
    "upsample_bilinear2d": _per_result(4),
    "upsample_trilinear3d": _per_result(8),
    "upsample_bicubic2d": _per_result(16),
    **dict.fromkeys(("grid_sampler_2d", "_grid_sampler_2d_cpu_fallback"), _sampled({0: 4, 1: 0, 2: 16})),
    "grid_sampler_3d": _sampled({0: 8, 1: 0}),
    # how many neighbours or steps these take is not said
    **dict.fromkeys(
        ("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", "_upsample_lanczos2d_aa", "_fused_adagrad",
         "_fused_adam", "_fused_adamw", "_fused_sgd", "embedding_renorm"),
        None,
    ),
}  # fmt: skip


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


# Operator that sums products -> its count, by its arguments; those that torch's own table of operations lacks.
_SUMS: dict[str, Callable[..., int]] = {
    "mv": lambda matrix, vector: matrix.numel(),
    "addmv": lambda start, matrix, vector, **_: matrix.numel(),
    **dict.fromkeys(
        ("addmm", "baddbmm", "addbmm", "_addmm_activation"),
        lambda start, left, right, **_: left.numel() * right.shape[-1],
    ),
    "_grouped_mm": lambda left, right, *_, **__: left.numel() * right.shape[-1] // (
        left.shape[0] if (left.dim(), right.dim()) == (3, 2) else 1
    ),
    "dot": lambda left, right: left.numel(),
    "vdot": lambda left, right: left.numel(),
    "_trilinear": _trilinear,
    "_scaled_dot_product_flash_attention_for_cpu": lambda query, key, value, *_, **__: _attention(query, key, value),
    # one layer in one direction: every step multiplies both matrices once per sequence
    "mkldnn_rnn_layer": lambda x, of_input, of_hidden, *_, **__: (
        math.prod(x.shape[:-1]) * (of_input.numel() + of_hidden.numel())
    ),
    # a square per difference
    **dict.fromkeys(
        ("_cdist_forward", "_euclidean_dist"),
        lambda x, y, *_, **__: math.prod(torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])) * x.shape[-2] * y.numel()
        // max(1, math.prod(y.shape[:-2])),
    ),
    "_pdist_forward": lambda x, *_, **__: len(x) * (len(x) - 1) // 2 * x.shape[-1],
    "linalg_cross": lambda x, y, **_: 2 * math.prod(torch.broadcast_shapes(x.shape, y.shape)),
    "affine_grid_generator": lambda theta, size, *_: len(theta) * math.prod(size[2:]) * math.prod(theta.shape[1:]),
    **dict.fromkeys(
        ("_embedding_bag", "_embedding_bag_forward_only"),
        lambda weight, indices, *_, **__: indices.numel() * weight.shape[-1],
    ),
}  # fmt: skip


def sums_products(func: Any, args: Any, kwargs: Any) -> bool:
    """Return whether a call sums products of two operands, or may do so for all that is known of it."""
    kind = kind_of(func)
    if kind is Kind.SUMS and plain_name(func).startswith("_embedding_bag"):
        return _Call(func, args, kwargs, None).given.get("per_sample_weights") is not None  # else it only sums
    return kind in SUSPECTS


def multiplications(func: Any, args: Any, kwargs: Any, result: Any) -> int | None:
    """Return how often a call multiplies; None where nobody knows."""
    kind = kind_of(func)
    if kind in (Kind.MOVES, Kind.COMPUTES) or (kind is Kind.SUMS and not sums_products(func, args, kwargs)):
        return 0
    name = plain_name(func)
    if name in MULTIPLIES:
        count = _COUNTS.get(name, _per_result(1))
        return count and count(_Call(func, args, kwargs, result))
    if name in _SUMS:
        return _SUMS[name](*args, **kwargs)
    if func in flop_counter.flop_registry or getattr(func, "_overloadpacket", None) in flop_counter.flop_registry:
        return flop_counter.flop_registry[func._overloadpacket](*args, **kwargs, out_val=result) // 2
    return None
