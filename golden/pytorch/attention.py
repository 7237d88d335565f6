"""Scaled dot product attention of torch as two matrix products with a softmax between them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from golden.errors import InvalidInput
from golden.pytorch.matrices import matmul
from golden.pytorch.rules import Rule

__all__ = ["attention"]


def attention(
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
    """softmax(Q K^T * scale + mask) V: queries, then attention weights, are the activations.

    A query that may attend to nothing has weights 0, as in torch, and no gradient.
    """
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = matmul(rule, query, key.mT) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        if attn_mask is not None:
            raise InvalidInput("scaled_dot_product_attention takes attn_mask or is_causal=True, not both")
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    nothing = (scores == -math.inf).all(-1, keepdim=True)
    # Replaced before and after: a softmax of nothing but -inf is NaN, and so would be its gradient.
    weights = scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)
    return matmul(rule, functional.dropout(weights, dropout_p), value)
