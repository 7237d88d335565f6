r"""The two-product form of a multiplier: masked operands whose exact products add up to the ``widen`` product.

With AMA5 cells P = (A & L) B + 2 (A & H)(B & T) (arithmetic.md section 1). For values instead of significands, let
c be a with its significand masked by H, l the same with L, and t twice b with its significand masked by T:

    a * b  ~  l b + c t

Each masked operand keeps its sign and exponent and is exactly a float32 value, so that a sum of such products over k
is one exact contraction of doubled depth, [l, c] . [b; t].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.significand import closed_form

__all__ = ["Form", "Operand", "ratios", "split_activation", "split_weight", "two_product_form"]

SIGN_AND_EXPONENT = -0x800000  # 0xFF800000 as int32
LARGEST_SUBNORMAL = 2.0**-126 - 2.0**-149


@dataclass(frozen=True)
class Form:
    """Masks over a significand of ``precision`` bits, and how operands become that precision."""

    precision: int
    low: int
    high: int
    top: int
    nearest: bool


@dataclass(frozen=True)
class Operand:
    """One operand in two parts: for an activation l and c, for a weight b (rounded to the format) and t."""

    first: Tensor
    second: Tensor


def two_product_form(m: Multiplier) -> Form:
    """Return the form of a multiplier.

    Raises
    ------
    InvalidInput
        If the multiplier has none: its significand product is neither exact, nor of AMA5 cells, nor given by masks.
    """
    masks = closed_form(m.design, m.precision)
    if masks is not None:
        return Form(m.precision, *masks, m.operands == "nearest")
    raise InvalidInput(
        f"{m} has no two-product form, which surrogate models and masked gradients need; choose a multiplier of AMA5 "
        "cells or masks, or another gradient"
    )


def split_activation(a: Tensor, form: Form) -> Operand:
    """Return l and c of an activation."""
    x = _to_precision(a, form)
    return Operand(_masked(x, form.low, form), _masked(x, form.high, form))


def split_weight(b: Tensor, form: Form) -> Operand:
    """Return b, rounded to the format, and t of a weight."""
    x = _to_precision(b, form)
    return Operand(x, 2 * _masked(x, form.top, form))


def ratios(x: Tensor, parts: Operand, at_one: Operand) -> Operand:
    """Return the parts' ratios to the operand, which a derivative with masks held constant needs.

    At zero, where they are undefined, they are those of a power of two, ``at_one`` (only the hidden bit is set): a step
    from 0 to a power of two then changes each part by exactly ratio times step.
    """
    zero = (parts.first == 0) & (parts.second == 0)
    divisor = torch.where(zero, torch.ones_like(x), x)
    return Operand(
        torch.where(zero, at_one.first, parts.first / divisor), torch.where(zero, at_one.second, parts.second / divisor)
    )


def _to_precision(x: Tensor, form: Form) -> Tensor:
    """Flush subnormals to zero, and round to the format's precision."""
    flushed = functional.hardshrink(x, LARGEST_SUBNORMAL)
    dropped = 24 - form.precision
    if dropped == 0:
        return flushed
    bits = flushed.view(torch.int32)
    if form.nearest:
        # Half of the last kept bit, less one where that bit is even, carries into it: ties to even.
        rounded = bits + ((1 << (dropped - 1)) - 1) + ((bits >> dropped) & 1)
        bits = torch.where(flushed.isfinite(), rounded, bits)
    return (bits & (-1 << dropped)).view(torch.float32)


def _masked(x: Tensor, mask: int, form: Form) -> Tensor:
    if mask == (1 << form.precision) - 1:
        return x
    if mask == 0:
        return torch.zeros_like(x)
    bits = x.view(torch.int32)
    fraction = (mask << (24 - form.precision)) & 0x7FFFFF
    value = (bits & (SIGN_AND_EXPONENT | fraction)).view(torch.float32)
    if not mask >> (form.precision - 1) & 1:  # without the hidden bit: subtract it, exactly
        value = value - (bits & SIGN_AND_EXPONENT).view(torch.float32)
    return value
