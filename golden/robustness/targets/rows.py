"""The exact network, small changes of it that attackers of any network meet, and other networks."""

from __future__ import annotations

import copy
from functools import partial

import torch
from torch import Tensor, nn

from golden.pytorch.observing import multiplied_weights
from golden.robustness.row_types import EXACT
from golden.robustness.targets.devices import Device, Fitted, fitted_device, own_copy
from golden.robustness.targets.inputs import straight_through
from golden.robustness.targets.names import TargetKind

__all__ = ["KINDS"]


def _exact(model: nn.Module, fitted: Fitted) -> Device:
    return Device(model, 1.0, {"temperature": 1.0, "deviation": 0.0})


class _EightBits(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(straight_through(x, _to_eight_bits))


def _to_eight_bits(x: Tensor) -> Tensor:
    return (x * 255).round() / 255


def _image8(model: nn.Module, fitted: Fitted) -> Device:
    return fitted_device(_EightBits(model), model, fitted)


def _int8(model: nn.Module, fitted: Fitted) -> Device:
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for weight in multiplied_weights(changed, fitted.images):
            w = weight.operand
            along = [dim for dim in range(w.dim()) if dim != weight.output]
            step = w.abs().amax(along, keepdim=True) / 127
            step = torch.where(step > 0, step, torch.ones_like(step))
            w.copy_((w / step).round().clamp(-127, 127) * step)
    return fitted_device(changed, model, fitted)


def _sibling(model: nn.Module, fitted: Fitted, *, role: str) -> Device:
    return _exact(own_copy(fitted.sibling(role)), fitted)


KINDS = (
    TargetKind(EXACT, "exact", "the network in plain torch", _exact),
    TargetKind("image8", "row", "the exact network behind an image rounded to 8 bits, its gradient 1", _image8),
    TargetKind(
        "int8",
        "row",
        "the exact network with each output channel's weights rounded to 255 levels, accumulated in float32",
        _int8,
    ),
    TargetKind(
        "independent",
        "reference",
        "a network of the same architecture, trained from another seed",
        partial(_sibling, role="independent"),
        network=True,
    ),
    TargetKind(
        "pgd-trained",
        "reference",
        "a network of the same architecture, trained on adversarial examples",
        partial(_sibling, role="pgd-trained"),
        network=True,
    ),
)
