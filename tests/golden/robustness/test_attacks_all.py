"""What holds for every attack of the package: budgets, bounds, repeatability, what it leaves alone and what it sees."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from attack_cases import CASES, NoBackward, Wrapped, distances, judged
from torch import nn

from golden.cnn import checkpoint, data
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule
from golden.robustness.attacks import ATTACKS, attack
from golden.robustness.attacks.from_autoattack import KINDS as FROM_AUTOATTACK

OURS = [
    name
    for name, kind in ATTACKS.items()
    if kind.run.__module__.startswith("golden") and "adaptive" not in name and kind.access != "nothing"
]
MINIMAL = [name for name in OURS if not ATTACKS[name].budgets]
ULP = 2.0**-23


@pytest.fixture(scope="module")
def lenet5():
    return checkpoint.load("lenet5-digits")[0]


@pytest.fixture(scope="module")
def digits():
    images, labels = data.load("digits", "test")
    return images[:10], labels[:10]


@pytest.fixture(scope="module")
def crafted(lenet5, digits):
    """Results by name, each crafted once, with the states of the global generators before and after."""
    done: dict[str, Any] = {}

    def craft(name):
        if name not in done:
            before = generators()
            done[name] = (attack(CASES[name]).craft_counted(lenet5, *digits, seed=3), before, generators())
        return done[name]

    return craft


def generators():
    return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state(legacy=False))


def test_the_table_is_complete():
    assert set(CASES) == set(OURS)
    assert all(str(attack(name)) == name for name in CASES.values())
    assert all(ATTACKS[name].cost > 0 for name in OURS)
    assert {name: ATTACKS[name].access for name in OURS if ATTACKS[name].access != "gradients"} == {
        "boundary": "labels",
        "hopskipjump": "labels",
        "square": "scores",
        "square-l2": "scores",
        "lsa": "scores",
    }


@pytest.mark.parametrize("name", OURS)
def test_images_are_images_within_the_budget(digits, crafted, name):
    images, _ = digits
    found = crafted(name)[0].images
    assert (found.dtype, found.shape) == (np.float32, images.shape)
    assert 0 <= found.min() <= found.max() <= 1
    budget = attack(CASES[name]).epsilon
    if budget is not None:
        largest = distances(found, images)[ATTACKS[name].norm].max()
        # The budget in float32, and a rounding of the sum; by L2, of the norm.
        slack = ULP if ATTACKS[name].norm == "linf" else 1e-5 * budget
        assert 0.6 * budget < largest <= float(np.float32(budget)) + slack


@pytest.mark.parametrize("name", OURS)
def test_it_works(lenet5, digits, crafted, name):
    images, labels = digits
    was, _ = judged(lenet5, images, labels)
    wrong, _ = judged(lenet5, crafted(name)[0].images, labels)
    assert was.mean() <= 0.1
    assert wrong.mean() >= (0.9 if name in MINIMAL and name != "jsma" else 0.5)


@pytest.mark.parametrize("name", OURS)
def test_generators_are_left_as_they_were(crafted, name):
    _, before, after = crafted(name)
    assert before == after


@pytest.mark.parametrize("name", OURS)
def test_the_seed_alone_decides(lenet5, digits, crafted, name):
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)
    images, labels = (part.copy() for part in digits)
    again = attack(CASES[name]).craft_counted(lenet5, images, labels, seed=3)
    assert np.array_equal(again.images, crafted(name)[0].images)
    assert np.array_equal(again.queries, crafted(name)[0].queries)
    assert np.array_equal(images, digits[0])
    assert np.array_equal(labels, digits[1])
    assert all(p.requires_grad and p.grad is None for p in lenet5.parameters())


@pytest.mark.parametrize("name", ["pgd", "pgd-l2", "apgd-ce", "square", "hopskipjump", "boundary", "lsa"])
def test_random_attacks_take_the_seed(lenet5, digits, crafted, name):
    images, labels = digits
    other = attack(CASES[name]).craft(lenet5, images[:6], labels[:6], seed=4)
    assert not np.array_equal(other, attack(CASES[name]).craft(lenet5, images[:6], labels[:6], seed=3))


@pytest.mark.parametrize("name", MINIMAL)
def test_what_is_misclassified_already_is_left_alone(lenet5, digits, name):
    images, labels = digits
    given = labels.copy()
    given[::2] = (given[::2] + 1) % 10
    was, _ = judged(lenet5, images, given)
    assert was[::2].all()
    found = attack(CASES[name]).craft(lenet5, images, given)
    assert np.array_equal(found[was], images[was])
    assert not np.array_equal(found[~was], images[~was])


@pytest.mark.parametrize("name", MINIMAL)
def test_an_unsuccessful_minimal_attack_returns_the_images(digits, name):
    # Class 0 whatever comes, with a gradient: nothing succeeds.
    images, _ = digits
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    for parameter in model.parameters():
        parameter.data *= 0.01
    model.get_parameter("1.bias").data[0] += 100
    found = attack(CASES[name]).craft_counted(model, images[:5], np.zeros(5, np.int64))
    assert np.array_equal(found.images, images[:5])
    assert found.halfway is None or np.isinf(found.halfway).all()


@pytest.mark.parametrize("name", [name for name in OURS if ATTACKS[name].access != "gradients"])
def test_attacks_by_answers_ask_for_no_gradient(lenet5, digits, crafted, name):
    images, labels = digits
    found = attack(CASES[name]).craft_counted(_gradientless(lenet5), images, labels, seed=3)
    assert np.array_equal(found.images, crafted(name)[0].images)


def test_attacks_by_gradients_do(lenet5, digits):
    with pytest.raises(AssertionError, match="a gradient was asked for"):
        attack("pgd:eps=0.1,steps=1").craft(_gradientless(lenet5), *digits)


def _gradientless(module):
    class Refusing(nn.Module):
        def forward(self, images):
            return module(NoBackward.apply(images))

    return Refusing()


@pytest.mark.parametrize("name", ["boundary", "hopskipjump"])
def test_attacks_by_labels_see_labels_alone(lenet5, digits, crafted, name):
    images, labels = digits
    bare = Wrapped(lenet5, lambda logits: 7.0 * nn.functional.one_hot(logits.argmax(1), 10))
    assert np.array_equal(attack(CASES[name]).craft(bare, images, labels, seed=3), crafted(name)[0].images)


@pytest.mark.parametrize("name", [name for name in OURS if name != "lsa" and not name.startswith("square")])
def test_judged_again_in_their_batch_they_are_what_they_were(lenet5, digits, crafted, name):
    # Success may hang on the last digit: what was shown is what is returned.
    shown: set[bytes] = set()

    class Remembering(nn.Module):
        def forward(self, images):
            shown.update(row.numpy().tobytes() for row in images.detach())
            return lenet5(images)

        def __deepcopy__(self, memo):
            return self

    images, labels = digits
    found = attack(CASES[name]).craft(Remembering(), images, labels, seed=3)
    lenet5.requires_grad_(True)
    assert np.array_equal(found, crafted(name)[0].images)
    assert {row.tobytes() for row in found} <= shown


def test_fewer_classes_than_a_loss_compares(digits):
    images, labels = digits[0][:4], np.zeros(4, np.int64)
    two = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    three = nn.Sequential(nn.Flatten(), nn.Linear(784, 3))
    for module, name, message in (
        (two, "apgd-dlr", "this attack's loss compares 3 logits and the model has 2 classes; take apgd-ce"),
        (three, "apgd-t", "this attack's loss compares 4 logits and the model has 3 classes; take apgd-ce"),
    ):
        with pytest.raises(InvalidInput, match=message):
            attack(CASES[name]).craft(module, images, labels)
    for name in set(OURS) - {kind.name for kind in FROM_AUTOATTACK if "dlr" in kind.name or "-t" in kind.name}:
        assert attack(CASES[name]).craft(two, images, labels).shape == images.shape


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lsa:r=2.5", "r=2.5 is out of range; give a value above 0 and at most 2"),
        ("jsma:gamma=1.5", "gamma=1.5 is out of range; give a value above 0 and at most 1"),
        ("square-l2:eps=1", "square-l2 needs images of 5 pixels and more along both edges"),
    ],
)
def test_parameters_out_of_range(name, message):
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    with pytest.raises(InvalidInput, match=message):
        attack(name).craft(module, np.full((2, 1, 4, 4), 0.5, np.float32), np.zeros(2, np.int64))


def test_an_approximate_module_is_attacked_and_counted_as_any(digits):
    images, labels = digits[0][:4], digits[1][:4]
    module = ApproximateModule(checkpoint.load("lenet5-digits")[0], "e8m3")
    found = attack("pgd:eps=0.2,steps=3,step=0.5").craft_counted(module, images, labels)
    assert (found.queries == 4).all()
    assert judged(module, found.images, labels)[0].any()
    with torch.no_grad():  # nothing was left hooked to the module given
        module(torch.from_numpy(images))
    assert not module._forward_pre_hooks


def test_it_works_where_the_caller_records_no_gradients(lenet5, digits):
    images, labels = digits
    with torch.no_grad():
        found = attack(CASES["pgd"]).craft(lenet5, images[:4], labels[:4], seed=3)
    assert np.array_equal(found, attack(CASES["pgd"]).craft(lenet5, images[:4], labels[:4], seed=3))
