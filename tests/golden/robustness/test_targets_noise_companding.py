"""The controls that stray as a multiplier does, by noise or by a curve, and by nothing else."""

import copy
from typing import Any

import pytest
import torch
from target_cases import FITTED, IMAGES, MODEL, Small, deviation, logits, operands, ratio
from torch import nn

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule
from golden.robustness.targets import controls, target


@pytest.mark.parametrize(("name", "multiplier"), [("noise", "ax-fpm"), ("noise:draw=5,multiplier=e8m2", "e8m2")])
def test_noise_deviates_as_the_multiplier_does(digits, name, multiplier):
    model, fitted, _ = digits
    device = target(name).build(model, fitted)
    wanted = deviation(ApproximateModule(model, multiplier), model, fitted.images)
    assert deviation(device.module, model, fitted.images) == pytest.approx(wanted, rel=0.01)
    assert device.details["matched_deviation"] == pytest.approx(wanted, rel=1e-4)
    assert (device.details["multiplier"], device.details["draw"]) == (multiplier, 5 if "draw" in name else 0)
    sigma = device.details["sigma"]
    noises = []
    for key, parameter in model.named_parameters():
        changed = device.module.get_parameter(key)
        if parameter.dim() == 1:
            assert torch.equal(changed, parameter)
        else:
            noises.append(((changed / parameter - 1) / sigma).reshape(-1))
    normal = torch.cat(noises)
    assert abs(float(normal.mean())) < 0.02 and float(normal.std()) == pytest.approx(1, abs=0.02)
    assert 0.15 < float((normal.abs() > 1.3).float().mean()) < 0.25  # Gaussian: 0.194


def test_noise_is_matched_once_for_each_network(monkeypatch):
    class Other(type(MODEL)):
        def forward(self, x):
            return super().forward(x).square()

    Other.__qualname__ = Other.__name__ = type(MODEL).__name__
    Other.__module__ = type(MODEL).__module__
    monkeypatch.setattr(controls, "_FOUND", {})
    first = target("noise:draw=3").build(MODEL, FITTED)
    other = copy.deepcopy(MODEL)
    other.__class__ = Other  # what its name, its layers and its parameters do not tell
    changed = target("noise:draw=3").build(other, FITTED)
    assert changed.details["sigma"] != first.details["sigma"]
    monkeypatch.setattr(controls, "_matched", None)
    again = target("noise:draw=3").build(MODEL, FITTED)
    assert again.details == first.details
    for one, two in zip(again.module.parameters(), first.module.parameters(), strict=True):
        assert torch.equal(one, two)
    for name in ("noise:draw=4", "noise:draw=3,multiplier=bf16", "noise:draw=3,calibrated=1"):
        with pytest.raises(TypeError):
            target(name).build(MODEL, FITTED)


def test_noise_that_is_matched_after_calibration(digits):
    model, fitted, _ = digits
    raw, calibrated = (target(f"ax-fpm{modifier}").build(model, fitted) for modifier in ("", "+calibrated"))
    wanted = deviation(calibrated.module, model, fitted.images)
    device = target("noise:calibrated=1").build(model, fitted)
    assert deviation(device.module, model, fitted.images) == pytest.approx(wanted, rel=0.01)
    assert abs(wanted / deviation(raw.module, model, fitted.images) - 1) > 0.02
    assert device.details["calibrated"] is True
    assert "calibrated" not in target("noise").build(model, fitted).details
    with pytest.raises(InvalidInput, match="calibrated=2 is neither 0 nor 1; give one of them"):
        target("noise:calibrated=2").build(model, fitted)


def test_draws_of_noise():
    one, two, other = (target(f"noise:draw={draw}").build(MODEL, FITTED) for draw in (1, 2, 1))
    assert torch.equal(logits(one.module), logits(other.module))
    assert not torch.equal(logits(one.module), logits(two.module))
    assert deviation(one.module) == pytest.approx(deviation(two.module), rel=0.01)
    sibling = FITTED.sibling("independent")
    elsewhere = target("noise:draw=1").build(sibling, FITTED)
    normal = [
        (device.module.get_parameter("fc.weight") / model.get_parameter("fc.weight") - 1) / device.details["sigma"]
        for device, model in ((one, MODEL), (elsewhere, sibling))
    ]
    assert abs(float((normal[0] * normal[1]).mean())) < 0.2  # of other weights, independent
    torch.manual_seed(3)
    state = torch.get_rng_state()
    target("noise").build(MODEL, FITTED)
    assert torch.equal(state, torch.get_rng_state())
    assert target("noise:multiplier=exact").build(MODEL, FITTED).details["sigma"] < 1e-5


