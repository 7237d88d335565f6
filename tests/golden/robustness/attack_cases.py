"""What the tests of attacks share: every attack of the package with few steps, and how its examples are judged."""

import numpy as np
import torch
from torch import nn

CASES = {
    "fgsm": "fgsm:eps=0.1",
    "fgsm-l2": "fgsm-l2:eps=2",
    "bim": "bim:eps=0.1",
    "mi-fgsm": "mi-fgsm:eps=0.1",
    "pgd": "pgd:eps=0.15,steps=10",
    "pgd-l2": "pgd-l2:eps=2,steps=10",
    "deepfool": "deepfool:steps=10",
    "ddn": "ddn:steps=20",
    "cw": "cw:steps=20,searches=3",
    "boundary": "boundary:steps=60",
    "hopskipjump": "hopskipjump:steps=2,evaluations=30",
    "apgd-ce": "apgd-ce:eps=0.1,steps=10",
    "apgd-dlr": "apgd-dlr:eps=0.1,steps=10",
    "apgd-t": "apgd-t:eps=0.1,steps=10,targets=2",
    "square": "square:eps=0.2,queries=100",
    "apgd-ce-l2": "apgd-ce-l2:eps=2,steps=10",
    "apgd-dlr-l2": "apgd-dlr-l2:eps=2,steps=10",
    "apgd-t-l2": "apgd-t-l2:eps=2,steps=10,targets=2",
    "square-l2": "square-l2:eps=4,queries=150",
    "jsma": "jsma",
    "lsa": "lsa",
}


def judged(module, images, labels):
    """Which images are misclassified, and by what margin, in one batch."""
    with torch.no_grad():
        logits = module(torch.from_numpy(images)).double().numpy()
    rows = np.arange(len(labels))
    true = logits[rows, labels].copy()
    logits[rows, labels] = -np.inf
    return logits.max(1) > true, logits.max(1) - true


def distances(crafted, images):
    """L-infinity, L2 and L0 distances, each (N,)."""
    change = (crafted.astype(np.float64) - images).reshape(len(images), -1)
    return {
        "linf": np.abs(change).max(1),
        "l2": np.linalg.norm(change, axis=1),
        "l0": (change != 0).sum(1).astype(float),
    }


class Wrapped(nn.Module):
    """A module around another, of its logits."""

    def __init__(self, module, of=lambda logits: logits):
        super().__init__()
        self.module, self.of = module, of

    def forward(self, images):
        return self.of(self.module(images))


class NoBackward(torch.autograd.Function):
    """The identity, which has no gradient to give."""

    @staticmethod
    def forward(ctx, images):
        return images.clone()

    @staticmethod
    def backward(ctx, *gradients):
        raise AssertionError("a gradient was asked for")
