"""What may do to attacks what a multiplier does, without one: if these resist as well, it is not the arithmetic."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.catalogue import MULTIPLIERS, Multiplier
from golden.cnn.checkpoint import weights_digest
from golden.errors import InvalidInput
from golden.pytorch.fitting import rounded
from golden.pytorch.observing import first_layer, multiplied_weights
from golden.robustness.store import array_digest, module_key, multiplier_key
from golden.robustness.targets.devices import Device, Fitted, fitted_device, logits, match
from golden.robustness.targets.inputs import Curve, changed_input, inputs_of_first_layer
from golden.robustness.targets.multipliers import on_multiplier
from golden.robustness.targets.names import TargetKind

__all__ = ["KINDS"]

LARGEST_SIGMA = 16.0
PRECISION = 1e-3
"""Of sigma, relative."""


def _noise(model: nn.Module, fitted: Fitted, *, draw: int, calibrated: int, multiplier: Multiplier) -> Device:
    """Return the exact network whose weights w are w (1 + sigma n), n standard normal and drawn once.

    Sigma is such that the logits are as far from the exact ones as those on the multiplier, each after its own
    temperature: as vectors over all images and classes they have the same angle to the exact ones. The draw depends on
    the weights and on its number alone. With ``calibrated`` 1 it is those on the multiplier after calibration.
    """
    if calibrated not in (0, 1):
        raise InvalidInput(f"calibrated={calibrated} is neither 0 nor 1; give one of them")
    noisy = copy.deepcopy(model)
    weights = multiplied_weights(noisy, fitted.images)
    words = [int(weights_digest(model)[start : start + 8], 16) for start in (0, 8)]
    random = np.random.RandomState([*words, draw])
    original = [weight.operand.clone() for weight in weights]
    drawn = [random.standard_normal(tuple(w.shape)).astype(np.float32) for w in original]
    normal = [torch.from_numpy(n).to(w.device) for n, w in zip(drawn, original, strict=True)]

    def disturb(sigma: float) -> nn.Module:
        with torch.no_grad():
            for weight, w, n in zip(weights, original, normal, strict=True):
                weight.operand.copy_(w * (1 + sigma * n))
        return noisy

    exact = logits(model, fitted.images)
    digests = multiplier_key(multiplier), array_digest(fitted.images.cpu().numpy()), array_digest(exact.cpu().numpy())
    nameless = digests[0] is None or fitted.emulation.get("layers") is not None
    key = None if nameless else (*module_key(model).values(), draw, calibrated, repr(fitted.emulation), *digests)
    found = _FOUND.get(key) or _matched(model, exact, fitted, multiplier, disturb, calibrated=bool(calibrated))
    if key is not None:
        _FOUND[key] = found
    disturb(found["sigma"])
    return fitted_device(
        noisy,
        model,
        fitted,
        draw=draw,
        **({"calibrated": True} if calibrated else {}),
        multiplier=str(multiplier),
        **found,
    )


_FOUND: dict[Any, dict[str, float]] = {}
"""What ``_matched`` found in this process: a draw is built again for each set of examples that it is shown."""


def _matched(
    model: nn.Module,
    exact: torch.Tensor,
    fitted: Fitted,
    multiplier: Multiplier,
    disturb: Callable[[float], nn.Module],
    *,
    calibrated: bool,
) -> dict[str, float]:
    """Find the sigma with which disturbed logits are as far from the exact ones as those on the multiplier."""
    from scipy.optimize import brentq

    modifiers = frozenset({"calibrated"} if calibrated else ())
    device = on_multiplier(model, fitted, multiplier=multiplier, modifiers=modifiers)
    wanted = match(device.module, exact, fitted.images)
    temperature = wanted.temperature

    def beyond(sigma: float) -> float:
        return match(disturb(sigma), exact, fitted.images).angle - wanted.angle

    most = 0.125
    while beyond(most) < 0:
        most *= 2
        if most > LARGEST_SIGMA:
            raise InvalidInput(
                f"no noise on the weights moves the logits as far as {multiplier} does; leave out the control "
                "'noise' for this multiplier"
            )
    sigma = float(brentq(beyond, 0.0, most, xtol=1e-9, rtol=PRECISION))  # type: ignore[arg-type]  # a float, as full_output is not asked
    return {
        "sigma": rounded(sigma),
        "matched_deviation": rounded(wanted.deviation),
        "matched_temperature": rounded(temperature),
    }


def _companding(model: nn.Module, fitted: Fitted, *, multiplier: Multiplier) -> Device:
    """Return the exact network whose first layer takes in what a multiplier makes of each value on average.

    See ``golden.robustness.targets.inputs.Curve``, which also says what its gradient is.
    """
    curve = Curve(first_layer(model, fitted.images).weight, multiplier)
    slope = curve.fit(inputs_of_first_layer(model, fitted.images))
    changed, name = changed_input(model, fitted.images, curve)
    return fitted_device(changed, model, fitted, layer=name, slope=slope, multiplier=str(multiplier))


KINDS = (
    TargetKind(
        "noise",
        "control",
        "the exact network with Gaussian noise on its weights, in proportion to them, one draw: as much as moves the "
        "logits as far as the multiplier does",
        _noise,
        {"draw": 0, "calibrated": 0, "multiplier": MULTIPLIERS["ax-fpm"]},
    ),
    TargetKind(
        "companding",
        "control",
        "the exact network behind the mean curve of the multiplier's first layer: what it makes of each pixel, and no "
        "other error",
        _companding,
        {"multiplier": MULTIPLIERS["ax-fpm"]},
    ),
)
