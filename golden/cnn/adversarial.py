"""Adversarial training: the perturbed images that a network is trained on.

A. Madry, A. Makelov, L. Schmidt, D. Tsipras, A. Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks",
ICLR 2018: each batch is replaced by what projected gradient descent makes of it within an L-infinity ball.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["SPREAD", "STRIDE", "perturb"]

STRIDE = 2.5
"""Length of all steps together, in units of epsilon: enough to cross the ball from any start, and to turn back."""

SPREAD = 10.0
"""What the logits of an image are brought together to on a multiplier, which may inflate them several times: apart by g
they give a class 1 - p = e^-g, of which float32 keeps nothing from g = 24 log 2 = 16.6 on, and then no gradient."""


def perturb(
    module: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    epsilon: float,
    steps: int,
    *,
    spread: float | None = None,
) -> torch.Tensor:
    """Images within ``epsilon`` of ``images`` and in [0, 1], for which the loss is large.

    Crafted in evaluation mode, so that neither statistics of a batch norm see the attack nor dropout hides a gradient
    from it; the module is handed back in the mode it came in. The start is random, from torch's global generator.

    Parameters
    ----------
    module : torch.nn.Module
        Images to logits; its parameters and their gradients are not touched.
    images : Tensor of float32, (N, C, H, W)
        In [0, 1].
    labels : Tensor of int64, (N,)
        True classes.
    epsilon : float
        Largest change of a pixel.
    steps : int
        Gradients taken, each followed by a step of ``STRIDE * epsilon / steps``.
    spread : float, optional
        Largest difference between logits of an image; where it is larger, all of them are divided by one number, a
        constant of the derivative. Without it they are taken as they are, as by Madry et al.
    """
    training = module.training
    module.eval()
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    perturbed = low + (high - low) * torch.rand_like(images)
    for _ in range(steps):
        perturbed.requires_grad_(True)
        logits = module(perturbed)
        if spread is not None:
            each = logits.detach()
            logits = logits / ((each.amax(1) - each.amin(1)) / spread).clamp_(min=1)[:, None]
        loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, perturbed)
        with torch.no_grad():
            perturbed = (perturbed + gradient.sign() * (STRIDE * epsilon / steps)).clamp(low, high)
    module.train(training)
    return perturbed
