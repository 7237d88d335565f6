"""The two shapes of sums of products: matrix products and convolutions, on a multiplier and exactly, with gradients.

Everything covered by the emulation becomes one of these, so that forward, surrogate and gradients are written once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.catalogue import Multiplier
from golden.sums import conv2d, matmul

__all__ = ["Contraction", "Convolution", "MatrixProduct"]


@dataclass(frozen=True)
class MatrixProduct:
    """(M, K) x (K, N), or a batch of them: (B, M, K) x (B, K, N)."""

    def approximate(self, x: Tensor, w: Tensor, bias: Tensor | None, m: Multiplier, accumulate: str) -> Tensor:
        """Return the bit-exact product on a multiplier; the bias, of shape (N,), only without a batch."""
        return matmul(x, w, m, bias, accumulate)

    def exact(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the product in plain torch."""
        return x @ w

    def gradients(self, grad: Tensor, x: Tensor, w: Tensor, need_x: bool, need_w: bool) -> tuple[Tensor | None, ...]:
        """Return the exact product's gradients with respect to ``x`` and ``w``, where needed."""
        return (grad @ w.mT if need_x else None, x.mT @ grad if need_w else None)

    def bias_gradient(self, grad: Tensor) -> Tensor:
        """Return the gradient with respect to the bias."""
        return grad.sum(0)

    def along_outputs(self, bias: Tensor) -> Tensor:
        """Return the bias in a shape that broadcasts over the result."""
        return bias

    def macs(self, x: Tensor, w: Tensor) -> int:
        """Multiplications of one product."""
        return x.numel() * w.shape[-1]


@dataclass(frozen=True)
class Convolution:
    """(B, C, H, W) * (O, C / groups, R, S), padded by zeros that are real operands."""

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    def approximate(self, x: Tensor, w: Tensor, bias: Tensor | None, m: Multiplier, accumulate: str) -> Tensor:
        """Return the bit-exact convolution on a multiplier; the bias has shape (O,)."""
        return conv2d(
            x,
            w,
            bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            multiplier=m,
            accumulate=accumulate,
        )

    def exact(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the convolution in plain torch."""
        return torch.conv2d(x, w, None, self.stride, self.padding, self.dilation, self.groups)

    def gradients(self, grad: Tensor, x: Tensor, w: Tensor, need_x: bool, need_w: bool) -> tuple[Tensor | None, ...]:
        """Return the exact convolution's gradients with respect to ``x`` and ``w``, where needed."""
        settings = (self.stride, self.padding, self.dilation, False, (0, 0), self.groups)
        gx, gw, _ = torch.ops.aten.convolution_backward(grad, x, w, None, *settings, [need_x, need_w, False])
        return gx, gw

    def bias_gradient(self, grad: Tensor) -> Tensor:
        """Return the gradient with respect to the bias."""
        return grad.sum((0, 2, 3))

    def along_outputs(self, bias: Tensor) -> Tensor:
        """Return the bias in a shape that broadcasts over the result."""
        return bias[:, None, None]

    def macs(self, x: Tensor, w: Tensor) -> int:
        """Multiplications of one convolution, those by padding included."""
        height, width = (
            (size + 2 * pad - gap * (reach - 1) - 1) // step + 1
            for size, pad, gap, reach, step in zip(
                x.shape[2:], self.padding, self.dilation, w.shape[2:], self.stride, strict=True
            )
        )
        return x.shape[0] * height * width * w.numel()


Contraction = MatrixProduct | Convolution
