"""Images of so many levels: points of a grid, budgets on it, and the attack that looks for examples among them."""

from typing import Any

import numpy as np
import pytest
import torch
from attack_cases import Wrapped, distances
from torch import nn

from golden.cnn import checkpoint, data
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, temperature
from golden.robustness.adaptive import attack as whole, candidates
from golden.robustness.adaptive.budgets import L2Ball, LinfBox
from golden.robustness.adaptive.grid import L2Grid, LinfGrid, Rounding, at_least, at_most, near, on_grid
from golden.robustness.attacks import attack, attacks
from golden.robustness.brittleness import rounded
from golden.robustness.evaluation import evaluate

EPS = 0.1
SHORT = "steps=6,restarts=2,first-layer=3"
AROUND = {"linf": LinfBox.around, "l2": L2Ball.around}


def points(levels):
    return torch.from_numpy(np.arange(levels + 1, dtype=np.float32) / np.float32(levels))


def clean_images(kind, levels=255):
    images = torch.rand(30, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    images[:, :, 0] = 0
    images[:, :, 1] = 1
    return images if kind == "between" else near(images, levels)


@pytest.fixture(scope="module")
def digits():
    """Images that lie between the points of the grid of 255 steps."""
    images, labels = data.load("digits", "test")
    return images[:24], labels[:24]


@pytest.fixture(scope="module")
def modules():
    exact = checkpoint.load("lenet5-digits")[0].requires_grad_(False)
    images, _ = data.load("digits", "train")
    fitted = temperature(exact, "ax-fpm", images[:100])
    return {
        "exact": exact,
        "ax-fpm": ApproximateModule(exact, "ax-fpm", temperature=fitted),
        "e8m1": ApproximateModule(exact, "e8m1"),
        "no gradient": without_gradient(exact),
    }


class ZeroGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, *grad_outputs):
        return torch.zeros_like(grad_outputs[0])


def without_gradient(model):
    """Only random squares find something here."""
    return Wrapped(model, ZeroGradient.apply)


