"""The best of what a model was shown; questions counted; generators seeded."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from golden.robustness.attacks import Attack, Kind, Outcome
from golden.robustness.attacks.best import Best, by_closeness, by_margin, margins
from golden.robustness.attacks.queries import counted, seeded


class Sums(nn.Module):
    """Logits (sum, 1) of images: class 1 below a sum of 1."""

    def forward(self, images):
        sums = images.flatten(1).sum(1)
        return torch.stack([sums, torch.ones_like(sums)], 1)


ZEROS = torch.zeros(2, 1, 1, 4)
ONES = torch.ones(2, dtype=torch.int64)


def shown(*values):
    """Two images of four equal pixels each."""
    return torch.tensor(values).reshape(2, 1, 1, 1).expand(2, 1, 1, 4).clone()


def test_margins():
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    assert margins(logits, torch.tensor([0, 2, 1])).tolist() == [-1, 1, 0]
    # Where cross-entropy is 0 in float32, margins differ still.
    sure = torch.tensor([[200.0, 0.0], [300.0, 0.0]])
    assert margins(sure, torch.tensor([0, 0])).tolist() == [-200, -300]


def test_the_largest_margin_is_kept_for_each_image():
    best = Best(Sums(), ZEROS, by_margin(ONES))
    for values in ((0.1, 0.9), (0.7, 0.2), (0.4, 0.95), (0.3, 0.1)):
        best(shown(*values))
    assert torch.equal(best.images, shown(0.7, 0.95))
    assert best.scores.tolist() == pytest.approx([4 * 0.7 - 1, 4 * 0.95 - 1])


def test_the_closest_misclassified_is_kept_for_each_image():
    best = Best(Sums(), ZEROS, by_closeness(ZEROS, ONES), trace=True)
    for values in ((0.1, 0.2), (0.9, 0.24), (0.5, 0.2), (0.7, 0.1)):
        best(shown(*values))
    assert torch.equal(best.images, shown(0.5, 0.0))  # the second never was misclassified
    assert best.scores.tolist() == pytest.approx([-1.0, -np.inf])  # the L2 norm of four halves
    assert [float(scores[0]) for scores in best.history] == pytest.approx([-np.inf, -1.8, -1.0, -1.0])


def test_closeness_by_pixels_and_with_confidence():
    images = torch.zeros(2, 1, 1, 4)
    images[0, 0, 0, :2], images[1, 0, 0, 3] = 1.0, 1.0
    pixels = by_closeness(ZEROS, ONES, norm="l0")(images, Sums()(images), torch.arange(2))
    assert pixels.tolist() == [-2, -1]  # of equal logits the first is taken: the second is class 0
    assert by_closeness(ZEROS, 1 - ONES, norm="l0")(images, Sums()(images), torch.arange(2)).tolist() == [-np.inf] * 2
    confident = by_closeness(ZEROS, ONES, kappa=1.5)(images * 1.4, Sums()(images * 1.4), torch.arange(2))
    assert confident.tolist() == pytest.approx([-1.4 * 2**0.5, -np.inf])


def test_neither_nan_nor_what_is_no_image_is_kept():
    best = Best(Sums(), ZEROS, by_margin(ONES))
    best(shown(1.5, float("nan")))
    best(shown(-3.0, 0.5))
    assert torch.equal(best.images, shown(0.0, 0.5))


def test_rows():
    best = Best(Sums(), ZEROS, by_margin(ONES))
    best(shown(0.5, 0.5)[:1])  # not the batch: whose it is cannot be known
    assert torch.equal(best.images, ZEROS)
    best.rows = torch.tensor([1])
    best(shown(0.5, 0.5)[:1])
    assert torch.equal(best.images, shown(0.0, 0.5))


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1.0, 1e10])
def test_directions_keep_the_gradients_direction_alone(scale):
    weights = torch.tensor([1.0, -2.0, 0.5, 0.0])

    class Linear(nn.Module):
        def forward(self, images):
            return (images.flatten(1) * weights * scale).sum(1, keepdim=True).expand(-1, 2)

    for directions, expected in ((True, weights / 2), (False, weights * scale)):
        x = ZEROS.clone().requires_grad_()
        Best(Linear(), ZEROS, by_margin(ONES), directions=directions)(x)[:, 0].sum().backward()
        assert x.grad is not None
        assert x.grad.flatten(1) == pytest.approx(expected.expand(2, 4), rel=1e-5)


def test_directions_leave_no_gradient_no_gradient():
    x = ZEROS.clone().requires_grad_()
    Best(nn.Flatten(), ZEROS, by_margin(ONES), directions=True)(x * 0).sum().backward()
    assert x.grad is not None
    assert (x.grad == 0).all()


def test_counted():
    module = Sums()
    with counted(module) as counter:
        module(torch.zeros(5, 1, 1, 1))
        module(torch.zeros(7, 1, 1, 1))
    module(torch.zeros(9, 1, 1, 1))
    assert counter.images == 12
    with pytest.raises(ZeroDivisionError), counted(module):
        raise ZeroDivisionError
    assert not module._forward_pre_hooks


def test_seeded():
    def draw():
        return float(torch.rand(())), float(np.random.random()), random.random()

    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    first, second = draw(), draw()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    assert draw() == first
    with seeded(5, 0):
        inside = draw()
    with pytest.raises(ZeroDivisionError), seeded(5, 1):
        assert all(a != b for a, b in zip(draw(), inside, strict=True))
        raise ZeroDivisionError
    assert draw() == second
    with seeded(5, 0):
        assert draw() == inside


def test_outcomes():
    # By default calls are counted and shared out, rounded up; an attack may know better.
    def share(module, images, _labels):
        module(torch.cat([images, images[:1]]))
        return images

    def know(module, images, labels):
        queries = torch.arange(len(images))
        return Outcome(share(module, images, labels), queries, queries / 2)

    images, labels = np.zeros((251, 1, 1, 4), np.float32), np.ones(251, np.int64)
    for run, queries, halfway in (
        (share, [2] * 251, None),
        (know, [*range(250), 0], [i / 2 for i in [*range(250), 0]]),
    ):
        found = Attack(Kind("mine", "l2", {}, (), run, "for this test"), ()).craft_counted(Sums(), images, labels)
        assert found.queries.tolist() == queries
        assert (found.halfway if halfway is None else found.halfway.tolist()) == halfway  # type: ignore[union-attr]
