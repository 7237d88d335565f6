"""The first layer as a sum over pixels: what each pixel value contributes, in the layer's own products.

A convolution or linear layer adds products, y_o = bias_o + sum_p mul(f(x_p), w_op), where f is whatever stands between
the image and the layer (a normalisation, a clamp, a companding curve) and acts on each pixel alone. With the gradient g
at y, changing pixel p from x to v changes the loss, to first order in y and *exactly* in x, by

    sum_o g_o (mul(f(v), w_op) - mul(f(x), w_op)).

No derivative of ``mul`` or of f is taken. For one value v this is, for all pixels at once, the transposed convolution
of g with the products of f(v) and the weights; for values that differ from pixel to pixel, products are summed one by
one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from golden.errors import AxfpmWarning
from golden.pytorch import ApproximateModule
from golden.pytorch.contractions import MatrixProduct
from golden.pytorch.gradients import contract
from golden.pytorch.modes import EnteredContext
from golden.pytorch.rules import Rule
from golden.pytorch.state import current_context
from golden.robustness.adaptive.losses import Loss
from golden.robustness.attacks.best import attached

__all__ = ["FirstLayer", "find"]

LARGEST = 1 << 22
"""Products computed at once."""
NEIGHBOURHOOD = 0.1
"""Standard deviation of noise at a layer's output, in units of that of the output over one image."""


