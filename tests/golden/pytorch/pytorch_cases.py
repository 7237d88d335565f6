"""A small model that the emulation's tests share."""

import torch
from torch import nn


class Net(nn.Module):
    """With a buffer, an extra attribute, and a child whose name is an attribute of the wrapper."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
        self.model = nn.Linear(32, 3)
        self.register_buffer("mean", torch.tensor(0.5))
        self.register_buffer("seen", torch.tensor(0), persistent=False)
        self.classes = 3

    def forward(self, x):
        return self.model(self.norm(self.conv(x - self.mean)).relu().flatten(1))


X = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(1))