def test_noise_that_never_gets_so_far():
    class Squares(nn.Module):
        """Products of what comes in with itself, and a weight that has no say."""

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return ((x @ x) + 0 * self.layer(x)).flatten(1)

    with pytest.raises(InvalidInput, match="no noise on the weights moves the logits as far as ax-fpm does"):
        target("noise").build(Squares(), FITTED)


def single_pixel_products(layer: Any, v: float, multiplier: str) -> torch.Tensor:
    """A layer's own products of one value with its weights: the result for images of one pixel, without the bias."""
    bare = copy.deepcopy(layer)
    bare.bias = None
    image = torch.zeros(1, layer.in_channels, 2 * layer.kernel_size[0] - 1, 2 * layer.kernel_size[1] - 1)
    image[..., layer.kernel_size[0] - 1, layer.kernel_size[1] - 1] = v
    bare.padding = (0, 0)
    return logits(ApproximateModule(bare, multiplier), image).flatten(2).flip(2)[0]


@pytest.mark.parametrize("multiplier", ["ax-fpm", "mitchell"])
def test_the_companding_curve_is_the_mean_of_the_first_layers_own_products(digits, multiplier):
    model, fitted, _ = digits
    device = target(f"companding:multiplier={multiplier}").build(model, fitted)
    w = model.conv1.weight.flatten(1)
    for v in (0.0, 1.0, 1 - 2**-24, 0.5, 0.3, 0.99, 2**-9, -0.7):
        products = single_pixel_products(model.conv1, v, multiplier)
        assert products.shape == w.shape
        taken = operands(device, "conv1", torch.full((1, 1, 28, 28), v))
        assert taken.unique().numel() == 1
        assert taken.flatten()[0].item() == pytest.approx(ratio(products, w.detach()), rel=1e-6, abs=1e-12)
    if multiplier == "ax-fpm":  # just below a power of two many products are halved, at it none
        below, at = (operands(device, "conv1", torch.full((1, 1, 28, 28), v)).max().item() for v in (1 - 2**-24, 1.0))
        assert below < 1.3 and at > 1.45


def test_companding_is_the_exact_network_behind_its_curve(digits):
    model, fitted, images = digits
    device = target("companding").build(model, fitted)
    assert device.details["layer"] == "conv1"
    assert torch.equal(logits(device.module, images), logits(model, operands(device, "conv1", images)))
    x, c = fitted.images, operands(device, "conv1", fitted.images)
    assert device.details["slope"] == pytest.approx(ratio(c, x), rel=1e-4)
    taken = operands(device, "conv1", images).requires_grad_()
    model.eval()(taken).logsumexp(1).sum().backward()
    y = images.clone().requires_grad_()
    device.module(y).logsumexp(1).sum().backward()
    assert (
        taken.grad is not None
        and y.grad is not None
        and torch.allclose(y.grad, device.details["slope"] * taken.grad, rtol=1e-5)
    )
    one, shuffled = logits(device.module, images[:1]), logits(device.module, images.flip(0))
    assert torch.allclose(one, shuffled[-1:], atol=1e-4)


def test_companding_of_zeros_or_of_none():
    dead = Small()
    nn.init.zeros_(dead.conv.weight)
    with pytest.raises(InvalidInput, match="the first layer's weights are all zero or not finite"):
        target("companding").build(dead, FITTED)
    for name in ("companding", "ax-fpm+clamp"):
        with pytest.raises(InvalidInput, match="the model has no first layer"):
            target(name).build(nn.Flatten(), FITTED)


class Named(nn.Module):
    """Calls its first layer by keyword."""

    def __init__(self):
        super().__init__()
        self.conv = MODEL.conv

    def forward(self, x):
        return self.conv(input=x).flatten(1)


def test_a_first_layer_that_is_called_by_keyword():
    device = target("companding").build(Named(), FITTED)
    curve = target("companding").build(MODEL, FITTED)
    x = IMAGES[:2]
    taken = operands(curve, "conv", x / 2 + 0.25)  # the same operands, behind the preprocessing
    assert torch.allclose(logits(device.module, x), logits(MODEL.conv, taken).flatten(1), atol=1e-5)
