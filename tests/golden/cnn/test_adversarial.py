"""Adversarial training: images inside their budget, modules left as they were, and networks that withstand more."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from golden.cnn import checkpoint, data
from golden.cnn.adversarial import SPREAD, perturb
from golden.cnn.training import ADVERSARIAL, train
from golden.errors import InvalidInput
from golden.registry import Registry

needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
needs_cifar10 = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "cifar-10-batches-py/test_batch").is_file(),
    reason="AXFPM_DATA names no folder with cifar-10-batches-py/test_batch",
)


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return torch.from_numpy(images[:100]), torch.from_numpy(labels[:100])


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0]


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def loss(module, images, labels):
    with torch.no_grad():
        return float(nn.functional.cross_entropy(module(images), labels))


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.6])
def test_budget(lenet5, digits, epsilon):
    perturbed = perturb(lenet5, digits[0], digits[1], epsilon, 4)
    assert float((perturbed - digits[0]).abs().max()) == pytest.approx(epsilon, rel=1e-5)
    assert perturbed.min() >= 0
    assert perturbed.max() <= 1
    assert not perturbed.requires_grad
    assert perturbed.shape == digits[0].shape


def test_more_steps_find_more(lenet5, digits):
    images, labels = digits
    random, one, ten = (loss(lenet5, perturb(lenet5, images, labels, 0.1, steps), labels) for steps in (0, 1, 10))
    assert random < one < ten
    assert ten > 4 * random


def test_the_generator_decides_the_start(lenet5, digits):
    torch.manual_seed(1)
    first = perturb(lenet5, digits[0], digits[1], 0.1, 2)
    other = perturb(lenet5, digits[0], digits[1], 0.1, 2)
    torch.manual_seed(1)
    assert torch.equal(perturb(lenet5, digits[0], digits[1], 0.1, 2), first)
    assert not torch.equal(first, other)


def test_inflated_logits_do_not_hide_the_gradient(lenet5, digits):
    images, labels = digits

    class Inflated(nn.Module):
        def forward(self, x):
            return 1000 * lenet5(x)

    torch.manual_seed(1)
    random = perturb(Inflated(), images, labels, 0.1, 0)
    torch.manual_seed(1)
    hidden = perturb(Inflated(), images, labels, 0.1, 7)
    torch.manual_seed(1)
    found = perturb(Inflated(), images, labels, 0.1, 7, spread=SPREAD)
    torch.manual_seed(1)
    again = perturb(lenet5, images, labels, 0.1, 7, spread=SPREAD)
    unmoved = (hidden == random).flatten(1).all(1)
    assert unmoved.sum() > 50
    assert not (found == random).flatten(1).all(1).any()
    assert torch.equal(found[unmoved], again[unmoved])
    assert loss(lenet5, found, labels) > 2 * loss(lenet5, hidden, labels)


def test_logits_that_are_near_are_left_as_they_are(digits):
    images, labels = digits
    module = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    torch.manual_seed(1)
    first = perturb(module, images, labels, 0.1, 3)
    torch.manual_seed(1)
    assert torch.equal(perturb(module, images, labels, 0.1, 3, spread=SPREAD), first)


@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_left_as_it_was(digits, training):
    module = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.9), nn.Flatten(), nn.Linear(784, 10)).train(training)
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    seen = []
    module.register_forward_pre_hook(lambda module, _inputs: seen.append(module.training))
    perturb(module, digits[0], digits[1], 0.1, 3)
    assert seen == [False] * 3
    assert module.training == training
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.fixture
def small(monkeypatch):
    images, labels = data.load("digits", "train")
    dataset = data.DataSet("digits", lambda _split: (images[:96], labels[:96]), (1, 28, 28), 10, "96 digits")
    monkeypatch.setattr(data, "DATASETS", Registry("data set", {**data.DATASETS, "digits": dataset}))


def test_interrupted_run_ends_as_the_uninterrupted_one(small, tmp_path):
    whole, provenance = train(epochs=3, adversarial=0.1)
    output = tmp_path / "a.safetensors"

    def interrupt(done, _total, _message):
        if done == 4:  # of three steps in an epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(epochs=3, adversarial=0.1, output=output, progress=interrupt)
    seen = []
    train(epochs=3, adversarial=0.1, output=output, progress=lambda *step: seen.append(step[2]))
    resumed, stored = checkpoint.load(output)
    assert seen[0] == "taken up after epoch 1"
    assert checkpoint.weights_digest(resumed) == checkpoint.weights_digest(whole)
    assert stored == provenance


def test_provenance_says_how(small):
    _, ordinary = train(epochs=1)
    _, adversarial = train(epochs=4, adversarial=0.1)
    assert ordinary.variant == ""
    assert adversarial.variant == "pgd"
    assert {key: adversarial.settings[key] for key in adversarial.settings.keys() - ordinary.settings.keys()} == {
        "adversarial": "PGD, Linf, random start",
        "epsilon": "0.1",
        "steps": str(ADVERSARIAL["digits"].steps),
        "step": "2.5 * epsilon / steps",
        "warm-up": "2",
    }


def test_the_budget_grows(small, monkeypatch):
    budgets = []

    def spy(module, images, labels, epsilon, steps, **_):
        budgets.append(epsilon)
        return images

    monkeypatch.setattr("golden.cnn.training.perturb", spy)
    train(epochs=6, adversarial=0.3)
    # 96 images are three batches; the first third of the epochs warms up.
    assert budgets == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25, 0.3] + [0.3] * 12)


@pytest.mark.parametrize("adversarial", [0, 0.0, -0.1, 1.5, float("nan"), float("inf")])
def test_budgets_that_are_none(adversarial):
    with pytest.raises(InvalidInput, match=r"adversarial=\S+ is no budget of pixels in \[0, 1\]; give above 0"):
        train(adversarial=adversarial)


@pytest.mark.parametrize(
    ("model", "name", "epsilon", "most_before", "least"),
    [
        ("lenet5", "digits", 0.15, 10, 60),
        pytest.param("lenet5", "mnist", 0.3, 10, 80, marks=needs_mnist),
        pytest.param("alexnet", "cifar10", 0.008, 40, 50, marks=needs_cifar10),
    ],
)
def test_the_packaged_one_withstands_more(model, name, epsilon, most_before, least):
    # White-box PGD of another library, stronger than the one it was trained with, at its training budget.
    foolbox = pytest.importorskip("foolbox")
    images, labels = data.load(name, "test")
    inputs, classes = torch.from_numpy(images[:100]), torch.from_numpy(labels[:100])
    robust = {}
    for variant in ("", "pgd"):
        module, provenance = checkpoint.load(checkpoint.name_of(model, name, variant=variant))
        assert float(provenance.settings.get("epsilon", "0")) == (epsilon if variant else 0)
        attacked = foolbox.PyTorchModel(module, bounds=(0, 1))
        _, _, success = foolbox.attacks.LinfPGD(steps=40)(attacked, inputs, classes, epsilons=epsilon)
        robust[variant] = 100 - int(success.sum())
    assert robust[""] <= most_before
    assert robust["pgd"] >= least
