"""The same network on a multiplier, as it is or with a modifier, or on an assignment of one to each layer."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from torch import nn

from golden.assignments import Assignment
from golden.catalogue import Multiplier
from golden.pytorch import ApproximateModule
from golden.pytorch.calibration import calibration
from golden.pytorch.observing import product_names
from golden.robustness.targets.devices import Device, Fitted, fitted_device
from golden.robustness.targets.inputs import Clamp, changed_input

__all__ = ["MODIFIERS", "on_assignment", "on_multiplier"]

MODIFIERS = MappingProxyType(
    {
        "calibrated": "biases times their layers' cumulative gains (axfpm.calibrate)",
        "clamp": "operands of the first layer lowered by one unit in the last place where they are powers of two",
    }
)
"""What may stand behind a multiplier's name, with ``+`` before it, in the order of canonical names."""


def on_multiplier(
    model: nn.Module, fitted: Fitted, *, multiplier: Multiplier, modifiers: frozenset[str] = frozenset()
) -> Device:
    """Return the network on a multiplier; gains and temperature are those of the device with all modifiers."""
    details: dict[str, Any] = {}
    run = model
    if "clamp" in modifiers:
        run, details["clamped"] = changed_input(run, fitted.images, Clamp())
    if "calibrated" in modifiers:
        wrapped = ApproximateModule(run, multiplier, **fitted.emulation)
        run, details["gains"] = calibration(wrapped, multiplier, fitted.images)
    return fitted_device(ApproximateModule(run, multiplier, **fitted.emulation), model, fitted, **details)


def on_assignment(
    model: nn.Module, fitted: Fitted, *, assignment: Assignment, modifiers: frozenset[str] = frozenset()
) -> Device:
    """Return the network with each layer on the multiplier that an assignment gives it.

    Raises
    ------
    InvalidInput
        If the assignment is not one of this network's layers.
    """
    assignment.require_layers(product_names(model, fitted.images))
    own = replace(fitted, emulation={**fitted.emulation, "layers": assignment})
    return on_multiplier(model, own, multiplier=assignment.multipliers[0], modifiers=modifiers)
