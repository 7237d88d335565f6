"""What the benchmark times: matrix products, convolutions and networks of the sizes that are studied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from golden.catalogue import Multiplier

__all__ = ["FAMILIES", "SHAPES", "SLOW_FAMILIES", "Shape", "Timed", "cifar_alexnet", "networks", "timed"]

FAMILIES = ("ax-fpm", "ax-fpm-widen", "exact-trunc", "ax-bf16", "bf16", "mitchell", "exact")
"""A multiplier per kind of kernel; those without a fast one follow in full runs."""
SLOW_FAMILIES = ("ax-fpm-wrap", "ax-fpm:cell=AMA1")


@dataclass(frozen=True)
class Shape:
    """A matrix product or a convolution to time.

    Parameters
    ----------
    name : str
        Label.
    sizes : tuple of int
        (M, N, K) or (B, M, N, K) of a matrix product or a batch of them, or (B, C, H, W, O, R, padding, stride, groups)
        of a square convolution.
    """

    name: str
    sizes: tuple[int, ...]

    @property
    def operation(self) -> str:
        """``matmul`` or ``conv2d``."""
        return "conv2d" if len(self.sizes) == 9 else "matmul"


SHAPES = {
    "quick": (
        Shape("gemm 128", (128, 128, 128)),
        Shape("gemm 256", (256, 256, 256)),
        Shape("fc 64 x 1024 -> 1024", (64, 1024, 1024)),
        Shape("LeNet conv1, 64 images", (64, 1, 28, 28, 6, 5, 2, 1, 1)),
        Shape("LeNet conv2, 64 images", (64, 6, 14, 14, 16, 5, 0, 1, 1)),
    ),
    "full": (
        Shape("gemm 512", (512, 512, 512)),
        Shape("gemm 1024", (1024, 1024, 1024)),
        Shape("AlexNet-like gemm", (729, 256, 2400)),
        Shape("fc 64 x 4096 -> 1024", (64, 1024, 4096)),
        Shape("fc 1 x 4096 -> 1024", (1, 1024, 4096)),
        Shape("AlexNet conv2, 16 images", (16, 64, 8, 8, 192, 5, 2, 1, 1)),
        Shape("AlexNet conv3, 16 images", (16, 192, 8, 8, 384, 3, 1, 1, 1)),
        Shape("strided conv, 16 images", (16, 3, 64, 64, 32, 7, 3, 2, 1)),
    ),
    "small": (
        Shape("gemm 32", (32, 32, 32)),
        Shape("512 of 16^3", (512, 16, 16, 16)),
        Shape("attention scores, 24 of 197 x 197 x 64", (24, 197, 197, 64)),
        Shape("narrow, 16384 x 150 -> 16", (16384, 16, 150)),
        Shape("depthwise 3 x 3, 128 channels, 8 images", (8, 128, 14, 14, 128, 3, 1, 1, 128)),
        Shape("depthwise 3 x 3, 512 channels", (1, 512, 7, 7, 512, 3, 1, 1, 512)),
        Shape("pointwise, 128 channels, 8 images", (8, 128, 14, 14, 128, 1, 0, 1, 1)),
        Shape("fc 1 x 4096 -> 1024", (1, 1024, 4096)),
    ),
    "large": (Shape("gemm 2048", (2048, 2048, 2048)), Shape("gemm 4096", (4096, 4096, 4096))),
}
"""What is timed: ``quick`` always, ``full`` unless quick, ``small`` and ``large`` on request."""


@dataclass(frozen=True)
class Timed:
    """A shape with operands.

    Parameters
    ----------
    x, w : Tensor
        Activations, half of them zeros, and weights.
    emulated, exact : callable
        The two that are timed.
    macs : int
        Multiply-accumulates.
    bytes : int
        Of operands and results, each once.
    """

    x: Any
    w: Any
    emulated: Callable[[], Any]
    exact: Callable[[], Any]
    macs: int
    bytes: int


def timed(shape: Shape, m: Multiplier, device: str = "cpu") -> Timed:
    """Operands of a shape on a device, the same each time, and what to time on them."""
    import torch

    from golden import sums

    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> Any:
        return torch.randn(*size, generator=generator)

    if shape.operation == "conv2d":
        batch, channels, height, width, outputs, window, padding, stride, groups = shape.sizes
        x = normal(batch, channels, height, width).relu().to(device)
        w = (normal(outputs, channels // groups, window, window) * 0.1).to(device)
        settings: dict[str, Any] = {"stride": stride, "padding": padding, "groups": groups}
        exact = partial(torch.conv2d, x, w, None, **settings)
        emulated = partial(sums.conv2d, x, w, multiplier=m, **settings)
        depth = w[0].numel()
    else:
        *lead, rows, columns, depth = shape.sizes
        x, w = normal(*lead, rows, depth).relu().to(device), normal(*lead, depth, columns).to(device)
        exact, emulated = partial(torch.matmul, x, w), partial(sums.matmul, x, w, m)
    out = exact().numel()
    return Timed(x, w, emulated, exact, out * depth, 4 * (x.numel() + w.numel() + out))


def networks(full: bool) -> dict[str, tuple[Any, Any]]:
    """The networks that are timed from end to end.

    Parameters
    ----------
    full : bool
        LeNet-5 as trained on MNIST, on all its 10 000 test images; else with random weights on 250 random images. The
        CIFAR AlexNet has random weights: what is timed is its shapes.

    Returns
    -------
    dict
        Label -> (torch module, batch of inputs).

    Raises
    ------
    InvalidInput
        If MNIST is wanted, and neither there nor to be downloaded.
    """
    import torch

    from golden.cnn import checkpoint, data, models

    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        alexnet = cifar_alexnet(), torch.rand(32, 3, 32, 32, generator=generator)
        if full:
            digits = checkpoint.load("lenet5-mnist")[0], torch.from_numpy(data.load("mnist")[0])
        else:
            digits = models.build("lenet5"), torch.rand(250, 1, 28, 28, generator=generator)
    name = f"LeNet-5, {len(digits[1])} {'MNIST' if full else 'random'} images"
    return {name: digits, "CIFAR AlexNet, 32 images": alexnet}


def cifar_alexnet() -> Any:
    """An AlexNet for 32 x 32 images, randomly initialised: what is timed is its shapes.

    conv 64 of 11 x 11, stride 4, padding 5; pool 2; conv 192 of 5 x 5, padding 2; pool 2; conv 384, 256 and 256 of
    3 x 3, padding 1; pool 2; linear 256 -> 10; ReLU after every convolution. After A. Krizhevsky, I. Sutskever,
    G. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012, in the CIFAR-10 form
    that is common today.

    Returns
    -------
    torch.nn.Module
        (N, 3, 32, 32) -> (N, 10).
    """
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