class Bait(nn.Module):
    """Takes every image that lies between grid points for another class, with much confidence."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        between = (near(x, 255) != x).flatten(1).any(1)
        logits = self.model(x)
        return torch.where(between[:, None], -1000 * logits, logits)


def wrong(module, images, labels):
    with torch.no_grad():
        return int((module(torch.from_numpy(images)).argmax(1).numpy() != labels).sum())


@pytest.mark.parametrize("levels", [1, 3, 16, 255, 65535])
def test_neighbours_on_the_grid(levels):
    grid = points(levels)
    above, below = (torch.nextafter(grid, torch.full_like(grid, end)) for end in (9.0, -9.0))
    for of in (near, at_most, at_least):
        assert torch.equal(of(grid, levels), grid)
        assert of(grid, levels).dtype == torch.float32
    assert torch.equal(near(above, levels), grid)
    assert torch.equal(near(below, levels), grid)
    assert torch.equal(at_most(above, levels), grid)
    assert torch.equal(at_most(below[1:], levels), grid[:-1])
    assert torch.equal(at_least(below, levels), grid)
    assert torch.equal(at_least(above[:-1], levels), grid[1:])
    # The grid of 255 steps is that of images stored in 8 bits.
    values = torch.rand(1, 1, 50, 50)
    assert np.array_equal(near(values, 255).numpy(), rounded(values.numpy()))


@pytest.mark.parametrize("norm", AROUND)
@pytest.mark.parametrize("kind", ["on the grid", "between"])
@pytest.mark.parametrize("levels", [15, 255])
def test_what_is_delivered(norm, kind, levels):
    clean = clean_images(kind, levels)
    eps = 1.0 if norm == "l2" else EPS
    budget = on_grid(AROUND[norm](clean, eps), levels)
    torch.manual_seed(levels)
    assert type(budget) is {"linf": LinfGrid, "l2": L2Grid}[norm]
    for images in (clean, budget.random(), torch.rand_like(clean), budget.project(clean + 9), clean - 9):
        found = budget.deliver(images)
        assert found.dtype == torch.float32
        assert torch.isin(found, points(levels)).all()
        assert distances(found.numpy(), clean.numpy())[norm].max() <= eps
        assert torch.equal(budget.deliver(found), found)
        some = torch.tensor([7, 2])
        assert torch.equal(budget.at(some).deliver(images[some]), found[some])
    # What lies within is moved by little, well inside by half a step; what lies outside is taken near to the edge.
    for images in (budget.random(), budget.project(torch.rand_like(clean).round())):
        assert (budget.deliver(images) - images).abs().max() < 2.5 / levels
    inside = clean + 0.3 * (budget.random() - clean)
    if levels == 255:
        assert torch.equal(budget.deliver(inside), near(inside, levels))
    edge = distances(budget.deliver(torch.rand_like(clean).round()).numpy(), clean.numpy())[norm]
    # A ball has steps in which several pixels move at once.
    assert edge.min() > eps - (3.5 if norm == "l2" else 1.01) / levels
    assert torch.equal(budget.home, clean if kind == "on the grid" else near(clean, levels))
    assert budget.reach == pytest.approx(eps, abs=1 / levels if norm == "linf" else 0)


@pytest.mark.parametrize("kind", ["on the grid", "between"])
def test_ends_of_a_box_are_the_outermost_points(kind):
    clean = clean_images(kind)
    box = on_grid(LinfBox.around(clean, EPS), 255)
    step = 1 / 255
    for end, beyond in ((box.low, -step), (box.high, step)):
        further = near(end + beyond, 255)
        legal = (further >= 0) & (further <= 1)
        assert legal.any()
        assert ((further.double() - clean.double()).abs() > EPS)[legal].all()


@pytest.mark.parametrize(("norm", "enough"), [("linf", 0.5 / 255), ("l2", 0.012)])
def test_no_point_in_the_budget(norm, enough):
    clean = clean_images("between")
    home = near(clean, 255)
    assert (distances(home.numpy(), clean.numpy())[norm] <= enough * 1.0001).all()
    assert torch.equal(on_grid(AROUND[norm](clean, enough * 1.0001), 255).home, home)
    with pytest.raises(InvalidInput, match=r"^within eps=0\.0001 of 30 of 30 images there is none with all pixels at"):
        on_grid(AROUND[norm](clean, 1e-4), 255)
    # Images on the grid are there themselves.
    assert torch.equal(on_grid(AROUND[norm](home, 1e-4), 255).deliver(clean), home)


def test_candidates_on_the_grid(modules):
    first = whole.find(modules["ax-fpm"], torch.rand(1, 1, 28, 28))
    assert first is not None
    free, on = candidates.candidates(first), candidates.candidates(first, 255)
    assert torch.isin(on, points(255)).all()
    assert len(on) == len(on.unique()) <= 2 * len(free)
    for value in free:
        assert at_most(value, 255) in on
        assert at_least(value, 255) in on


@pytest.mark.parametrize("name", [f"adaptive:eps=0.06,{SHORT}", f"adaptive-l2:eps=0.8,{SHORT}"])
@pytest.mark.parametrize("kind", ["exact", "ax-fpm", "e8m1", "no gradient"])
@pytest.mark.parametrize("stored", [False, True], ids=["between", "stored"])
def test_every_example_is_an_8_bit_image_within_the_budget(modules, digits, name, kind, stored):
    images, labels = digits[0][:8], digits[1][:8]
    images = rounded(images) if stored else images
    one = attack(f"{name},grid=255,queries=100")
    crafted = one.craft(modules[kind], images, labels, seed=3)
    assert crafted.dtype == np.float32
    assert np.isin(crafted, points(255).numpy()).all()
    assert np.array_equal(rounded(crafted), crafted)
    length = distances(crafted, images)[one.norm]
    assert one.epsilon is not None
    assert length.max() <= one.epsilon
    assert length.max() > one.epsilon - 1.01 / 255
    assert np.array_equal(crafted, one.craft(modules[kind], images, labels, seed=3))
    assert not np.array_equal(crafted, one.craft(modules[kind], images, labels, seed=4))


@pytest.mark.parametrize(
    ("name", "more"), [("adaptive:eps=0.04,steps=10,restarts=3", 2), ("adaptive-l2:eps=0.6,steps=10,restarts=3", 2)]
)
def test_it_finds_what_rounding_loses(modules, digits, name, more):
    images, labels = digits
    module = modules["ax-fpm"]
    free = attack(f"{name},first-layer=4").craft(module, images, labels)
    on = attack(f"{name},first-layer=4,grid=255").craft(module, images, labels)
    assert wrong(module, rounded(free), labels) < wrong(module, free, labels)
    assert wrong(module, on, labels) >= wrong(module, rounded(free), labels) + more


@pytest.mark.parametrize("name", [f"adaptive:eps=0.1,{SHORT}", f"adaptive-l2:eps=1.5,{SHORT}"])
def test_only_grid_points_are_judged(modules, digits, name):
    images, labels = digits
    bait = Bait(modules["exact"])
    assert wrong(bait, images, labels) == 24
    assert wrong(bait, rounded(images), labels) == 0
    free = attack(name).craft(bait, images, labels)
    assert wrong(bait, rounded(free), labels) <= 2
    assert wrong(bait, attack(f"{name},grid=255").craft(bait, images, labels), labels) >= 8


@pytest.mark.parametrize("name", ["adaptive:eps=0.14", "adaptive-l2:eps=3"])
def test_random_squares_on_the_grid(modules, digits, name):
    images, labels = digits
    one = attack(f"{name},steps=1,restarts=1,first-layer=0,queries=300,grid=255")
    for module in (modules["no gradient"], without_gradient(Bait(modules["exact"]))):
        crafted = one.craft(module, images, labels)
        assert np.isin(crafted, points(255).numpy()).all()
        assert wrong(module, crafted, labels) >= 12


@pytest.mark.parametrize("logit", [0.0, float("nan")])
@pytest.mark.parametrize("name", [f"adaptive:eps=0.1,{SHORT}", f"adaptive-l2:eps=1,{SHORT}"])
def test_what_nothing_is_found_for_is_on_the_grid_too(digits, name, logit):
    last = nn.Linear(28 * 28, 3)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(logit)
    images, labels = digits[0][:4], digits[1][:4] % 3
    crafted = attack(f"{name},queries=20,grid=255").craft(nn.Sequential(nn.Flatten(), last), images, labels)
    assert np.isin(crafted, points(255).numpy()).all()


def test_rounding_module(modules):
    shown = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(Rounding(modules["exact"], 255)(shown), modules["exact"](near(shown, 255)))
    assert not Rounding(modules["exact"].eval(), 255).training


@pytest.mark.parametrize("name", [f"adaptive:eps=0.06,{SHORT}", f"adaptive-l2:eps=0.8,{SHORT}"])
@pytest.mark.parametrize("kind", ["ax-fpm", "no gradient"])
def test_without_the_option_nothing_of_it_is_entered(modules, digits, monkeypatch, name, kind):
    def entered(*_: Any) -> None:
        raise AssertionError("the grid was used")

    for module, what in ((whole, "on_grid"), (whole, "Rounding"), (candidates, "at_most"), (candidates, "at_least")):
        monkeypatch.setattr(module, what, entered)
    images, labels = digits[0][:4], digits[1][:4]
    assert attack(f"{name},grid=0") == attack(name)
    crafted = attack(name).craft(modules[kind], images, labels)
    assert not np.array_equal(rounded(crafted), crafted)
    with pytest.raises(AssertionError, match="the grid was used"):
        attack(f"{name},grid=255").craft(modules[kind], images, labels)
    # A budget without a grid delivers what it is given, not a copy.
    for around in AROUND.values():
        budget = around(clean_images("between"), EPS)
        assert budget.deliver(budget.clean) is budget.clean is budget.home
        assert budget.reach == EPS


def test_names():
    assert str(attack("adaptive:eps=0.12,grid=255")) == "adaptive:eps=0.12,grid=255"
    assert "grid" not in str(attack("adaptive:eps=0.12,grid=0"))
    assert [str(one) for one in attacks("adaptive-l2:eps=1.4,grid=255,pgd:eps=0.1")] == [
        "adaptive-l2:eps=1.4,grid=255",
        "pgd:eps=0.1",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0.5", "grid=0.5 is not a whole number; write for example grid=1"),
        ("-1", "grid=-1 is out of range; give a value of 0 or more and at most 65535"),
        ("65536", "grid=65536 is out of range; give a value of 0 or more and at most 65535"),
    ],
)
def test_wrong_values(value, message):
    with pytest.raises(InvalidInput, match=f"^{message}$"):
        attack(f"adaptive:eps=0.1,grid={value}")


def test_an_evaluation_keeps_both_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    images, labels = data.load("digits", "test")
    names = [f"adaptive:eps=0.05,steps=2,restarts=1,first-layer=1{more}" for more in ("", ",grid=255")]

    def found():
        results = evaluate(
            "lenet5-digits", images[:4], labels[:4], attacks=names, threat_models="white-box", targets=(), control=None
        )
        return {(row.attack, row.target): row.examples for row in results.attacks}

    digests = found()
    assert {name for name, _ in digests} == set(names)
    for target in {target for _, target in digests}:
        assert digests[names[0], target] != digests[names[1], target]
    assert found() == digests
