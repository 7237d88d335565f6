"""Stages together: what is kept apart, and what the best attack for each image is."""

import numpy as np
import pytest
import torch
from torch import nn

from golden.errors import InvalidInput
from golden.robustness.attacks import attack, attacks
from golden.robustness.networks import networks
from golden.robustness.outcomes import distances
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.row_types import EXACT
from golden.robustness.targets import Fitted, targets
from golden.robustness.threats import THREAT_MODELS
from golden.robustness.verdicts import outcomes

BUDGET = 0.1


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def tiny():
    """Two models of 16 inputs, cheap to emulate, with images that they take."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        images = torch.rand(40, 1, 4, 4)
        made = []
        for _ in range(2):
            last = nn.Linear(8, 3)
            model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), last)
            with torch.no_grad():
                last.bias -= model(images).mean(0)  # all three classes occur
            made.append(model)
        with torch.no_grad():
            return made, images.numpy(), made[0](images).argmax(1).numpy()


def _stages(**more):
    chosen, names = attacks("fgsm:eps=0.1,fgsm:eps=0.3,ddn:steps=20"), targets("e8m2")
    return [Stage(THREAT_MODELS["twin"], chosen, names, samples=20, **more)]


def test_the_best_attack_for_each_image(tiny):
    made, images, labels = tiny
    results = evaluate_stages(
        networks(made), images, labels, _stages(scales=(1.2,)), fitted=Fitted(images), budgets={"linf": BUDGET}
    )
    chosen, right = images[::2], labels[::2]
    for row in results.suites:
        assert row.seed is not None
        module = made[row.seed]
        if row.target != EXACT:
            continue
        withstood = _right(module, chosen, right)
        for name, scales in (("fgsm:eps=0.1", (1,)), ("fgsm:eps=0.3", (1,)), ("ddn:steps=20", (1, 1.2))):
            crafted = attack(name).craft(module, chosen, right)
            for scale in scales:
                shown = np.clip(chosen + np.float32(scale) * (crafted - chosen), 0, 1)
                within = distances(chosen, shown, "linf") <= BUDGET * (1 + 1e-5)
                withstood &= ~(within & ~_right(module, shown, right))
        assert (row.robust_accuracy.k, row.robust_accuracy.n, row.attacks) == (withstood.sum(), 20, 4)
        assert 0 < withstood.sum() < 20
        assert np.unpackbits(np.frombuffer(bytes.fromhex(row.right), np.uint8))[:20].tolist() == withstood.tolist()
    found = outcomes(results)
    assert found.keys() == {("twin", "linf", EXACT), ("twin", "linf", "e8m2")}
    assert found["twin", "linf", EXACT].shape == (2, 20)


def _right(module, images, labels):
    with torch.no_grad():
        return module(torch.from_numpy(images)).argmax(1).numpy() == labels


def test_self_transfer_is_whole(tiny):
    # The exact model sees the examples in the batches that they were crafted in.
    made, images, labels = tiny
    results = evaluate_stages(networks(made[0]), images, labels, _stages(), fitted=Fitted(images))
    for row in results.attacks:
        if row.target == EXACT:
            assert row.robust_accuracy.n - row.robust_accuracy.k == row.source_success.k + 20 - row.source_success.n


def test_stages_that_decide_nothing(tiny):
    made, images, labels = tiny
    results = evaluate_stages(
        networks(made[0]), images, labels, _stages(extra=True), fitted=Fitted(images), budgets={"linf": BUDGET}
    )
    assert results.attacks
    assert results.suites == ()
    assert results.pictures == ()


def test_networks_know_each_other(tiny):
    made, images, labels = tiny
    stage = Stage(THREAT_MODELS["twin"], attacks("fgsm:eps=0.3"), targets("independent"))
    results = evaluate_stages(networks(made), images, labels, [stage], fitted=Fitted(images))
    accuracy = {(row.target, row.seed): row.accuracy for row in results.clean}
    for one, other in ((made[0], 1), (made[1], 0)):
        assert accuracy["independent", other].k == _right(one, images, labels).sum()
    with pytest.raises(InvalidInput, match="no independent network is known beside this one"):
        evaluate_stages(networks(made[0]), images, labels, [stage], fitted=Fitted(images))


def test_where_accuracy_is_in_question_all_images_count(tiny):
    made, images, labels = tiny
    results = evaluate_stages(
        networks(made[0]), images, labels, _stages(), fitted=Fitted(images), clean=targets("ax-fpm"), calibration=True
    )
    assert {row.target: row.accuracy.n for row in results.clean} == {EXACT: 40, "e8m2": 20, "ax-fpm": 40}
    assert results.verdict["accuracy"].keys() == {"ax-fpm"}
    for row in results.clean:
        assert sum(b["n"] for b in row.calibration["raw"]["bins"]) == row.accuracy.n


def test_names_of_networks():
    found = networks("lenet5-digits", 3)
    assert [(n.seed, n.architecture) for n in found] == [(0, "lenet5"), (1, "lenet5"), (2, "lenet5")]
    assert found[0].siblings["independent"] is found[1].module
    assert "pgd-trained" in found[2].siblings
    with pytest.raises(InvalidInput, match="seeds name 2 models and there are 1"):
        networks([found[0].module], 2)
    with pytest.raises(InvalidInput, match="no model given"):
        networks([])
