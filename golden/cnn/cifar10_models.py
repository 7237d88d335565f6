"""Networks for CIFAR-10, small enough to train on two cores: an AlexNet and a VGG-11.

Each is written once, as it is trained, with batch norm behind every layer but the last; ``batch_norm.folded`` makes of
it what is deployed and attacked. The images' mean and deviation are a layer of the network, so that budgets of attacks
are in pixels of [0, 1] for every network alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from golden.cnn.batch_norm import folded

__all__ = ["CIFAR10_MEAN", "CIFAR10_STD", "Standardise", "alexnet", "trainable_alexnet", "trainable_vgg11", "vgg11"]

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
"""Of the pixels of each channel over the 50 000 training images, as is customary."""

ALEXNET = (16, 32, 64, 64, 48)
"""Kernels of its five convolutions, a sixth of the original's 96, 256, 384, 384 and 256 and less: 7 million MACs."""
VGG11 = (16, "pool", 32, "pool", 64, 64, "pool", 128, 128, "pool", 128, 128, "pool")
"""Kernels of its eight convolutions, a quarter of the original's 64 to 512."""


class Standardise(nn.Module):
    """Pixels less the mean of their channel, divided by its deviation."""

    def __init__(self, mean: Iterable[float], std: Iterable[float]) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor([*mean])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor([*std])[:, None, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) to the same shape."""
        return (x - self.mean) / self.std

    def extra_repr(self) -> str:
        """The two, since they are no parameters and yet part of what the network is."""
        return f"mean={self.mean.flatten().tolist()}, std={self.std.flatten().tolist()}"


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def _hidden(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


def trainable_alexnet() -> nn.Sequential:
    """AlexNet as it is trained: five convolutions of 3 x 3, pools after the first, second and fifth, 768-192-10.

    After A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks",
    NeurIPS 2012, for images of 32 x 32; batch norm replaces its local response normalisation and dropout.
    """
    a, b, c, d, e = ALEXNET
    return nn.Sequential(
        Standardise(CIFAR10_MEAN, CIFAR10_STD),
        *_convolution(3, a),
        nn.MaxPool2d(2),
        *_convolution(a, b),
        nn.MaxPool2d(2),
        *_convolution(b, c),
        *_convolution(c, d),
        *_convolution(d, e),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *_hidden(16 * e, 4 * e),
        nn.Linear(4 * e, 10),
    )


def alexnet() -> nn.Module:
    """AlexNet as it is deployed: (N, 3, 32, 32) in [0, 1] -> (N, 10)."""
    return folded(trainable_alexnet())


def trainable_vgg11() -> nn.Sequential:
    """VGG-11 as it is trained: eight convolutions of 3 x 3, five pools, one linear layer.

    After K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
    configuration A, at a quarter of its width; with images of 32 x 32 one linear layer remains of three.
    """
    layers: list[nn.Module] = [Standardise(CIFAR10_MEAN, CIFAR10_STD)]
    width = 3
    for entry in VGG11:
        if isinstance(entry, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += _convolution(width, entry)
            width = entry
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, 10))


def vgg11() -> nn.Module:
    """VGG-11 as it is deployed: (N, 3, 32, 32) in [0, 1] -> (N, 10)."""
    return folded(trainable_vgg11())
