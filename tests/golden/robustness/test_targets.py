"""Targets are what their names say: bit for bit on a multiplier, and exactly as far from exact as they should be."""

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from target_cases import FITTED, IMAGES, MODEL, Small, deviation, logits, operands, ratio
from torch import nn
from torch.nn import functional

import axfpm
from golden.errors import InvalidInput, InvalidType
from golden.pytorch import ApproximateModule, approximate
from golden.robustness.row_types import EXACT
from golden.robustness.targets import Fitted, target, targets

ALL = (
    f"{EXACT},ax-fpm,ax-fpm+calibrated,ax-fpm+clamp,ax-fpm+calibrated+clamp,mitchell+clamp,noise,noise:draw=1,"
    "noise:multiplier=e8m1,companding,companding:multiplier=mitchell,image8,int8,independent,pgd-trained,"
    "pgd-trained/ax-fpm,independent/int8"
).split(",")


@pytest.mark.parametrize("name", ALL)
def test_every_target(name):
    """Copies, pickles, repeats; changes nothing that it is given; and an attacker can differentiate it."""
    model = Small().train()
    model.conv.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    device = target(name).build(model, FITTED)
    assert [m.training for m in model.modules()] == [True, True, False]
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert not any(m.training for m in device.module.modules())
    with torch.no_grad():
        expected = logits(device.module)
        model.conv.weight.zero_()  # the device holds its own
    assert torch.equal(logits(device.module), expected)
    again = target(name).build(MODEL, FITTED)
    assert again.details == device.details and json.loads(json.dumps(dict(device.details))) == device.details
    assert torch.equal(logits(again.module), expected)
    attacked = device.attacked()
    for twin in (attacked, copy.deepcopy(attacked), pickle.loads(pickle.dumps(device)).attacked()):
        assert torch.equal(logits(twin), expected / device.temperature)
    assert device.details["temperature"] == device.temperature > 0
    x = IMAGES[:20].clone().requires_grad_()
    functional.cross_entropy(attacked(x), logits(attacked, IMAGES[:20]).argmax(1)).backward()
    assert x.grad is not None and x.grad.flatten(1).any(1).all()
    assert all(p.grad is None for p in attacked.parameters())


@pytest.mark.parametrize("name", ["ax-fpm", "e8m1", "mitchell", "ax-fpm:block=2,carry=widen"])
def test_a_multiplier_is_the_network_on_it_bit_for_bit(name):
    device = target(name).build(MODEL, FITTED)
    with approximate(name):
        assert torch.equal(logits(device.module), logits(MODEL))
    assert isinstance(device.module, ApproximateModule) and device.module.context.settings.rule.gradient == "scaled"
    assert device.temperature == pytest.approx(axfpm.temperature(MODEL, name, FITTED.images), rel=1e-4)
    assert device.attacked().temperature == device.temperature
    assert device.details["deviation"] == pytest.approx(deviation(device.module), rel=1e-4)


def test_multipliers_are_applied_as_asked():
    fitted = Fitted(FITTED.images, emulation={"layers": {"fc": None}, "accumulate": "float64"})
    device = target("ax-fpm").build(MODEL, fitted)
    with approximate("ax-fpm", layers={"fc": None}, accumulate="float64"):
        assert torch.equal(logits(device.module), logits(MODEL))
    assert torch.equal(logits(device.attacked()), logits(device.module) / device.temperature)
    gains = target("ax-fpm+calibrated").build(MODEL, fitted).details["gains"]
    assert gains["fc.bias"] == pytest.approx(gains["conv.bias"], rel=0.05)  # exact, behind one that is not


def test_the_exact_network():
    device = target(EXACT).build(MODEL, FITTED)
    assert device.temperature == 1 and torch.equal(logits(device.module), logits(MODEL))
    assert torch.equal(logits(device.attacked()), logits(MODEL))


