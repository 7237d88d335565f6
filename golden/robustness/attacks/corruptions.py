"""Disturbances that nobody designed: noise, rotation, blur, contrast, brightness.

After D. Hendrycks, T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019, with a strength in place of its five severities. They look at no model and at no label, and are listed among
the attacks so that they are shown to every target as those are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from golden.robustness.attacks.kinds import Kind

__all__ = ["KINDS"]

_PAPER = "D. Hendrycks, T. Dietterich, ICLR 2019"


def _gaussian_noise(x: Tensor, sigma: float) -> Tensor:
    return x + sigma * torch.randn_like(x)


def _rotation(x: Tensor, degrees: float) -> Tensor:
    """Turn each image, to the left or to the right by chance, bilinearly; corners that come in repeat the border."""
    angle = math.radians(degrees) * (2 * torch.randint(2, (len(x),)) - 1)
    cosine, sine, nothing = torch.cos(angle), torch.sin(angle), torch.zeros(len(x))
    turns = torch.stack([torch.stack([cosine, -sine, nothing], 1), torch.stack([sine, cosine, nothing], 1)], 1)
    grid = functional.affine_grid(turns, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian, cut off at three sigma, over the image repeated at its border."""
    reach = max(1, math.ceil(3 * sigma))
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for shape, pads in (((1, 1, -1, 1), (0, 0, reach, reach)), ((1, 1, 1, -1), (reach, reach, 0, 0))):
        kernel = weights.reshape(shape)
        x = functional.conv2d(
            functional.pad(x, pads, mode="replicate"), kernel.expand(x.shape[1], *kernel.shape[1:]), groups=x.shape[1]
        )
    return x


def _contrast(x: Tensor, factor: float) -> Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + factor * (x - mean)


def _brightness(x: Tensor, shift: float) -> Tensor:
    return x + shift


def _kind(
    name: str, of: Callable[..., Tensor], defaults: Mapping[str, float], what: str, most: Mapping[str, float]
) -> Kind:
    def run(_module: nn.Module, images: Tensor, _labels: Tensor, **parameters: float) -> Tensor:
        with torch.no_grad():
            return of(images, **parameters).clamp(0, 1)

    return Kind(name, "l2", defaults, (), run, f"{what} ({_PAPER})", access="nothing", most=most)


KINDS = (
    _kind("gaussian-noise", _gaussian_noise, {"sigma": 0.05}, "noise of that deviation on every pixel", {"sigma": 1}),
    _kind("rotation", _rotation, {"degrees": 15.0}, "turned to either side", {"degrees": 180}),
    _kind("blur", _blur, {"sigma": 0.7}, "a Gaussian blur of that many pixels", {"sigma": 8}),
    _kind("contrast", _contrast, {"factor": 0.5}, "differences from the mean, times a factor", {"factor": 4}),
    _kind("brightness", _brightness, {"shift": 0.15}, "every pixel brighter", {"shift": 1}),
)
