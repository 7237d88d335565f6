"""Attacks against what is known of their strength, on the exact LeNet-5."""

import os
from pathlib import Path

import numpy as np
import pytest
from attack_cases import distances, judged

from golden.cnn import checkpoint, data
from golden.robustness.attacks import attack

CW, DDN = "cw:steps=60,searches=4", "ddn:steps=50"
needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
DATA = ["digits", pytest.param("mnist", marks=[pytest.mark.long, needs_mnist])]


@pytest.fixture(scope="module", params=DATA)
def case(request):
    """Data set, model, images that it classifies correctly, their labels, and examples by attack's name."""
    module, _ = checkpoint.load(f"lenet5-{request.param}")
    images, labels = data.load(request.param, "test")
    images, labels = images[:24], labels[:24]
    right = ~judged(module, images, labels)[0]
    images, labels = images[right], labels[right]
    assert len(images) >= 22
    done = {}

    def craft(name):
        name = str(attack(name))
        if name not in done:
            done[name] = attack(name).craft_counted(module, images, labels, seed=1)
        return done[name]

    return request.param, module, images, labels, craft


def success(case, name):
    _, module, _, labels, craft = case
    return judged(module, craft(name).images, labels)[0]


def mean(case, name, norm="l2"):
    _, _, images, _, craft = case
    return distances(craft(name).images, images)[norm].mean()


def test_pgd_fools_all_at_0_3(case):
    assert success(case, "pgd:eps=0.3").all()


def test_steps_are_worth_it(case):
    fgsm, bim, mi, pgd, apgd = (
        success(case, name).sum()
        for name in ("fgsm:eps=0.1", "bim:eps=0.1", "mi-fgsm:eps=0.1", "pgd:eps=0.1", "apgd-ce:eps=0.1")
    )
    assert fgsm < min(bim, mi) <= max(bim, mi) <= pgd + 1 <= apgd + 2
    l2 = [success(case, name).sum() for name in ("fgsm-l2:eps=1.5", "pgd-l2:eps=1.5", "apgd-ce-l2:eps=1.5")]
    assert l2[0] < l2[1] <= l2[2] + 1


def test_apgd_by_other_losses_is_as_strong(case):
    usual = success(case, "apgd-ce:eps=0.1").sum()
    assert success(case, "apgd-dlr:eps=0.1").sum() >= usual - 4
    assert success(case, "apgd-t:eps=0.1").sum() >= usual


def test_targets_are_tried_until_one_is_reached(case):
    craft = case[4]
    easy, one = craft("apgd-t:eps=0.4,steps=20"), craft("apgd-t:eps=0.4,steps=20,targets=1")
    assert success(case, "apgd-t:eps=0.4,steps=20,targets=1").all()
    assert np.array_equal(easy.images, one.images)
    assert np.array_equal(easy.queries, one.queries)
    assert (
        craft("apgd-t:eps=0.05,steps=5,targets=3").queries > craft("apgd-t:eps=0.05,steps=5,targets=1").queries
    ).all()


@pytest.mark.parametrize("name", ["pgd", "pgd-l2", "bim"])
def test_a_larger_budget_never_fools_fewer(case, name):
    budgets = (1.0, 1.5, 2.0, 3.0) if name == "pgd-l2" else (0.05, 0.08, 0.11, 0.15)
    fooled = [success(case, f"{name}:eps={eps}").sum() for eps in budgets]
    assert fooled == sorted(fooled)
    assert fooled[0] < fooled[-1]


def test_it_goes_on_after_the_first_success(case):
    # The best of forty steps, not the first that crosses the boundary, nor the last.
    _, module, _, labels, craft = case
    margins = judged(module, craft("pgd:eps=0.3").images, labels)[1]
    assert np.median(margins) > 15
    early = judged(module, craft("pgd:eps=0.3,steps=8").images, labels)[1]
    assert (margins >= early).mean() > 0.9


