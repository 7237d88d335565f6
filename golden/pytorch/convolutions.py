"""Convolutions of torch as contractions, with every way in which torch takes their settings."""

# ruff: noqa: A002 - parameters keep torch's names, so that keyword arguments arrive

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from golden.checks import whole_numbers
from golden.errors import InvalidInput
from golden.pytorch.contractions import Convolution
from golden.pytorch.gradients import contract
from golden.pytorch.rules import Rule
from golden.registry import check_choice

__all__ = ["convolve"]


def convolve(dimensions: int) -> Callable[..., Tensor]:
    """Return the replacement for convolutions of one or two dimensions."""

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
        steps, gaps = whole_numbers("stride", stride, dimensions), whole_numbers("dilation", dilation, dimensions)
        x = input if input.dim() == dimensions + 2 else input[None]
        if isinstance(padding, str):
            x, pads = _pad_by_name(x, padding, weight.shape[2:], steps, gaps)
        else:
            pads = whole_numbers("padding", padding, dimensions)
        (parts,) = whole_numbers("groups", groups, 1)
        if dimensions == 1:  # one row of an image
            operation = Convolution((1, steps[0]), (0, pads[0]), (1, gaps[0]), parts)
            y = contract(operation, x.unsqueeze(-2), weight.unsqueeze(-2), bias, rule).squeeze(-2)
        else:
            operation = Convolution((steps[0], steps[1]), (pads[0], pads[1]), (gaps[0], gaps[1]), parts)
            y = contract(operation, x, weight, bias, rule)
        return y if input.dim() == dimensions + 2 else y[0]

    return replacement


def _pad_by_name(
    x: Tensor, padding: str, window: Sequence[int], steps: Sequence[int], gaps: Sequence[int]
) -> tuple[Tensor, tuple[int, ...]]:
    check_choice("unknown padding", padding, ("same", "valid"), more="or give numbers")
    if padding == "valid":
        return x, (0,) * len(window)
    if any(step != 1 for step in steps):
        raise InvalidInput(f"padding='same' has no meaning with stride {tuple(steps)}; give the padding as numbers")
    # gap * (size - 1) zeros in all along a dimension; of an odd number the last one goes to the end, as in torch
    total = [gap * (size - 1) for gap, size in zip(gaps, window, strict=True)]
    if any(t % 2 for t in total):
        x = functional.pad(x, [end for t in reversed(total) for end in (0, t % 2)])
    return x, tuple(t // 2 for t in total)
