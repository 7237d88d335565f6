"""Contractions on a multiplier as differentiable functions of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from golden.catalogue import Multiplier
from golden.door.contractions import Contraction
from golden.door.state import issuing

__all__ = ["GRADIENTS", "Rule", "contract"]

GRADIENTS = ("straight-through", "scaled", "masked")


@dataclass(frozen=True)
class Rule:
    """How a contraction is computed and differentiated."""

    multiplier: Multiplier
    accumulate: str
    gradient: str


def contract(operation: Contraction, x: Tensor, w: Tensor, bias: Tensor | None, rule: Rule) -> Tensor:
    """Return a contraction on a multiplier, differentiable with respect to its tensors."""
    with issuing():
        return _Contract.apply(x, w, bias, operation, rule, torch.is_grad_enabled())  # type: ignore[return-value]


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w: Tensor, bias: Tensor | None, operation: Contraction, rule: Rule, recording: bool
    ) -> Tensor:
        y = operation.approximate(x, w, bias, rule.multiplier, rule.accumulate)
        ctx.operation, ctx.rule, ctx.factor = operation, rule, 1.0
        ctx.save_for_backward(x, w)
        if rule.gradient == "scaled" and recording and any(ctx.needs_input_grad[:2]):
            product = y if bias is None else y - operation.along_outputs(bias)
            ctx.factor = _least_squares(product, operation.exact(x, w))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, w = ctx.saved_tensors
        need_x, need_w, need_bias = ctx.needs_input_grad[:3]
        with issuing():
            gx, gw = ctx.operation.gradients(grad, x, w, need_x, need_w)
            if ctx.factor != 1.0:
                gx, gw = (g if g is None else g * ctx.factor for g in (gx, gw))
            return gx, gw, ctx.operation.bias_gradient(grad) if need_bias else None, None, None, None


def _least_squares(approximate: Tensor, exact: Tensor) -> float:
    # minimise |y_approx - s y_exact|^2 over s: s = <y_approx, y_exact> / <y_exact, y_exact>
    e, a = exact.double(), approximate.double()
    energy = float((e * e).sum())
    factor = float((a * e).sum()) / energy if energy > 0 else 1.0
    return factor if 0 < factor < float("inf") else 1.0
