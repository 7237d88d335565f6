"""Budgets that hold for stored values, and the pixels that move within them."""

import itertools

import numpy as np
import pytest
import torch

from golden.robustness.adaptive.budgets import L2Ball, LinfBox
from golden.robustness.adaptive.moves import Scores, moved

EPS = 0.1


@pytest.fixture
def clean():
    images = torch.rand(40, 1, 6, 6)
    images[:, :, 0] = 0
    images[:, :, 1] = 1
    return images


def distance(a, b):
    return (a.double() - b.double()).flatten(1)


def test_ends_of_the_box_are_the_outermost_values(clean):
    box = LinfBox.around(clean, EPS)
    for end, beyond in ((box.low, -1.0), (box.high, 2.0)):
        assert distance(end, clean).abs().max() <= EPS
        further = torch.nextafter(end, torch.full_like(end, beyond))
        legal = (further >= 0) & (further <= 1)
        assert legal.any()
        assert ((further.double() - clean.double()).abs() > EPS)[legal].all()


@pytest.mark.parametrize("around", [LinfBox.around, L2Ball.around])
def test_budgets_hold(clean, around):
    budget = around(clean, EPS)
    inside = clean + 1e-3 * (0.5 - clean)
    assert torch.equal(budget.project(inside), inside)
    for images in (budget.random(), budget.project(torch.rand_like(clean)), budget.project(clean + 9)):
        change = distance(images, clean)
        length = change.abs().amax(1) if around == LinfBox.around else change.norm(dim=1)
        assert length.max() <= EPS
        assert length.min() > 0.5 * EPS
        assert images.min() >= 0
        assert images.max() <= 1
        assert images.dtype == torch.float32
    some = torch.tensor([3, 1])
    assert torch.equal(budget.at(some).project(clean[some] + 9), budget.project(clean + 9)[some])


def test_steps_have_the_length_of_the_budget(clean):
    gradient = torch.randn_like(clean)
    gradient[0] = 0
    assert torch.equal(LinfBox.around(clean, EPS).step(gradient)[1:].abs(), torch.full_like(clean[1:], EPS))
    step = L2Ball.around(clean, EPS).step(gradient)
    assert step[1:].flatten(1).norm(dim=1).numpy() == pytest.approx(EPS)
    assert torch.equal(step[0], torch.zeros_like(step[0]))


def random_scores(images, pixels, values):
    now = torch.rand(images, pixels)
    return Scores(
        torch.linspace(0, 1, values),
        torch.randn(images, values, pixels),
        ((torch.rand(images, pixels), torch.randn(images, pixels)),),
        now,
        torch.randn(images, pixels),
    )


def total(scores, images):
    """The score of images that take a candidate, an own value, or the present one at each pixel."""
    found = torch.zeros(len(images))
    for n, p in itertools.product(range(images.shape[0]), range(images.shape[1])):
        v = images[n, p]
        known = [(scores.now[n, p], scores.of_now[n, p]), (scores.own[0][0][n, p], scores.own[0][1][n, p])]
        known += zip(scores.values, scores.of_values[n, :, p], strict=True)
        found[n] += max(score for value, score in known if value == v)
    return found


def test_the_best_pixels_take_their_best_values():
    scores = random_scores(5, 9, 4)
    box = LinfBox.around(torch.full((5, 1, 3, 3), 0.5), 0.5)
    best = torch.maximum(scores.of_values.amax(1), scores.own[0][1])
    gain = (best - scores.of_now).clamp(min=0)
    every, third = moved(scores, box, (1.0, 0.34))
    assert total(scores, every) - scores.of_now.sum(1) == pytest.approx(gain.sum(1), abs=1e-5)
    for n in range(5):
        count = int(np.ceil(0.34 * int((gain[n] > 0).sum())))
        assert int((third[n] != scores.now[n]).sum()) == count
        assert float((total(scores, third) - scores.of_now.sum(1))[n]) == pytest.approx(
            float(gain[n].sort(descending=True).values[:count].sum()), abs=1e-5
        )


def test_the_ball_is_filled_by_what_is_worth_its_length():
    images, pixels, values, eps = 6, 4, 5, 0.6
    clean = torch.rand(images, 1, 2, 2)
    scores = random_scores(images, pixels, values)
    scores = Scores(scores.values, scores.of_values, ((clean.flatten(1), torch.zeros(images, pixels)),),
                    clean.flatten(1), torch.zeros(images, pixels))  # fmt: skip
    (found,) = moved(scores, L2Ball.around(clean, eps), (1.0,))
    assert distance(found, clean.flatten(1)).norm(dim=1).max() <= eps
    grid = torch.cat([scores.values.expand(pixels, -1), torch.full((pixels, 1), -1.0)], 1)
    for n in range(images):
        own = grid.clone()
        own[:, -1] = clean[n].flatten()
        score = torch.cat([scores.of_values[n].T, torch.zeros(pixels, 1)], 1)
        choices = torch.tensor(list(itertools.product(range(values + 1), repeat=pixels)))
        lengths = (own[torch.arange(pixels), choices] - clean[n].flatten()).norm(dim=1)
        worth = score[torch.arange(pixels), choices].sum(1)
        reached = float(total(scores, found)[n])
        mine = float(distance(found, clean.flatten(1)).norm(dim=1)[n])
        # No choice is better that is not longer: that is what a price for length gives.
        assert reached >= float(worth[lengths <= mine + 1e-7].max()) - 1e-5
        assert reached > 0


def test_partial_moves_stay_in_the_ball_too():
    clean = torch.rand(8, 1, 4, 4)
    ball = L2Ball.around(clean, 0.5)
    now = ball.random().flatten(1)
    scores = random_scores(8, 16, 9)
    scores = Scores(scores.values, scores.of_values, scores.own, now, scores.of_now)
    for images in moved(scores, ball, (1.0, 0.3, 0.1)):
        assert distance(images, clean.flatten(1)).norm(dim=1).max() <= 0.5
        assert not torch.equal(images, now)
