"""Network architectures by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from golden.registry import Registry

__all__ = ["MODELS", "Model", "build", "macs", "register_model"]


@dataclass(frozen=True)
class Model:
    """A named architecture.

    Parameters
    ----------
    name : str
        The name on the command line and in checkpoints.
    build : callable
        Returns a freshly initialised ``torch.nn.Module``, (N, C, H, W) in [0, 1] -> (N, classes) logits.
    input_shape : tuple of int
        (C, H, W) of one image.
    classes : int
        Number of logits.
    description : str
        One line: the layers, and where they come from.
    """

    name: str
    build: Callable[[], nn.Module]
    input_shape: tuple[int, int, int]
    classes: int
    description: str


class LeNet5(nn.Module):
    """LeNet-5 with ReLU and max-pooling: 28 x 28 padded by 2, conv 6 and 16 of 5 x 5, 120-84-10; 416 520 MACs an image.

    After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc.
    IEEE 86(11), 1998; ReLU and max-pooling replace its scaled tanh and trainable subsampling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        x = nn.functional.relu(self.fc1(x.flatten(1)))
        return self.fc3(nn.functional.relu(self.fc2(x)))


class DefensiveLeNet(nn.Module):
    """The network of the paper's published checkpoint: conv 32 and 64 of 3 x 3, pools, 3136-200-10.

    Its parameters carry the names in that file, so that the published ``state_dict`` loads as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.linear1 = nn.Linear(64 * 7 * 7, 200)
        self.linear2 = nn.Linear(200, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        return self.linear2(nn.functional.relu(self.linear1(x.flatten(1))))


_OWN = (
    Model("lenet5", LeNet5, (1, 28, 28), 10, "LeNet-5 with ReLU: conv 6 and 16 of 5 x 5, 120-84-10"),
    Model("da-lenet", DefensiveLeNet, (1, 28, 28), 10, "the paper's MNIST network: conv 32 and 64 of 3 x 3, 200-10"),
)
MODELS = Registry("model", {model.name: model for model in _OWN})
"""Architectures by name, read-only; ``register_model`` adds to it."""


def build(name: str) -> nn.Module:
    """Return a freshly initialised model, drawn from torch's global generator.

    Raises
    ------
    InvalidInput
        If no architecture has that name.
    """
    return MODELS.look_up(name).build()


def register_model(model: Model) -> Model:
    """Make an architecture available to training, checkpoints and evaluation by its name, and return it.

    Raises
    ------
    InvalidInput
        If another architecture has that name.
    """
    return MODELS.register(model.name, model)


def macs(module: nn.Module, image: torch.Tensor) -> int:
    """Multiply-accumulates of the convolutions and linear layers for one image (C, H, W)."""
    total = 0

    def count(layer: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features

    hooks = [layer.register_forward_hook(count) for layer in module.modules()]
    try:
        with torch.no_grad():
            module(image[None])
    finally:
        for hook in hooks:
            hook.remove()
    return total