def test_calibrated(digits):
    model, fitted, images = digits
    device = target("ax-fpm+calibrated").build(model, fitted)
    scaled = axfpm.calibrate(model, "ax-fpm", fitted.images)
    with approximate("ax-fpm"):
        assert torch.equal(logits(device.module, images), logits(scaled, images))
    assert list(device.details["gains"]) == [f"{layer}.bias" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")]
    # of the logits on those of the exact network, which is not the calibrated one run exactly
    assert device.temperature == pytest.approx(
        ratio(logits(device.module, fitted.images), logits(model, fitted.images)), 1e-4
    )
    assert device.temperature == pytest.approx(device.details["gains"]["fc3.bias"], rel=0.02)


def test_clamped_operands_are_no_powers_of_two():
    powers = torch.tensor([2.0**k for k in range(-126, 128)])
    beside = torch.cat([powers.nextafter(torch.tensor(0.0))[1:], powers.nextafter(torch.tensor(torch.inf))])
    kept = torch.tensor([0.0, -0.0, 2.0**-149, 2.0**-127, torch.inf, -torch.inf, torch.nan, 0.3])
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False)).requires_grad_(False)
    device = target("exact+clamp").build(model, Fitted(torch.ones(3, 1, 1, 1)))
    assert device.details["clamped"] == "1"

    def clamped(x):
        return operands(device, "1", x[:, None, None, None])[:, 0]

    for x in (powers, -powers):
        assert torch.equal(clamped(x).view(torch.int32), x.view(torch.int32) - 1)
        assert torch.equal(clamped(x).abs(), x.abs().nextafter(torch.tensor(0.0)))
    for x in (beside, -beside, kept):
        assert torch.equal(clamped(x).view(torch.int32), x.view(torch.int32))
    assert clamped(torch.ones(1)).item() == 1 - 2**-24


def test_clamp_is_exact_forward_and_one_backward():
    x = IMAGES.clone()
    x[:, :, ::2, ::3] = 0.75  # preprocessed to 1.0
    x[:, :, 1::2, ::3] = 0.25  # to 0
    x[:, :, ::2, 1::3] = 0.0  # to -0.5
    device = target("ax-fpm+clamp").build(MODEL, FITTED)
    seen = operands(device, "conv", x)
    bits = seen.view(torch.int32)
    assert not ((bits & 0x7FFFFF == 0) & (bits & 0x7F800000 != 0)).any()
    plain = (x - 0.25) * 2
    changed = seen != plain
    assert 0.3 < changed.float().mean() < 0.5 and set(plain[changed].tolist()) == {1.0, -0.5}

    class Lowered(nn.Module):
        """The same network, its preprocessing written down with the lowered operands."""

        def forward(self, x):
            return MODEL.fc(functional.max_pool2d(MODEL.conv(x).relu(), 2).flatten(1))

    with approximate("ax-fpm"):
        assert torch.equal(logits(device.module, x), logits(Lowered(), seen))
    assert not torch.equal(logits(device.module, x), logits(target("ax-fpm").build(MODEL, FITTED).module, x))

    def gradient(name):
        y = IMAGES[:5].clone().requires_grad_()  # no power of two among them: the same network but for the clamp
        target(name).build(MODEL, FITTED).module(y).sum().backward()
        return y.grad

    clamped, raw = gradient("ax-fpm+clamp"), gradient("ax-fpm")
    assert clamped is not None and raw is not None and torch.equal(clamped, raw)


def test_gains_are_those_behind_the_clamp():
    fitted = Fitted((FITTED.images > 0.5).float() * 0.5 + 0.25)  # preprocessed to 0 and 1
    clamped, raw = (target(name).build(MODEL, fitted) for name in ("ax-fpm+calibrated+clamp", "ax-fpm+calibrated"))
    assert clamped.details["gains"]["conv.bias"] + 0.2 < raw.details["gains"]["conv.bias"]
    scaled: Any = clamped.module
    assert torch.equal(scaled.conv.bias, MODEL.conv.bias * clamped.details["gains"]["conv.bias"])


