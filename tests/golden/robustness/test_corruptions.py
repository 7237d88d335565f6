"""Corruptions: each does what its name says, asks no model, and is shown as attacks are."""

import numpy as np
import pytest
import torch
from torch import nn

from golden.robustness import threats
from golden.robustness.attacks import attack, corruptions
from golden.robustness.evaluation import evaluate


class Untouchable(nn.Module):
    def forward(self, x):
        raise AssertionError("a corruption asked the model")


def crafted(name, images):
    return attack(name).craft(Untouchable(), images, np.zeros(len(images), np.int64), seed=1)


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).uniform(0.3, 0.7, (50, 3, 12, 12)).astype(np.float32)


def test_noise_has_its_deviation(images):
    change = crafted("gaussian-noise:sigma=0.05", images) - images
    assert abs(change.std() - 0.05) < 0.002
    assert abs(change.mean()) < 0.002
    assert np.array_equal(crafted("gaussian-noise:sigma=0.05", images) - images, change)


def test_a_right_angle_is_a_turn(images):
    turned = crafted("rotation:degrees=90", images)
    ways = [np.rot90(images, k, (2, 3)) for k in (1, -1)]
    near = np.array([[np.abs(x - y).max() < 1e-4 for x, y in zip(turned, way, strict=True)] for way in ways])
    assert (near.sum(0) == 1).all()
    assert near.any(1).all()  # either way


def test_blur_keeps_means_and_loses_detail(images):
    blurred = crafted("blur:sigma=1", images)
    flat = np.full((1, 3, 12, 12), 0.4, np.float32)
    assert np.allclose(crafted("blur:sigma=1", flat), flat, atol=1e-6)
    assert blurred.std() < images.std() / 2
    point = np.zeros((1, 1, 9, 9), np.float32)
    point[..., 4, 4] = 1
    seen = crafted("blur:sigma=1", point)[0, 0]
    assert np.allclose(seen, seen.T)
    assert np.isclose(seen[4, 5] / seen[4, 4], np.exp(-0.5), rtol=1e-5)
    assert np.isclose(seen.sum(), 1, rtol=1e-3)


def test_contrast_and_brightness(images):
    flat = crafted("contrast:factor=0.5", images)
    assert np.allclose(flat.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5)
    assert np.allclose(flat.std((1, 2, 3)), images.std((1, 2, 3)) / 2, rtol=1e-4)
    assert np.allclose(crafted("brightness:shift=0.2", images), images + np.float32(0.2), atol=1e-6)
    assert crafted("brightness:shift=0.9", images).max() == 1


@pytest.mark.parametrize("kind", corruptions.KINDS, ids=lambda kind: kind.name)
def test_they_need_nothing_and_stay_images(kind, images):
    made = crafted(kind.name, images)
    assert made.min() >= 0
    assert made.max() <= 1
    assert not np.array_equal(made, images)
    allowed = {name for name, threat in threats.THREAT_MODELS.items() if threat.allows(attack(kind.name))}
    assert "corruption" in allowed
    assert not threats.THREAT_MODELS["corruption"].allows(attack("fgsm:eps=0.1"))


def test_they_are_judged_and_decide_nothing():
    class Bright(nn.Module):
        def forward(self, x):
            mean = x.mean((1, 2, 3))
            return torch.stack([0.5 - mean, mean - 0.5], 1)

    x = np.full((4, 1, 4, 4), 0.4, np.float32)
    results = evaluate(
        Bright(),
        x,
        np.zeros(4, np.int64),
        multiplier="e8m7",
        attacks="brightness:shift=0.05,brightness:shift=0.2",
        threat_models="corruption",
        cache=False,
    )
    right = {(row.attack, row.target): row.robust_accuracy.k for row in results.attacks}
    assert right["brightness:shift=0.05", "exact torch"] == right["brightness:shift=0.05", "e8m7"] == 4
    assert right["brightness:shift=0.2", "exact torch"] == right["brightness:shift=0.2", "e8m7"] == 0
    assert all(row.queries is None for row in results.attacks)
