"""Substitutes: what they learn from a device, what they ask, and wrong input."""

import numpy as np
import pytest
import torch
from attack_cases import Wrapped
from torch import nn

from golden.cnn import checkpoint, data, models
from golden.cnn.batch_norm import folded
from golden.errors import InvalidInput
from golden.robustness.proxy import STEP, substitute

CHANCE = 0.1


class Device(nn.Module):
    """A module that remembers what it was asked."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.asked = []

    def forward(self, images):
        assert not torch.is_grad_enabled()
        self.asked.append(images.clone())
        return self.module(images)


@pytest.fixture
def device():
    return Device(checkpoint.load("lenet5-digits")[0])


@pytest.fixture(scope="module")
def own():
    return torch.from_numpy(data.load("digits", "train")[0][:300])


def agreement(module, device):
    images = torch.from_numpy(data.load("digits", "test")[0][:200])
    with torch.no_grad():
        return float((module(images).argmax(1) == device.module(images).argmax(1)).float().mean())


@pytest.mark.parametrize("answers", ["labels", "probabilities"])
def test_it_learns_the_device_by_its_answers_to_the_images_given(device, own, answers):
    module, queries = substitute(device, "lenet5", own, answers=answers, epochs=12)
    assert queries == 300
    assert torch.equal(torch.cat(device.asked), own)
    assert agreement(module, device) > 8 * CHANCE
    assert not module.training


def test_it_learns_answers_and_nothing_else(device, own):
    # A device that calls everything by the next class: what agrees with it has seen no true label.
    class Shifted(nn.Module):
        def forward(self, images):
            return device.module(images).roll(1, 1)

    module, _ = substitute(Shifted(), "lenet5", own, epochs=12)
    assert agreement(module, Device(Shifted())) > 8 * CHANCE
    assert agreement(module, device) < CHANCE


def test_of_labels_it_sees_no_more(device, own):
    def weights(answers, factor):
        module, _ = substitute(
            Wrapped(device, lambda logits: factor * logits), "lenet5", own[:64], answers=answers, epochs=1
        )
        return torch.cat([p.flatten() for p in module.parameters()])

    assert torch.equal(weights("labels", 1), weights("labels", 0.1))
    assert not torch.equal(weights("probabilities", 1), weights("probabilities", 0.1))


def test_the_seed_decides(device, own):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]

    def weights(seed):
        module, _ = substitute(device, "lenet5", own[:64], epochs=2, seed=seed)
        return torch.cat([p.flatten() for p in module.parameters()])

    first = weights(3)
    assert torch.equal(first, weights(3))
    assert not torch.equal(first, weights(4))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # type: ignore[index]


def test_augmentation_asks_about_a_step_from_every_image(device, own):
    own, seen = own[:50], []
    _, queries = substitute(device, "lenet5", own, augmentations=2, epochs=1, progress=lambda *now: seen.append(now))
    assert queries == 200
    assert [len(part) for part in device.asked] == [50, 50, 100]
    for before, after in ((own, device.asked[1]), (torch.cat([own, device.asked[1]]), device.asked[2])):
        step = (after - before).abs()
        assert step.max() <= STEP + 1e-6
        assert (step > STEP - 1e-6).float().mean() > 0.4  # the rest would leave [0, 1], or has no gradient
        assert 0 <= after.min() <= after.max() <= 1
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert [message.split(":")[0] for *_, message in seen] == [f"substitute, {n} queries" for n in (50, 100, 200)]


def test_augmentation_follows_the_class_that_the_device_gave(monkeypatch):
    # The step of a linear substitute is the sign of the weights of the class given.
    class AlwaysOne(nn.Module):
        def forward(self, images):
            return torch.tensor([[0.0, 1.0]]).expand(len(images), 2)

    def linear():
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 2))

    monkeypatch.setitem(models.MODELS._entries, "linear", models.Model("linear", linear, (1, 28, 28), 2, "one layer"))
    device = Device(AlwaysOne())
    images = torch.full((4, 1, 28, 28), 0.5)
    before, _ = substitute(device, "linear", images, epochs=1, seed=1)
    substitute(device, "linear", images, augmentations=1, epochs=1, seed=1)
    weights = before.get_parameter("1.weight")[1].detach().reshape(1, 28, 28)
    assert torch.equal(device.asked[-1], images + STEP * weights.sign())


def test_a_substitute_is_trained_with_its_batch_norms_and_used_without(monkeypatch):
    def trainable():
        return nn.Sequential(nn.Conv2d(1, 2, 5, stride=5), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(50, 2))

    spec = models.Model("normed", lambda: folded(trainable()), (1, 28, 28), 2, "with batch norm", trainable=trainable)
    monkeypatch.setitem(models.MODELS._entries, "normed", spec)
    images = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    bright = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    found, _ = substitute(bright, "normed", images, epochs=1)
    assert not found.training
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in found.modules())
    assert models.build("normed").load_state_dict(found.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "lenet6"}, "unknown model 'lenet6'; did you mean lenet5"),
        ({"answers": "logits"}, "a device answers labels or probabilities, not 'logits'"),
        ({"images": torch.zeros(0, 1, 28, 28)}, "no images to ask the device about"),
        ({"augmentations": 11}, "augmentations=11 is too large; give at most 10, as each round doubles the images"),
        ({"epochs": 0}, "epochs=0 is too small"),
        ({"seed": -1}, "seed=-1 is too small"),
        ({"device": nn.Flatten()}, "the device has 784 classes and the substitute 10; choose another architecture"),
        (
            {"images": torch.zeros(2, 3, 28, 28), "device": nn.Flatten()},
            r"the substitute does not take images of shape \(3, 28, 28\); choose another architecture",
        ),
    ],
)
def test_wrong_input(device, own, change, message):
    given = {"device": device, "architecture": "lenet5", "images": own, **change}
    with pytest.raises(InvalidInput, match=message):
        substitute(given.pop("device"), given.pop("architecture"), given.pop("images"), **given)