def test_minimal_norms(case):
    for name in (CW, DDN, "deepfool", "hopskipjump:steps=4"):
        assert success(case, name).all()
    deepfool, cw, ddn = mean(case, "deepfool"), mean(case, CW), mean(case, DDN)
    assert cw < 0.95 * deepfool
    assert abs(ddn / cw - 1) < 0.08
    assert mean(case, "hopskipjump:steps=4") > 1.3 * ddn


def test_overshoot_goes_further(case):
    module, labels = case[1], case[3]
    norms = [mean(case, f"deepfool:overshoot={overshoot}") for overshoot in (0, 0.02, 0.5)]
    assert norms[0] < norms[1] < norms[2]
    margins = judged(module, case[4]("deepfool:overshoot=0.5").images, labels)[1]
    assert margins.mean() > judged(module, case[4]("deepfool").images, labels)[1].mean()


def test_kappa_raises_the_margin(case):
    _, module, _, labels, craft = case
    norms = []
    for kappa in (0, 8):
        name = f"{CW},kappa={kappa}"
        wrong, margins = judged(module, craft(name).images, labels)
        assert wrong.mean() > 0.95
        assert margins[wrong].min() >= kappa - 1e-4
        assert np.median(margins[wrong]) < kappa + 1
        norms.append(mean(case, name))
    assert norms[0] < norms[1]


def test_few_pixels(case):
    # The paper of the local search reports 2.2% of MNIST's 784 pixels; digits are smoother.
    which = case[0]
    for name, most in (("lsa", 20 if which == "mnist" else 35), ("jsma", 40 if which == "mnist" else 50)):
        assert success(case, name).mean() >= (1 if name == "lsa" else 0.9)
        assert mean(case, name, "l0") < most
    assert mean(case, "jsma", "l0") < 0.9 * mean(case, "jsma:targets=1", "l0")


def test_jsma_raises_pixels_within_its_share(case):
    _, _, images, _, craft = case
    found = craft("jsma").images
    changed = found != images
    assert (found[changed] == 1).all()
    assert changed.sum((1, 2, 3)).max() <= 0.145 * 784 + 2


@pytest.mark.parametrize("name", [DDN, "pgd:eps=0.1", "pgd-l2:eps=1.5"])
def test_noise_of_the_same_norm_fools_nearly_nobody(case, name):
    # So that it is direction, not length, by which attacks work.
    _, module, images, labels, craft = case
    change = craft(name).images - images
    rng = np.random.default_rng(0)
    mixed = rng.permuted(change.reshape(len(images), -1), axis=1) * rng.choice([-1, 1], (len(images), 784))
    noisy = np.clip(images + mixed.reshape(images.shape).astype(np.float32), 0, 1)
    assert judged(module, noisy, labels)[0].sum() <= 2


def test_walks_come_closer_and_say_so(case):
    _, _, images, _, craft = case
    found = craft("hopskipjump:steps=4")
    final = distances(found.images, images)["l2"]
    assert (final <= found.halfway * (1 + 1e-5)).all()
    assert final.mean() < 0.95 * found.halfway.mean()


def test_a_longer_walk_begins_as_the_shorter_one(case):
    _, _, images, _, craft = case
    long, short = craft("hopskipjump:steps=4"), craft("hopskipjump:steps=2")
    assert (distances(long.images, images)["l2"] <= distances(short.images, images)["l2"] * (1 + 1e-5)).all()
    assert short.queries.max() < 0.6 * long.queries.min()


def test_square_and_the_local_search_ask_until_they_succeed(case):
    _, module, images, labels, _ = case
    asked = []
    hook = module.register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))
    try:
        for name in ("square:eps=0.2,queries=300", "square-l2:eps=3,queries=300", "lsa"):
            asked.clear()
            found = attack(name).craft_counted(module, images, labels)
            wrong = judged(module, found.images, labels)[0]
            assert sum(asked[:-1]) == found.queries.sum()  # the last call judges
            assert wrong.mean() > 0.4
            if name.startswith("square"):
                limit = int(name.partition("queries=")[2]) + 2  # one clean, one to start from
                assert (found.queries[~wrong] == limit).all()
                assert found.queries[wrong].mean() < limit
    finally:
        hook.remove()
