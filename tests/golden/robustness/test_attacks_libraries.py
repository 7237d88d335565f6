"""Traps of the attacks' libraries, each held shut: what they do to the world, and what they do to the numbers."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from eagerpy.astensor import astensor
from torch import nn

from golden.errors import InvalidInput
from golden.robustness.attacks import attack
from golden.robustness.attacks.best import Best, by_margin
from golden.robustness.attacks.from_foolbox import foolbox
from golden.robustness.attacks.from_foolbox_labels import _hopskipjump, _Labels, _Told


def test_what_is_imported_leaves_the_world_as_it_was(tmp_path):
    # ART writes into the user's home and draws random numbers when imported; this process may have imported it before.
    code = """
        import os, random, sys, warnings
        import numpy as np, torch
        from torch import nn
        from golden.robustness.attacks import attack
        assert not {"art", "foolbox", "pyautoattack"} & sys.modules.keys(), "imported before it is needed"
        def world():  # scikit-learn, which ART imports, sets two variables of KMP
            settings = {key: value for key, value in os.environ.items() if not key.startswith("KMP_")}
            return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), settings
        images = np.full((2, 1, 6, 6), 0.5, np.float32)
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 5))
        before = world()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name in ("jsma", "fgsm:eps=0.1", "apgd-t:eps=0.1,steps=3", "square:eps=0.1,queries=3"):
                attack(name).craft(model, images, np.zeros(2, np.int64))
        assert {"art", "foolbox", "pyautoattack"} <= sys.modules.keys()
        assert world() == before
    """
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []


class Linear(nn.Module):
    """Two logits with a gradient of any size."""

    def __init__(self, scale):
        super().__init__()
        self.weights = torch.tensor([1.0, -2.0, 0.5, -0.25]) * scale

    def forward(self, images):
        first = (images.flatten(1) * self.weights).sum(1)
        return torch.stack([first, torch.zeros_like(first)], 1)


@pytest.mark.parametrize("name", ["fgsm-l2", "pgd-l2", "apgd-ce-l2", "ddn", "mi-fgsm", "pgd"])
def test_small_gradients_are_as_good_as_large_ones(name):
    # The libraries divide by 1e-12 at least: below that a step shrinks with its gradient.
    # Auto-PGD, too, sees no progress in float32 and halves its steps: it comes as far, not to the same point.
    images, labels = np.full((1, 1, 2, 2), 0.5, np.float32), np.array([1])
    large, small = ((attack(name).craft(Linear(s), images, labels) - images).ravel() for s in (1.0, 1e-20))
    assert np.linalg.norm(large) > 0.05
    assert large @ small > 0.9 * np.linalg.norm(large) * max(np.linalg.norm(small), 0.75 * np.linalg.norm(large))


def test_mi_fgsm_accumulates_gradients_of_norm_one():
    # Gradients (0.9, 0.1) and then (-0.1, 0.9): with a decay of 1 their sum is positive in both, as the paper adds; the
    # library adds signs, of which the first cancel.
    class Scripted(nn.Module):
        calls = 0

        def forward(self, images):
            slopes = torch.tensor([[9.0, 1.0], [-1.0, 9.0], [0.0, 0.0]])[min(self.calls, 2)]
            self.calls += 1  # later calls have larger margins, so that the last image is kept
            first = (images.flatten(1) * slopes).sum(1) + 1000 * self.calls
            return torch.stack([first, torch.zeros_like(first)], 1) / 1000

    image = np.full((1, 1, 1, 2), 0.5, np.float32)
    crafted = attack("mi-fgsm:eps=0.4,steps=2,step=0.5").craft(Scripted(), image, np.array([1]))
    assert crafted.reshape(-1) == pytest.approx([0.9, 0.9], abs=1e-6)


def test_hopskipjump_steps_do_not_shrink_with_the_batch():
    walk = _hopskipjump(foolbox().attacks)(steps=1, evaluations=10)
    for rows in (1, 30):
        images = astensor(torch.full((rows, 1, 4, 4), 0.5))
        steps = walk.approximate_gradients(
            lambda x: x.flatten(1).sum(axis=1) > 8, images, 20, astensor(torch.full((rows,), 0.1))
        )
        assert steps.raw.flatten(1).norm(dim=1) == pytest.approx(torch.ones(rows), rel=1e-5)


def test_cw_does_not_depend_on_the_neighbours():
    # The library's early abort looks at the loss of the whole batch.
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))
    images = np.random.default_rng(0).random((12, 1, 4, 4)).astype(np.float32)
    with torch.no_grad():
        labels = model(torch.from_numpy(images)).argmax(1).numpy()
    name = "cw:steps=30,searches=3"
    together = attack(name).craft(model, images, labels)
    alone = np.concatenate(
        [attack(name).craft(model, images[i : i + 1], labels[i : i + 1]) for i in range(len(images))]
    )
    assert alone == pytest.approx(together, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("deepfool:overshoot=0", 1, 1.01),
        ("deepfool:overshoot=0.3", 1.29, 1.31),
        ("ddn:steps=200", 1, 1.01),
        ("cw:steps=200,step=0.05", 1, 1.03),
        ("hopskipjump:steps=10", 1, 1.1),
        ("boundary:steps=2500", 1, 1.25),
    ],
)
def test_distances_to_a_plane(name, least, most):
    # To that of a linear model, the shortest way is known.
    rng = np.random.default_rng(3)
    weights = torch.from_numpy(rng.normal(size=64).astype(np.float32))

    class Plane(nn.Module):
        def forward(self, images):
            above = (images.flatten(1) - 0.5) @ weights
            return torch.stack([above, -above], 1)

    images = 0.5 + 0.1 * rng.normal(size=(10, 1, 8, 8))
    images += rng.choice([-0.05, 0.05], (10, 1, 1, 1)) * weights.numpy().reshape(1, 1, 8, 8)
    images = images.astype(np.float32).clip(0, 1)
    above = (images.reshape(10, 64) - np.float32(0.5)) @ weights.numpy()
    found = attack(name).craft(Plane(), images, (above < 0).astype(np.int64))
    ratios = np.linalg.norm((found - images).reshape(10, 64), axis=1) / (np.abs(above) / np.linalg.norm(weights))
    assert least - 1e-3 < ratios.mean() < most


@pytest.mark.parametrize("name", ["hopskipjump:steps=2", "boundary:steps=20"])
def test_images_without_a_starting_point_do_not_stop_the_others(name):
    # Nothing near takes the first image out of its class: it is the class of all but very bright images.
    class Bright(nn.Module):
        def forward(self, images):
            means = images.flatten(1).mean(1)
            return torch.stack([means, torch.full_like(means, 0.4), 10 * (means - 0.99)], 1)

    images = np.full((6, 1, 4, 4), 0.3, np.float32)
    images[0] = 0.995
    labels = np.array([0, 1, 1, 1, 1, 2])  # the last is misclassified as it is
    found = attack(name).craft_counted(Bright(), images, labels)
    with torch.no_grad():
        classes = Bright()(torch.from_numpy(found.images)).argmax(1)
    assert classes[1:5].tolist() == [0] * 4
    assert (np.abs(found.images[1:5] - 0.3).mean((1, 2, 3)) < 0.2).all()
    assert np.array_equal(found.images[5], images[5])


@pytest.mark.parametrize("name", ["hopskipjump:steps=2", "boundary:steps=20"])
def test_no_starting_point_at_all(name):
    class Constant(nn.Module):
        def forward(self, images):
            return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)

    images = np.random.default_rng(0).random((3, 1, 4, 4)).astype(np.float32)
    found = attack(name).craft_counted(Constant(), images, np.zeros(3, np.int64))
    assert np.array_equal(found.images, images)
    assert np.isinf(found.halfway).all()  # type: ignore[arg-type]
    assert (found.queries > 64).all()


def test_a_model_that_changes_its_mind_is_refused():
    # The library would ask it for ever.
    class Fickle(nn.Module):
        def forward(self, images):
            return torch.rand(len(images), 2) + torch.tensor([0.5, 0.0])

    images = np.random.default_rng(0).random((8, 1, 4, 4)).astype(np.float32)
    with pytest.raises(InvalidInput, match="the model gives different classes to the same images"):
        attack("hopskipjump:steps=5").craft(Fickle(), images, np.zeros(8, np.int64))


def test_nor_is_one_question_repeated_for_ever():
    images, labels = torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64)
    told = _Told(Best(nn.Flatten(), images, by_margin(labels)), labels, torch.zeros(2, dtype=torch.bool))
    for _ in range(10):
        told(images)
        told(images + 0.1)  # two in turn are a walk
    with pytest.raises(InvalidInput, match="the model gives different classes to the same images"):
        for _ in range(10):
            told(images)


def test_jsma_takes_the_target_for_a_target():
    # Its `y` is where to go, not where from: raising the only pixel that leads to class 1 is all it takes.
    class Pixel(nn.Module):
        def forward(self, images):
            flat = images.flatten(1)
            return torch.stack([torch.full_like(flat[:, 0], 0.5), flat[:, 3], flat.sum(1) * 0 - 1], 1)

    images = np.zeros((2, 1, 4, 4), np.float32)
    found = attack("jsma").craft(Pixel(), images, np.zeros(2, np.int64))
    assert (found[:, 0, 0, 3] == 1).all()
    assert (found != images).sum((1, 2, 3)).max() == 2  # pixels go in pairs


def test_jsma_is_done_where_any_other_class_is_reached():
    # The likeliest class is never reached; raising the pixel that leads there leads to another, at once.
    class Aside(nn.Module):
        def forward(self, images):
            flat = images.flatten(1)
            third = flat[:, 3]
            return torch.stack([torch.full_like(third, 0.5), 0.4 + 0.05 * third, 2 * third], 1)

    images = np.zeros((2, 1, 4, 4), np.float32)
    found = attack("jsma:gamma=1,targets=1").craft_counted(Aside(), images, np.zeros(2, np.int64))
    assert (found.images != images).sum((1, 2, 3)).tolist() == [2, 2]
    assert found.queries.max() <= 4  # clean twice, a gradient, and what came of it


def test_labels_are_all_that_walks_are_told():
    told = _Labels(nn.Flatten())(torch.tensor([[[[0.1, 0.9, 0.3]]], [[[5.0, 0.0, 5.0]]]], requires_grad=True))
    assert told.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert not told.requires_grad


def test_square_may_write_into_what_the_model_returns():
    class Kept(nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = torch.tensor([[2.0, 1.0]])

        def forward(self, images):
            return self.logits.expand(len(images), 2) if len(images) > 1 else self.logits

        def __deepcopy__(self, memo):
            return self

    model = Kept()
    images = np.full((3, 1, 6, 6), 0.5, np.float32)
    for part in (images, images[:1]):
        attack("square:eps=0.1,queries=2").craft(model, part, np.zeros(len(part), np.int64))
    assert model.logits.tolist() == [[2.0, 1.0]]


def test_the_local_search_tries_what_it_then_does():
    # One white pixel holds the class: the search finds it, and wraps it around from 1 to 1/4.
    class Spot(nn.Module):
        def forward(self, images):
            value = images[:, 0, 5, 2]
            return torch.stack([value, torch.full_like(value, 0.5)], 1)

    images = np.zeros((2, 1, 8, 8), np.float32)
    images[:, 0, 5, 2] = 1
    found = attack("lsa:t=1,d=7").craft_counted(Spot(), images, np.zeros(2, np.int64))
    assert (found.images != images).sum((1, 2, 3)).max() <= 4
    assert (found.images[:, 0, 5, 2] == 0.25).all()
    # The paper's own probe makes white whiter, and never sees that.
    literal = attack("lsa:t=1,d=7,p=1,rounds=1").craft_counted(Spot(), images, np.zeros(2, np.int64))
    assert np.array_equal(literal.images, images)
