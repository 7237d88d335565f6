"""A small network, what targets are fitted on, and how far one network is from another."""

import copy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from golden.pytorch import ApproximateModule
from golden.robustness.targets import Device, Fitted


class Small(nn.Module):
    """Preprocessing, a convolution with padding, a linear layer."""

    def __init__(self, seed=0):
        super().__init__()
        self.fc, self.conv = nn.Linear(64, 5), nn.Conv2d(1, 4, 3, padding=1)
        g = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=g) * (0.3 if p.dim() > 1 else 0.1))

    def forward(self, x):
        return self.fc(functional.max_pool2d(self.conv((x - 0.25) * 2).relu(), 2).flatten(1))


IMAGES = torch.rand(80, 1, 8, 8, generator=torch.Generator().manual_seed(1))
MODEL = Small().requires_grad_(False)
FITTED = Fitted(
    IMAGES[:60], {"independent": Small(1).requires_grad_(False), "pgd-trained": Small(2).requires_grad_(False)}
)


def logits(module: nn.Module, x: torch.Tensor = IMAGES) -> torch.Tensor:
    with torch.no_grad():
        return module(x)


def ratio(z: torch.Tensor, e: torch.Tensor) -> float:
    return float(np.linalg.lstsq(e.double().numpy().reshape(-1, 1), z.double().numpy().reshape(-1), rcond=None)[0][0])


def deviation(module: nn.Module, model: nn.Module = MODEL, x: torch.Tensor = FITTED.images) -> float:
    z, e = logits(module, x).double(), logits(model, x).double()
    return float((z / ratio(z, e) - e).norm() / e.norm())


def operands(device: Device, layer: str, x: torch.Tensor) -> torch.Tensor:
    """What a layer of a device multiplies."""
    seen = []
    module: Any = device.module
    run = copy.deepcopy(module.model if isinstance(module, ApproximateModule) else module)
    run.get_submodule(layer).register_forward_hook(lambda module, args, output: seen.append(args[0]))
    logits(run, x)
    return seen[0]