def test_image8(digits):
    model, fitted, _ = digits
    device = target("image8").build(model, fitted)
    levels = torch.arange(256, dtype=torch.float32) / 255
    g = torch.Generator().manual_seed(7)
    chosen = levels[torch.randint(256, (4, 1, 28, 28), generator=g)]
    assert torch.equal(logits(device.module, chosen), logits(model, chosen))
    near = (chosen + (torch.rand(chosen.shape, generator=g) - 0.5) * 0.99 / 255).clamp(0, 1)
    assert not torch.equal(near, chosen)
    assert torch.equal(logits(device.module, near), logits(model, chosen))
    x = near.clone().requires_grad_()
    device.module(x).sum().backward()
    y = chosen.clone().requires_grad_()
    model(y).sum().backward()
    assert x.grad is not None and y.grad is not None and torch.equal(x.grad, y.grad)


def test_int8(digits):
    model, fitted, _ = digits
    device = target("int8").build(model, fitted)
    for key, parameter in model.named_parameters():
        changed = device.module.get_parameter(key)
        if parameter.dim() == 1:
            assert torch.equal(changed, parameter)
            continue
        step = parameter.flatten(1).abs().amax(1) / 127
        for w, q, s in zip(parameter.flatten(1), changed.flatten(1), step, strict=True):
            assert torch.allclose(q / s, (q / s).round(), atol=1e-3) and float((q / s).abs().max()) <= 127.001
            assert float((w - q).abs().max()) <= 0.5001 * float(s)
    assert 0 < device.details["deviation"] < 0.02 and device.temperature == pytest.approx(1, abs=0.01)
    dead = Small()
    nn.init.zeros_(dead.conv.weight[1])
    assert not target("int8").build(dead, FITTED).module.get_parameter("conv.weight")[1].any()


def test_references():
    for role in ("independent", "pgd-trained"):
        assert torch.equal(logits(target(role).build(MODEL, FITTED).module), logits(FITTED.sibling(role)))
    sibling = FITTED.sibling("pgd-trained")
    device = target("pgd-trained/ax-fpm").build(MODEL, FITTED)
    assert device.details == target("ax-fpm").build(sibling, FITTED).details  # the temperature is on its own exact form
    with approximate("ax-fpm"):
        assert torch.equal(logits(device.module), logits(sibling))
    with pytest.raises(InvalidInput, match="no pgd-trained network is known beside this one; leave that target out"):
        target("pgd-trained/ax-fpm").build(MODEL, Fitted(IMAGES))
    wrong = Fitted(IMAGES, {"independent": ApproximateModule(Small(), "bf16")})
    with pytest.raises(InvalidInput, match="holds an ApproximateModule"):
        target("independent").build(MODEL, wrong)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ([[0.5]], InvalidType, "targets are fitted on images of float32, not list"),
        (IMAGES.double(), InvalidType, "targets are fitted on images of float32, not float64"),
        (IMAGES.numpy().astype(np.float64), InvalidType, "not float64"),
        (IMAGES[:0], InvalidInput, "no images to fit targets to; give at least one"),
    ],
)
def test_what_nothing_is_fitted_on(images, error, message):
    with pytest.raises(error, match=message):
        Fitted(images)


def test_models_that_are_no_exact_networks():
    assert torch.equal(Fitted(IMAGES.numpy()).images, IMAGES)  # type: ignore[arg-type]
    for t in targets("ax-fpm,noise,image8"):
        with pytest.raises(InvalidInput, match="the model holds an ApproximateModule"):
            t.build(ApproximateModule(MODEL, "bf16"), FITTED)
        with pytest.raises(InvalidType, match=r"a model is a torch\.nn\.Module, not str"):
            t.build("lenet5-digits", FITTED)  # type: ignore[arg-type]
    silent = Small()
    for p in silent.fc.parameters():
        nn.init.zeros_(p)
    with pytest.raises(
        InvalidInput, match="nan times the exact ones by least squares, which is no temperature; the net"
    ):
        target("ax-fpm").build(silent, FITTED)
