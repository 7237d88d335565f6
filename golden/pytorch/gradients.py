r"""Contractions on a multiplier as differentiable functions of torch, and what their derivative is taken to be.

A multiplier's product is a step function of its operands' bits, so its derivative is zero almost everywhere; a
gradient is a choice, and attacks on the multiplier depend on it. For y_ij = sum_k mul(a_ik, b_kj) and an incoming
gradient g:

``straight-through``
    mul(a, b) is differentiated as a b: grad_a = g b^T, grad_b = a^T g, the exact weights, as the paper's authors do.
``scaled``
    As s a b. The s that minimises |y - s y_exact|^2 over all outputs of the call (bias left out) solves
    d/ds = -2 <y_exact, y - s y_exact> = 0, thus s = <y, y_exact> / <y_exact, y_exact>: 1.40 to 1.47 for `ax-fpm`. It
    costs one exact contraction per call whose gradient is recorded, is a constant of the backward pass, and belongs to
    the call: other images in the batch change it, by a positive factor per layer. Where y_exact is zero, s = 1.
``masked``
    As l b + c t (``golden.pytorch.split``) with the masks held constant. A mask that stays as it is keeps the same
    share of its operand: l = (l/a) a, c = (c/a) a, t = (t/b) b with constant ratios. Hence

        grad_a = (l/a) * (g b^T) + (c/a) * (g t^T),    grad_b = l^T g + (t/b) * (c^T g).

    This equals a finite difference wherever a step keeps the significand: masks do not see exponents, so that from a
    to 2a the form changes by exactly (2a - a) times this derivative. Carry policy and roundings are not differentiated.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from golden.pytorch.checkpoints import require_same_context
from golden.pytorch.checks import require_plain
from golden.pytorch.contractions import Contraction
from golden.pytorch.rules import Rule, Settings
from golden.pytorch.split import Operand, ratios, split_activation, split_weight, two_product_form
from golden.pytorch.state import current_context, issuing

__all__ = ["contract"]


def contract(operation: Contraction, x: Tensor, w: Tensor, bias: Tensor | None, rule: Rule) -> Tensor:
    """Return a contraction computed and differentiated by a rule."""
    entered = current_context()
    what = entered.what if entered else lambda: "a contraction"
    require_plain(what, {"an input": x, "a weight": w, "a bias": bias}, any_device=rule.compute != "multiplier")
    if entered:
        entered.record(operation, x, w)
    with issuing():
        if rule.compute == "torch":
            y = operation.exact(x, w)
            return y if bias is None else y + operation.along_outputs(bias)
        again = entered.computed_again() if entered else None
        return _Contract.apply(x, w, bias, operation, rule, torch.is_grad_enabled(), again)


class _Contract(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        w: Tensor,
        bias: Tensor | None,
        operation: Contraction,
        rule: Rule,
        recording: bool,
        again: Settings | None,
    ) -> Tensor:
        ctx.operation, ctx.rule, ctx.factor, ctx.again = operation, rule, 1.0, again
        ctx.save_for_backward(x, w)
        if rule.gradient == "masked":
            two_product_form(rule.multiplier)  # a multiplier without one is refused here, not in backward
        if rule.compute == "two-products":
            return _two_products(operation, x, w, bias, rule)
        y = operation.approximate(x, w, bias, rule.multiplier, rule.accumulate)
        if rule.gradient == "scaled" and recording and any(ctx.needs_input_grad[:2]):
            product = y if bias is None else y - operation.along_outputs(bias)
            ctx.factor = _least_squares(product, operation.exact(x, w))
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        if ctx.again is not None:
            require_same_context(ctx.again)
        x, w = ctx.saved_tensors
        operation: Contraction = ctx.operation
        need_x, need_w, need_bias = ctx.needs_input_grad[:3]
        with issuing():
            if ctx.rule.gradient == "masked":
                gx, gw = _masked_gradients(operation, grad, x, w, need_x, need_w, ctx.rule)
            else:
                gx, gw = operation.gradients(ctx.factor * grad, x, w, need_x, need_w)
            return gx, gw, operation.bias_gradient(grad) if need_bias else None, None, None, None, None


def _two_products(operation: Contraction, x: Tensor, w: Tensor, bias: Tensor | None, rule: Rule) -> Tensor:
    form = two_product_form(rule.multiplier)
    a, b = split_activation(x, form), split_weight(w, form)
    y = operation.exact(a.first, b.first)
    if form.high:
        y = y + operation.exact(a.second, b.second)
    return y if bias is None else y + operation.along_outputs(bias)


def _masked_gradients(
    operation: Contraction, grad: Tensor, x: Tensor, w: Tensor, need_x: bool, need_w: bool, rule: Rule
) -> tuple[Tensor | None, Tensor | None]:
    form = two_product_form(rule.multiplier)
    with torch.no_grad():
        one = x.new_ones(())
        a, b = split_activation(x, form), split_weight(w, form)
        share_a = ratios(x, a, split_activation(one, form))
        share_b = ratios(w, b, split_weight(one, form))
    if torch.is_grad_enabled():  # for second derivatives the parts depend on the operands, by their constant ratios
        a = Operand(x * share_a.first, x * share_a.second)
        b = Operand(w * share_b.first, w * share_b.second)
    gx, gw = operation.gradients(grad, a.first, b.first, need_x, need_w)
    gx, gw = _product(gx, share_a.first), _product(gw, share_b.first)
    if form.high:
        more_x, more_w = operation.gradients(grad, a.second, b.second, need_x, need_w)
        gx, gw = _sum(gx, _product(more_x, share_a.second)), _sum(gw, _product(more_w, share_b.second))
    return gx, gw


def _product(a: Tensor | None, b: Tensor) -> Tensor | None:
    return None if a is None else a * b


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return None if a is None or b is None else a + b


def _least_squares(approximate: Tensor, exact: Tensor) -> Tensor:
    """The factor as a tensor of no dimensions in float64, so that nobody waits for a GPU; 1 where there is none."""
    e, a = exact.double(), approximate.double()
    factor = (a * e).sum() / (e * e).sum()
    return torch.where((factor > 0) & factor.isfinite(), factor, 1.0)