@dataclass(frozen=True)
class FirstLayer:
    """A network's first layer, written as a convolution; a linear layer is one over D channels of 1 x 1.

    Parameters
    ----------
    module : torch.nn.Module
        The whole network.
    layer : torch.nn.Module
        The first layer in it.
    rule : Rule or None
        How the layer's products are computed; None is exact torch.
    shape : tuple of int
        (C, H, W) of one image.
    """

    module: nn.Module
    layer: nn.Conv2d | nn.Linear
    rule: Rule | None
    shape: tuple[int, int, int]

    def gradient(
        self, images: Tensor, labels: Tensor, loss: Loss, *, samples: int = 1
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss's gradient at the layer's output, the layer's input, and the logits.

        With ``samples`` the gradient is a mean over as many points around the output, the output itself being the
        first: what follows is a step function as well.
        """
        count = len(images)
        with torch.enable_grad(), _watched(self.layer, exact=count) as seen:
            logits = self.module(images.repeat(samples, 1, 1, 1))
            assert seen.input is not None
            assert seen.output is not None
            total = loss(attached(logits, seen.output), labels.repeat(samples)).sum()
        (found,) = torch.autograd.grad(total, seen.output)
        mean = found.unflatten(0, (samples, count)).mean(0).nan_to_num(0, 0, 0)
        return mean, self.arranged(seen.input[:count]), logits[:count].detach()

    def front(self, images: Tensor) -> Tensor:
        """Return the layer's input for images, as (N, C, H, W) of its convolution."""
        with torch.no_grad(), _watched(self.layer) as seen:
            self.module(images)
        assert seen.input is not None
        return self.arranged(seen.input)

    def arranged(self, features: Tensor) -> Tensor:
        """Return the layer's input or output with two dimensions of space."""
        return features[:, :, None, None] if features.dim() == 2 else features

    @property
    def weight(self) -> Tensor:
        """(O, C / groups, R, S)."""
        weight = self.layer.weight.detach()
        return weight[:, :, None, None] if weight.dim() == 2 else weight

    @property
    def stride(self) -> tuple[int, int]:
        """Steps down and to the right."""
        return self.layer.stride if isinstance(self.layer, nn.Conv2d) else (1, 1)  # type: ignore[return-value]  # two numbers

    @property
    def dilation(self) -> tuple[int, int]:
        """Gaps of the kernel, down and to the right."""
        return self.layer.dilation if isinstance(self.layer, nn.Conv2d) else (1, 1)  # type: ignore[return-value]  # two numbers

    @property
    def groups(self) -> int:
        """Groups of channels."""
        return self.layer.groups if isinstance(self.layer, nn.Conv2d) else 1

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Zeros to the left, right, top, bottom, as ``torch.nn.functional.pad`` takes them."""
        if not isinstance(self.layer, nn.Conv2d):
            return (0, 0, 0, 0)
        left, right, top, bottom = self.layer._reversed_padding_repeated_twice
        return (left, right, top, bottom)

    def values(self, values: Tensor) -> Tensor:
        """Return f of pixel values (V,) for each of the layer's channels, (V, C)."""
        channels, height, width = self.shape
        if isinstance(self.layer, nn.Linear):
            return self.front(values.reshape(-1, 1, 1, 1).expand(-1, *self.shape).contiguous()).flatten(1)
        pixels = height * width
        images = -(-len(values) // pixels)
        filled = torch.cat([values, values[-1:].expand(images * pixels - len(values))])
        seen = self.front(filled.reshape(images, 1, height, width).expand(-1, channels, -1, -1).contiguous())
        return seen.transpose(0, 1).flatten(1).T[: len(values)].contiguous()

    def products(self, values: Tensor, weights: Tensor) -> Tensor:
        """Return mul(values_bm, weights_bo), of shape (B, M, O); values are the layer's own, behind f."""
        a, w = values[:, :, None].contiguous(), weights[:, None, :].contiguous()
        with torch.no_grad():
            return a * w if self.rule is None else contract(MatrixProduct(), a, w, None, self.rule)

    def kernels(self, values: Tensor) -> Tensor:
        """Return the products of pixel values (V,) with all weights, (V, O, C / groups, R, S)."""
        weight = self.weight
        outputs, inputs = weight.shape[:2]
        own = self.values(values).T.reshape(self.groups, inputs, len(values))
        grouped = weight.reshape(self.groups, outputs // self.groups, inputs, -1)
        found = [
            self.products(a, w.transpose(0, 1).flatten(1)).reshape(inputs, len(values), *w.shape[:1], *weight.shape[2:])
            for a, w in zip(own, grouped, strict=True)
        ]  # each (inputs, V, outputs of the group, R, S)
        return torch.cat(found, 2).permute(1, 2, 0, 3, 4).contiguous()

    def scores(self, gradient: Tensor, kernels: Tensor) -> Tensor:
        """Return sum_o g_o mul(f(v), w_op) for every candidate and pixel, (N, V, *shape)."""
        count, outputs, inputs, *window = kernels.shape
        g = self.arranged(gradient)
        stacked = kernels.permute(1, 2, 0, 3, 4).reshape(outputs, inputs * count, *window)
        found = functional.conv_transpose2d(g, stacked, stride=self.stride, dilation=self.dilation, groups=self.groups)
        found = self._without_padding(found).unflatten(1, (self.groups * inputs, count))
        return found.transpose(1, 2).reshape(len(g), count, *self.shape)

    def own_scores(self, gradient: Tensor, features: Tensor) -> Tensor:
        """Return sum_o g_o mul(features_p, w_op) for every pixel, (N, *shape); features are ``front`` of images."""
        g, weight = self.arranged(gradient).flatten(2), self.weight
        images, _, positions = g.shape
        height, width = features.shape[2:]
        padded = functional.pad(features, self.pads)
        window = {"kernel_size": tuple(weight.shape[2:]), "stride": self.stride, "dilation": self.dilation}
        parts = []
        for x, w, part in zip(
            padded.chunk(self.groups, 1), weight.chunk(self.groups), g.chunk(self.groups, 1), strict=True
        ):
            entries = functional.unfold(x, **window).transpose(0, 1).flatten(1)  # (C R S, N L)
            across = w.flatten(1).T  # (C R S, O)
            seen = part.transpose(1, 2).flatten(0, 1)  # (N L, O)
            block = max(LARGEST // max(seen.numel(), 1), 1)
            sums = [
                torch.einsum("bmo,mo->bm", self.products(a, b), seen)
                for a, b in zip(entries.split(block), across.split(block), strict=True)
            ]
            parts.append(torch.cat(sums).unflatten(1, (images, positions)).transpose(0, 1))
        folded = [functional.fold(part, padded.shape[2:], **window) for part in parts]
        left, _, top, _ = self.pads
        return torch.cat(folded, 1)[..., top : top + height, left : left + width].reshape(images, *self.shape)

    def _without_padding(self, found: Tensor) -> Tensor:
        """Cut a transposed convolution without padding down to the image, or fill up what no kernel reached."""
        height, width = (1, 1) if isinstance(self.layer, nn.Linear) else self.shape[1:]
        left, _, top, _ = self.pads
        short = (max(left + width - found.shape[-1], 0), max(top + height - found.shape[-2], 0))
        found = functional.pad(found, (0, short[0], 0, short[1]))
        return found[..., top : top + height, left : left + width]


def find(module: nn.Module, image: Tensor) -> FirstLayer | None:
    """Return the first layer of a network; None, with a warning, where pixels do not enter it one by one.

    That is so where the first product is not a ``torch.nn.Conv2d`` or ``Linear`` called as a module, where its padding
    is no zeros, and where its input has another arrangement than the image, or a value in it depends on several pixels
    or on chance.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    image : Tensor, (1, C, H, W)
        One image.
    """
    called: list[tuple[Any, Rule | None]] = []
    handles = [
        layer.register_forward_pre_hook(lambda layer, inputs: called.append((layer, _rule_here())))
        for layer in _layers(module)
    ]
    try:
        with torch.no_grad():
            module(image)
    finally:
        for handle in handles:
            handle.remove()
    reason = "it has no convolution or linear layer that is called as a module"
    if called:
        layer, rule = called[0]
        found = FirstLayer(module, layer, rule, tuple(image.shape[1:]))  # type: ignore[arg-type]  # three numbers
        reason = _obstacle(found, image)
        if not reason:
            return found
    warnings.warn(
        f"the search over values of single pixels is left out for this {type(module).__name__}: {reason}",
        AxfpmWarning,
        stacklevel=2,
    )
    return None


def _layers(module: nn.Module) -> list[nn.Module]:
    found = {}
    for each in module.modules():
        # The model in an ApproximateModule is none of its modules, and may be a layer itself.
        own = each.model if isinstance(each, ApproximateModule) else each
        if isinstance(own, nn.Conv2d | nn.Linear):
            found[id(own)] = own
    return list(found.values())


def _rule_here() -> Rule | None:
    entered = current_context()
    return entered.rule_here() if isinstance(entered, EnteredContext) else None


def _obstacle(first: FirstLayer, image: Tensor) -> str:
    if isinstance(first.layer, nn.Conv2d) and first.layer.padding_mode != "zeros":
        return f"its first layer pads by {first.layer.padding_mode}"
    features = first.front(image)
    expected = first.shape if isinstance(first.layer, nn.Conv2d) else (image[0].numel(), 1, 1)
    if features.shape[1:] != expected:
        return "the input of its first layer has another shape than the image"
    # Values from 0 to 1 in an order by chance that is always the same: each must become what it becomes elsewhere.
    levels = torch.linspace(0, 1, 17, device="cpu")
    shuffled = torch.Generator("cpu").manual_seed(0)
    which = torch.randint(len(levels), (2, *first.shape), generator=shuffled, device="cpu")
    table = first.values(levels.to(image.device))
    channels = torch.arange(table.shape[1], device="cpu").repeat_interleave(which[0].numel() // table.shape[1])
    alone = table[which.flatten(1), channels]
    if not torch.equal(first.front(levels[which].to(image.device)).flatten(1), alone):
        return "the input of its first layer is not a function of each pixel alone"
    return ""


@dataclass
class _Seen:
    """One call of a layer: its input after all that stands before it, and its output, made a leaf of autograd."""

    input: Tensor | None = None
    output: Tensor | None = None


@contextmanager
def _watched(layer: nn.Module, exact: int | None = None) -> Iterator[_Seen]:
    """See a layer's first call inside; of its outputs all but the first ``exact`` get some Gaussian noise."""
    seen = _Seen()

    def after(_layer: Any, args: tuple[Tensor, ...], named: dict[str, Tensor], output: Tensor) -> Tensor | None:
        if seen.output is not None:  # called again, deeper in the network
            return None
        seen.input, result = (*args, *named.values())[0].detach(), output.detach()
        if exact is not None and exact < len(result):
            spread = result[exact:].flatten(1).std(1).reshape(-1, *[1] * (result.dim() - 1))
            noise = NEIGHBOURHOOD * spread * torch.randn_like(result[exact:])
            result = torch.cat([result[:exact], result[exact:] + noise])
        seen.output = result.requires_grad_(torch.is_grad_enabled())
        return seen.output

    handle = layer.register_forward_hook(after, prepend=True, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()
