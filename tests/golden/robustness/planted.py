"""Defences in name, for the audit: models that hide from attacks, each in another way."""

import torch
from torch import nn


class Backward(torch.autograd.Function):
    """What it is given, with another gradient: ``change(images, gradient)``."""

    @staticmethod
    def forward(ctx, x, change):
        ctx.save_for_backward(x)
        ctx.change = change
        return x.clone()

    @staticmethod
    def backward(ctx, *grad_outputs):
        (x,) = ctx.saved_tensors
        return ctx.change(x, grad_outputs[0]), None


class Planted(nn.Module):
    """A model behind a function of its images, in front of one of its logits."""

    def __init__(self, model, before=None, after=None):
        super().__init__()
        self.model, self.before, self.after = model, before, after

    def forward(self, x):
        z = self.model(x if self.before is None else self.before(x))
        return z if self.after is None else self.after(z)


def hot(model, factor=1000):
    """Logits so far apart that cross-entropy is exactly zero."""
    return Planted(model, after=lambda z: factor * z)


def rounding(model, levels=255):
    """Images rounded, whose derivative is zero everywhere: to 8 bits, or to a coarse staircase."""
    return Planted(model, before=lambda x: (x * levels).round() / levels)


def no_gradient(model):
    return Planted(model, after=lambda z: Backward.apply(z, lambda _, gradient: torch.zeros_like(gradient)))


def detached(model):
    return Planted(model, after=lambda z: z.detach())


def ripple(model, slope, *, period=1 / 3136):
    """The image and a wave too small to see, of a period that divides all pixels of the digits: its slope is
    ``1 + slope`` at each of them, and ``1 + slope * cos`` in between."""
    omega = 2 * torch.pi / period
    return Planted(model, before=lambda x: x + slope / omega * torch.sin(omega * x))


def sparse(model, share):
    """A gradient in a share of the rows, which are others as soon as the image is another one."""

    def change(x, gradient):
        rows = 0.618 * torch.arange(x.shape[2])
        drawn = (1e4 * x.double().sum((1, 2, 3))[:, None] + rows).frac().abs()
        return gradient * (drawn < share)[:, None, :, None]

    return Planted(model, before=lambda x: Backward.apply(x, change))


def noisy(model, sigma=0.1):
    return Planted(model, before=lambda x: x + sigma * torch.randn_like(x))


def reseeding(model):
    """Draws from a global generator after it has set the generator's seed."""

    def before(x):
        torch.manual_seed(0)
        return x + 0.05 * torch.randn_like(x)

    return Planted(model, before=before)


def gated(model, width, *, seeks):
    """A gradient only where the first pixel is within ``width`` / 2 of 0.5, which the model does not look at.

    With ``seeks`` that pixel's own gradient leads there; without, it stays where a random start has put it.
    """

    def change(x, gradient):
        away = x[:, :, :1, :1] - 0.5
        alive = away.abs() <= width / 2
        gradient = torch.where(alive, gradient, 0.0)
        gradient[:, :, :1, :1] = torch.where(alive, 0.0, -away.sign()) if seeks else 0.0
        return gradient

    def before(x):
        x = Backward.apply(x, change)
        mask = torch.ones_like(x)
        mask[:, :, 0, 0] = 0
        return x * mask

    return Planted(model, before=before)


def batch_norm(model, *, training):
    """Statistics of mean 0 and variance 1, so that it changes nothing in evaluation mode."""
    planted = nn.Sequential(nn.BatchNorm2d(1, affine=False), model).eval()
    planted[0].train(training)
    return planted
