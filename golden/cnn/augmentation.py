"""Training images moved and mirrored at random, so that a network cannot learn them by heart."""

from __future__ import annotations

import torch

__all__ = ["MARGIN", "moved_and_mirrored"]

MARGIN = 4
"""Pixels by which an image is moved at most, each way; what comes in is zero."""


def moved_and_mirrored(images: torch.Tensor) -> torch.Tensor:
    """Each image moved by up to ``MARGIN`` pixels down and across, and every other one mirrored left to right.

    C.-Y. Lee et al., "Deeply-Supervised Nets", AISTATS 2015, and customary for CIFAR-10 since. Drawn from torch's
    global generator.

    Parameters
    ----------
    images : Tensor of float32, (N, C, H, W)
        Left as they are.
    """
    count, _, height, width = images.shape
    down, across = torch.randint(2 * MARGIN + 1, (2, count, 1))
    mirrored = torch.rand(count, 1) < 0.5
    rows = torch.arange(height) + down
    columns = torch.arange(width)
    columns = torch.where(mirrored, width - 1 - columns, columns) + across
    padded = torch.nn.functional.pad(images, (MARGIN,) * 4)
    each = torch.arange(count)[:, None, None]
    # Indices apart by a slice: the dimension of channels comes last.
    return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
