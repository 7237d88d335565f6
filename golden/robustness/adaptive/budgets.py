"""Where perturbed images may lie, in each norm, and how one moves there; bounds hold for the float32 values stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

__all__ = ["Budget", "L2Ball", "LinfBox"]


@dataclass(frozen=True)
class _Around:
    """What budgets have in common: one free of any grid delivers images as they are."""

    clean: Tensor
    low: Tensor
    high: Tensor
    eps: float

    def at(self, chosen: Tensor) -> Self:
        """Return the budget of some of the images."""
        return replace(self, clean=self.clean[chosen], low=self.low[chosen], high=self.high[chosen])

    def deliver(self, images: Tensor) -> Tensor:
        """Return the images that an attacker can show for images within the budget."""
        return images

    @property
    def home(self) -> Tensor:
        """What is delivered for the clean images."""
        return self.deliver(self.clean)

    @property
    def reach(self) -> float:
        """How far from ``home`` a pixel may be at most."""
        return self.eps


@dataclass(frozen=True)
class LinfBox(_Around):
    """Every pixel within ``eps`` of its clean value."""

    @classmethod
    def around(cls, clean: Tensor, eps: float) -> LinfBox:
        """Return the box around clean images: its ends are the outermost float32 values within the budget."""
        exact = clean.double()
        low, high = (exact - eps).clamp(0, 1), (exact + eps).clamp(0, 1)
        rounded_low, rounded_high = low.float(), high.float()
        one, zero = torch.ones_like(clean), torch.zeros_like(clean)
        return cls(
            clean,
            torch.where(rounded_low.double() < low, torch.nextafter(rounded_low, one), rounded_low),
            torch.where(rounded_high.double() > high, torch.nextafter(rounded_high, zero), rounded_high),
            eps,
        )

    def project(self, images: Tensor) -> Tensor:
        """Clip every pixel."""
        return torch.maximum(torch.minimum(images, self.high), self.low)

    def random(self) -> Tensor:
        """Draw every pixel evenly from its interval."""
        return self.project(self.low + (self.high - self.low) * torch.rand_like(self.clean))

    def step(self, gradient: Tensor) -> Tensor:
        """Return ``eps`` times the gradient's signs."""
        return self.eps * gradient.sign()


@dataclass(frozen=True)
class L2Ball(_Around):
    """All pixels together within ``eps`` in the Euclidean norm."""

    @classmethod
    def around(cls, clean: Tensor, eps: float) -> L2Ball:
        """Return the ball around clean images, cut off at 0 and 1."""
        return cls(clean, torch.zeros_like(clean), torch.ones_like(clean), eps)

    def project(self, images: Tensor) -> Tensor:
        """Clip every pixel to [0, 1], then shrink what is too far towards the clean image.

        Pixels that stay keep their value bit for bit where nothing has to shrink.
        """
        clipped = images.clamp(0, 1)
        for shrink in (1.0, 1 - 1e-6, 1 - 1e-5):  # rounding to float32 may lengthen by some 1e-7
            change = clipped.double() - self.clean.double()
            norm = change.flatten(1).norm(dim=1).reshape(-1, *[1] * (images.dim() - 1))
            far = norm > self.eps
            if not far.any():
                break
            shorter = (self.clean.double() + change * (self.eps * shrink / norm)).float()
            clipped = torch.where(far, shorter, clipped)
        return clipped

    def random(self) -> Tensor:
        """Draw a direction, and a length so that volumes are even."""
        noise = torch.randn_like(self.clean)
        pixels = noise[0].numel() if len(noise) else 1
        length = torch.rand(len(noise), *[1] * (noise.dim() - 1), device=noise.device) ** (1 / pixels)
        return self.project(self.clean + length * self.step(noise))

    def step(self, gradient: Tensor) -> Tensor:
        """Return the gradient, scaled to a length of ``eps``."""
        norm = gradient.flatten(1).norm(dim=1).reshape(-1, *[1] * (gradient.dim() - 1))
        return gradient * torch.where(norm > 0, self.eps / norm, torch.zeros_like(norm))


Budget = LinfBox | L2Ball
"""All images within ``eps`` of each clean one, and in [0, 1]; ``low`` and ``high`` are the outermost pixel values.
``grid`` has those of a given number of levels."""
