"""The adaptive attack: what it finds beside PGD, what does not fool it, what it leaves alone."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from golden.cnn import checkpoint, data
from golden.errors import AxfpmWarning, InvalidInput
from golden.pytorch import ApproximateModule, temperature
from golden.robustness.adaptive.ablation import ablation
from golden.robustness.adaptive.losses import logit_scale, losses
from golden.robustness.adaptive.parts import OFF
from golden.robustness.adaptive.variants import EXACT, SURROGATE, Variants
from golden.robustness.attacks import attack, attacks
from golden.robustness.targets import Fitted, target

SHORT = "steps=10,restarts=3,first-layer=4"
BARE = "steps=10,restarts=1,first-layer=0,losses=0,queries=0"


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0].requires_grad_(False)


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:24], labels[:24]


@pytest.fixture(scope="module")
def ax_fpm(lenet5):
    images, _ = data.load("digits", "train")
    fitted = temperature(lenet5, "ax-fpm", images[:100])
    return ApproximateModule(lenet5, "ax-fpm", temperature=fitted)


def wrong(module, images, labels):
    with torch.no_grad():
        return module(torch.from_numpy(images)).argmax(1).numpy() != labels


def fooled(name, module, digits, seed=0):
    images, labels = digits
    return int(wrong(module, attack(name).craft(module, images, labels, seed=seed), labels).sum())


def test_names():
    assert str(attack("adaptive:eps=0.1,restarts=2,first-layer=0")) == "adaptive:eps=0.1,restarts=2,first-layer=0"
    assert [str(a) for a in attacks("adaptive-l2")] == [f"adaptive-l2:eps={eps}" for eps in ("0.5", "1", "2")]
    assert (attack("adaptive").norm, attack("adaptive-l2").norm) == ("linf", "l2")
    with pytest.raises(InvalidInput, match="restarts=0 is out of range"):
        attack("adaptive:restarts=0")


@pytest.mark.parametrize(
    ("mine", "pgd", "least"),
    [
        (f"adaptive:eps=0.04,{SHORT}", "pgd:eps=0.04", 3),
        (f"adaptive-l2:eps=0.6,{SHORT}", "pgd-l2:eps=0.6", 1),
    ],
)
def test_it_finds_what_no_gradient_sees(ax_fpm, digits, mine, pgd, least):
    ordinary, adapted = fooled(pgd, ax_fpm, digits), fooled(mine, ax_fpm, digits)
    assert ordinary < len(digits[0]) / 2
    assert adapted >= ordinary + least


@pytest.mark.parametrize(
    "name",
    ["adaptive:eps=0.06,steps=6,restarts=2,first-layer=3", "adaptive-l2:eps=0.8,steps=6,restarts=2,first-layer=3"],
)
def test_budget_seed_and_what_is_left_alone(ax_fpm, digits, name):
    images, labels = digits[0][:8], digits[1][:8]
    one, settings = attack(name), ax_fpm.context.settings
    state = torch.get_rng_state()
    crafted = one.craft(ax_fpm, images, labels, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert crafted.dtype == np.float32
    assert crafted.min() >= 0
    assert crafted.max() <= 1
    change = (crafted.astype(np.float64) - images).reshape(len(images), -1)
    length = np.abs(change).max(1) if one.norm == "linf" else np.linalg.norm(change, axis=1)
    assert length.max() <= one.epsilon
    assert length.max() > 0.99 * (one.epsilon or 1)
    assert np.array_equal(crafted, one.craft(ax_fpm, images, labels, seed=3))
    assert not np.array_equal(crafted, one.craft(ax_fpm, images, labels, seed=4))
    # On the module itself, not on a copy.
    x, y = torch.from_numpy(images[:3]), torch.from_numpy(labels[:3])
    one.kind.run(ax_fpm, x, y, **dict(one.parameters))
    assert ax_fpm.context.settings is settings
    assert not ax_fpm._axfpm_masking.said
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in ax_fpm.modules())


@pytest.mark.parametrize(("mine", "pgd"), [("adaptive:eps=0.06", "pgd:eps=0.06"), ("adaptive-l2", "pgd-l2")])
def test_an_exact_model_is_attacked_as_well_as_by_pgd(lenet5, digits, mine, pgd):
    ordinary = fooled(pgd, lenet5, digits)
    assert 0 < ordinary < len(digits[0])
    assert fooled(f"{mine}{',' if ':' in mine else ':'}restarts=4,first-layer=4", lenet5, digits) >= ordinary


class ZeroGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, *grad_outputs):
        return torch.zeros_like(grad_outputs[0])


class Planted(nn.Module):
    """A defence in name: the model behind a step function, a zero gradient, or a division."""

    def __init__(self, model, kind):
        super().__init__()
        self.model, self.kind = model, kind

    def forward(self, x):
        if self.kind == "stairs":
            x = (x * 16).round() / 16
        z = self.model(x)
        if self.kind == "no gradient":
            z = ZeroGradient.apply(z)
        if self.kind == "detached":
            z = z.detach()
        return 1000 * z if self.kind == "temperature" else z


@pytest.mark.parametrize("kind", ["temperature", "stairs", "no gradient", "detached"])
@pytest.mark.parametrize("norm", ["", "-l2"])
def test_planted_defences(lenet5, digits, kind, norm):
    eps = 3.0 if norm else 0.14
    planted = Planted(lenet5, kind)
    assert not wrong(planted, *digits).any()
    for blind in (f"pgd{norm}:eps={eps}", f"adaptive{norm}:eps={eps},{BARE}"):
        assert fooled(blind, planted, digits) == 0
    assert fooled(f"adaptive{norm}:eps={eps},{SHORT},queries=600", planted, digits) >= 20


def test_without_a_first_layer_the_rest_goes_on(lenet5, digits):
    blurred = nn.Sequential(nn.AvgPool2d(3, 1, 1), lenet5)
    with pytest.warns(AxfpmWarning, match="is left out for this Sequential"):
        assert fooled("adaptive:eps=0.1,steps=10,restarts=1", blurred, digits) > int(wrong(blurred, *digits).sum())


def test_clamped_target(lenet5, digits):
    images, labels = digits
    train, _ = data.load("digits", "train")
    device = target("ax-fpm+clamp").build(lenet5, Fitted(torch.from_numpy(train[:50]))).attacked()
    name = "adaptive:eps=0.04,steps=5,restarts=1,first-layer=6"
    assert fooled(name, device, digits) > fooled("pgd:eps=0.04", device, digits)
    assert wrong(device, attack(name).craft(device, images, labels), labels).sum() >= 1


def test_variants(lenet5):
    image = torch.rand(1, 1, 28, 28)
    module = ApproximateModule(lenet5, "ax-fpm", gradient="straight-through")
    wrapped = nn.Sequential(module, nn.Identity())
    variants = Variants(wrapped, image)
    assert variants.gradients == ({}, {"gradient": "masked"}, {"gradient": "scaled"})
    assert variants.twins == (EXACT, SURROGATE)
    with torch.no_grad(), variants.using(EXACT):
        assert torch.equal(wrapped(image), lenet5(image))
    with pytest.raises(KeyError), variants.using(SURROGATE):
        raise KeyError
    assert module.context.settings.rule.compute == "multiplier"
    mitchell = Variants(ApproximateModule(lenet5, "mitchell"), image)
    assert mitchell.gradients == ({}, {"gradient": "straight-through"})
    assert mitchell.twins == (EXACT,)
    exact = Variants(lenet5, image)
    assert (exact.gradients, exact.twins) == (({},), ())


def test_losses_have_a_gradient_whatever_the_scale(lenet5, digits):
    x, y = torch.from_numpy(digits[0]), torch.from_numpy(digits[1])
    logits = 1000 * lenet5(x)
    assert logit_scale(logits) == pytest.approx(1000 * logit_scale(lenet5(x)), rel=1e-4)
    assert logit_scale(torch.zeros(3, 4)) == 1
    logits.requires_grad_(True)
    raw, *others = (torch.autograd.grad(loss(logits, y).sum(), logits)[0] for loss in losses(logit_scale(logits)))
    assert (raw == 0).all(1).sum() > 12
    assert len(others) == 3
    for gradient in others[:2]:
        assert not (gradient == 0).all(1).any()


def test_each_part_can_be_left_out(ax_fpm, digits):
    images, labels = digits[0][:2], digits[1][:2]
    for part in (name.replace("_", "-") for name in OFF):
        name = f"adaptive:eps=0.06,steps=2,restarts=1,{part}=0"
        assert str(attack(name)) == name
        crafted = attack(name).craft(ax_fpm, images, labels)
        assert 0 < np.abs(crafted.astype(np.float64) - images).max() <= 0.06


def test_ablation(ax_fpm, digits):
    images, labels = digits[0][:8], digits[1][:8]
    rows = ablation(ax_fpm, images, labels, 0.05, seed=1, steps=4, restarts=1)
    by_part = {row.part: row for row in rows}
    assert next(iter(by_part)) == "plain runs"
    assert list(by_part)[-1] == "all"
    assert len(by_part) == 8
    assert by_part["first-layer search"].attack.startswith("adaptive:eps=0.05,steps=4,restarts=1,smooth=0")
    assert by_part["all"].attack == "adaptive:eps=0.05,steps=4,restarts=1"
    assert by_part["all"].success.k >= by_part["plain runs"].success.k
    assert by_part["first-layer search"].success.k > by_part["plain runs"].success.k
    assert by_part["all"].to_dict()["success"]["n"] == 8
    assert {"rounded", "shaken"} <= by_part["all"].to_dict().keys()
    with pytest.raises(InvalidInput, match="norm"):
        ablation(ax_fpm, images, labels, 0.1, "l1")


@pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
@pytest.mark.long
@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm+clamp", "exact torch", "e8m1"])
def test_mnist(name):
    model, _ = checkpoint.load("lenet5-mnist")
    train, _ = data.load("mnist", "train")
    images, labels = data.load("mnist", "test")
    digits = images[:50], labels[:50]
    device = target(name).build(model, Fitted(torch.from_numpy(train[:200]))).attacked()
    for mine, pgd in (("adaptive:eps=0.1", "pgd:eps=0.1"), ("adaptive-l2:eps=1", "pgd-l2:eps=1")):
        ordinary = fooled(pgd, device, digits)
        more = {"ax-fpm": 8, "ax-fpm+clamp": 12}.get(name, 0)
        assert fooled(mine, device, digits) >= ordinary + more
