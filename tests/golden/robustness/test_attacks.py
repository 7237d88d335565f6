"""Attacks: names, budgets, effect, and what they leave alone."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from golden.cnn import checkpoint, data
from golden.errors import InvalidInput
from golden.registry import Registry
from golden.robustness import attacks
from golden.robustness.attacks import ATTACKS, Kind, attack, kinds


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0]


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:40], labels[:40]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("fgsm:eps=0.1", ["fgsm:eps=0.1"]),
        ("fgsm", ["fgsm:eps=0.05", "fgsm:eps=0.1", "fgsm:eps=0.2"]),
        ("fgsm:eps=.3,pgd:eps=0.1,steps=7", ["fgsm:eps=0.3", "pgd:eps=0.1,steps=7"]),
        ("pgd:steps=7", ["pgd:eps=0.05,steps=7", "pgd:eps=0.1,steps=7", "pgd:eps=0.2,steps=7"]),
        (["pgd:eps=0.1", "pgd:eps=0.10", "fgsm:eps=1"], ["pgd:eps=0.1", "fgsm:eps=1"]),
    ],
)
def test_names(name, canonical):
    found = attacks.attacks(name)
    assert [str(a) for a in found] == canonical
    assert attacks.attacks(canonical) == found


def test_pass_through():
    one = attack("pgd:eps=0.25")
    assert attack(one) is one
    assert attacks.attacks(one) == (one,)
    assert (one.epsilon, one.norm) == (0.25, "linf")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fgms", "unknown attack 'fgms'; did you mean fgsm"),
        ("fgsm:epsilon=0.1", "attack 'fgsm' has no parameter 'epsilon'; choose from eps"),
        ("fgsm:eps=much", "eps=much is not a number; write for example eps=0.1"),
        ("pgd:eps=0.1,steps=2.5", "steps=2.5 is not a whole number"),
        ("fgsm:eps=0", "eps=0 is out of range; give a value above 0 and at most 1"),
        ("fgsm:eps=nan", "eps=nan is out of range"),
        ("fgsm:eps=1.5", "eps=1.5 is out of range"),
        ("pgd:eps=0.1,steps=-3", "steps=-3 is out of range; give a value above 0 and finite"),
        ("eps=0.1", "unknown attack 'eps=0.1'"),
        ("", "no attack named; choose from fgsm, fgsm-l2, bim"),
        ([], "no attack named"),
    ],
)
def test_wrong_names(name, message):
    with pytest.raises(InvalidInput, match=message):
        attacks.attacks(name)


def test_fgsm_on_a_linear_model():
    # For logits (w x, 0) and label 0 the loss falls with w x: FGSM subtracts eps * sign(w), then clips to [0, 1].
    linear = nn.Linear(4, 2, bias=False)
    module = nn.Sequential(nn.Flatten(), linear)
    weight = torch.tensor([[1.0, -2.0, 3.0, -4.0], [0.0, 0.0, 0.0, 0.0]])
    linear.weight.data = weight
    image = np.array([0.5, 0.5, 0.02, 0.98], np.float32).reshape(1, 1, 2, 2)
    crafted = attack("fgsm:eps=0.1").craft(module, image, np.array([0]))
    assert crafted.reshape(-1) == pytest.approx([0.4, 0.6, 0.0, 1.0], abs=1e-6)
    assert linear.weight.grad is None
    assert module.training
    assert torch.equal(linear.weight, weight)


@pytest.mark.parametrize("name", ["fgsm:eps=0.1", "pgd:eps=0.1,steps=10"])
def test_budget_effect_and_seed(lenet5, digits, name):
    images, labels = digits
    before = images.copy()
    state = torch.get_rng_state()
    crafted = attack(name).craft(lenet5, images, labels, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(images, before)
    assert crafted.dtype == np.float32
    assert crafted.shape == images.shape
    assert (crafted.min(), crafted.max()) >= (0, 0)
    assert crafted.max() <= 1
    assert 0.099 < np.abs(crafted - images).max() <= 0.1 + 1e-6
    with torch.no_grad():
        wrong = lenet5(torch.from_numpy(crafted)).argmax(1).numpy() != labels
        noise = np.sign(np.random.default_rng(0).normal(size=images.shape)).astype(np.float32)
        noisy = np.clip(images + np.float32(0.1) * noise, 0, 1)
        noise_wrong = lenet5(torch.from_numpy(noisy)).argmax(1).numpy() != labels
    assert wrong.mean() >= 0.4  # the attack works,
    assert noise_wrong.mean() <= 0.2  # and not because of the perturbation's size
    assert np.array_equal(crafted, attack(name).craft(lenet5, images, labels, seed=3))


def test_pgd_uses_the_seed_and_beats_fgsm(lenet5, digits):
    images, labels = digits

    def wrong(crafted):
        with torch.no_grad():
            return int((lenet5(torch.from_numpy(crafted)).argmax(1).numpy() != labels).sum())

    pgd = attack("pgd:eps=0.1")
    first = pgd.craft(lenet5, images, labels, seed=1)
    assert not np.array_equal(first, pgd.craft(lenet5, images, labels, seed=2))
    assert wrong(first) >= wrong(attack("fgsm:eps=0.1").craft(lenet5, images, labels))


def test_batches_do_not_exceed_the_limit(monkeypatch):
    sizes = []

    def remember(_module, images, _labels, *, eps):
        sizes.append(len(images))
        return images + eps + torch.rand(())  # clipped to 1

    kind = dataclasses.replace(ATTACKS["fgsm"], name="mine", run=remember)
    monkeypatch.setattr(kinds, "ATTACKS", Registry("attack", {}, of=Kind))
    assert attacks.register_attack(kind) is kind
    images = np.ones((501, 1, 2, 2), np.float32)
    crafted = attacks.Attack(kind, (("eps", 0.1),)).craft(nn.Flatten(), images, np.zeros(501, np.int64))
    assert sizes == [250, 250, 1]
    assert np.array_equal(crafted, images)


def test_register_wrong_name():
    with pytest.raises(InvalidInput, match="another attack is already named 'fgsm'"):
        attacks.register_attack(dataclasses.replace(ATTACKS["fgsm"], budgets=()))
    with pytest.raises(InvalidInput, match="'a:b' cannot name an attack"):
        attacks.register_attack(dataclasses.replace(ATTACKS["fgsm"], name="a:b"))
