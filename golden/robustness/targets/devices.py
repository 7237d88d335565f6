"""What targets are fitted on, and what they become: a module as an attacker meets it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule
from golden.pytorch.fitting import BATCH, least_squares, require_exact, rounded
from golden.pytorch.logits import divided, logits_of

__all__ = ["Device", "Fitted", "Match", "fitted_device", "logits", "match", "own_copy"]


@dataclass(frozen=True)
class Fitted:
    """What targets are fitted on: never the images that are judged, and no labels.

    Parameters
    ----------
    images : Tensor of float32, (N, C, H, W)
        Training images; some hundred are enough.
    siblings : mapping of str to torch.nn.Module
        Other trained networks by role, for the references: ``independent``, ``pgd-trained``.
    emulation : mapping of str to object
        How multipliers are applied: ``layers``, ``accumulate`` and ``uncovered`` of ``golden.pytorch.approximate``.

    Raises
    ------
    InvalidInput
        (a ValueError) If there are no images.
    InvalidType
        (a TypeError) If the images are no tensor or array of float32.
    """

    images: Tensor
    siblings: Mapping[str, nn.Module] = field(default_factory=dict)
    emulation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        images: Any = torch.from_numpy(self.images) if isinstance(self.images, np.ndarray) else self.images
        if not isinstance(images, Tensor) or images.dtype != torch.float32:
            kind = str(images.dtype) if isinstance(images, Tensor) else type(images).__name__
            raise InvalidType(f"targets are fitted on images of float32, not {kind.removeprefix('torch.')}")
        if images.dim() == 0 or not len(images):
            raise InvalidInput("no images to fit targets to; give at least one, batch first")
        object.__setattr__(self, "images", images)

    def sibling(self, role: str) -> nn.Module:
        """Return a network by its role.

        Raises
        ------
        InvalidInput
            If none is known, or it is not exact.
        """
        if role not in self.siblings:
            raise InvalidInput(
                f"no {role} network is known beside this one; leave that target out, or give its checkpoint"
            )
        require_exact(self.siblings[role])
        return self.siblings[role]


@dataclass(frozen=True)
class Device:
    """A network as an attacker meets it.

    Parameters
    ----------
    module : torch.nn.Module
        (N, C, H, W) float32 in [0, 1] -> logits (N, classes), differentiable, in evaluation mode.
    temperature : float
        How much larger its logits are than those of the exact network; attacks see them divided by it.
    details : mapping of str to object
        What was fitted, JSON-ready: always ``temperature``; ``gains``, ``sigma`` and so on where there are such.
    """

    module: nn.Module
    temperature: float = 1.0
    details: Mapping[str, Any] = field(default_factory=dict)

    def attacked(self, *, gradient: str | None = None) -> nn.Module:
        """The module with its logits divided by the temperature.

        Parameters
        ----------
        gradient : str, optional
            How a multiplier is differentiated, as ``golden.pytorch.approximate`` takes it; exact parts have one way.
        """
        if isinstance(self.module, ApproximateModule):
            module, settings = self.module, _settings(self.module)
            settings["gradient"] = gradient or settings["gradient"]
            return ApproximateModule(module.model, **settings, temperature=self.temperature)
        return _Tempered(self.module, self.temperature).eval()


def _settings(module: ApproximateModule) -> dict[str, Any]:
    own = module.context.settings
    return {
        "multiplier": own.rule.multiplier,
        "layers": own.layers,
        "accumulate": own.rule.accumulate,
        "gradient": own.rule.gradient,
        "uncovered": own.uncovered,
    }


class _Tempered(nn.Module):
    def __init__(self, module: nn.Module, temperature: float) -> None:
        super().__init__()
        self.module, self.temperature = module, temperature

    def forward(self, x: Tensor) -> Tensor:
        return divided(self.module(x), self.temperature)


@dataclass(frozen=True)
class Match:
    """Logits z of one network beside logits e of another, over the same images.

    Parameters
    ----------
    both, same : float
        <z, e> and <e, e>.
    angle : float
        Between z and e as vectors, in radians: 0 where one is a multiple of the other.
    """

    both: float
    same: float
    angle: float

    @property
    def temperature(self) -> float:
        """The t that minimises |z - t e|^2.

        Raises
        ------
        InvalidInput
            If it is not positive and finite.
        """
        advice = "the network does not work in this form, which is no target"
        return least_squares(self.both, self.same, "logits", "temperature", advice)

    @property
    def deviation(self) -> float:
        """|z / t - e| / |e|: how far apart they are once the temperature is divided out."""
        return math.tan(self.angle)


def own_copy(model: nn.Module) -> nn.Module:
    """Return a copy that a target may keep: in evaluation mode, without gradients of its parameters."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def logits(module: nn.Module, images: Tensor) -> Tensor:
    """Return a network's logits in float64."""
    with torch.no_grad():
        return torch.cat([logits_of(module(part)).double() for part in images.split(BATCH)])


def match(module: nn.Module, exact: Tensor, images: Tensor) -> Match:
    """Compare a network's logits with others, as ``logits`` returns them."""
    z = logits(module, images)
    both, same = float((z * exact).sum()), float((exact * exact).sum())
    along = both / same if same else math.nan
    rest = z - along * exact  # orthogonal to e
    return Match(both, same, math.atan2(float((rest * rest).sum()) ** 0.5, along * same**0.5))


def fitted_device(module: nn.Module, model: nn.Module, fitted: Fitted, **details: Any) -> Device:
    """Return a module as a device, its temperature fitted on the exact model's logits."""
    found = match(module, logits(model, fitted.images), fitted.images)
    temperature = rounded(found.temperature)
    return Device(module, temperature, {"temperature": temperature, "deviation": rounded(found.deviation), **details})
