"""What a process keeps of what it built: by name, the last few, until an evaluation ends."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from golden.cnn import checkpoint, data
from golden.robustness import built as kept
from golden.robustness.evaluation import evaluate
from golden.robustness.networks import Network, Subject
from golden.robustness.row_types import EXACT
from golden.robustness.targets import Fitted, Target, target


@pytest.fixture(autouse=True)
def nothing_kept():
    kept.forget()
    yield
    kept.forget()


@pytest.fixture
def network():
    return Network("digits", 0, checkpoint.load("lenet5-digits")[0])


@pytest.fixture
def fitted():
    return Fitted(torch.from_numpy(data.load("digits", "train")[0][:8]))


def test_a_target_of_one_name_is_built_once(network, fitted):
    ax_fpm = target("ax-fpm")
    first = kept.built(network, fitted, ax_fpm, "a")
    assert kept.built(network, fitted, ax_fpm, "a") is first
    assert kept.built(network, fitted, ax_fpm, "b") is not first
    assert kept.built(network, fitted, ax_fpm, "") is not kept.built(network, fitted, ax_fpm, "")
    kept.forget()
    assert kept.built(network, fitted, ax_fpm, "a") is not first


def test_the_last_used_are_kept(network, fitted):
    found = {name: kept.built(network, fitted, target("exact"), name) for name in "abcd"[: kept.MOST]}
    assert kept.built(network, fitted, target("exact"), "a") is found["a"]
    kept.built(network, fitted, target("exact"), "e")
    assert kept.built(network, fitted, target("exact"), "a") is found["a"]
    assert kept.built(network, fitted, target("exact"), "b") is not found["b"]


def test_what_another_thread_forgets_at_once_is_still_given():
    class Forgotten(OrderedDict):
        def __setitem__(self, name, value):
            super().__setitem__(name, value)
            self.clear()

    assert kept._kept(Forgotten(), "a", lambda: 5) == 5


def test_a_source_is_a_frozen_copy():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    source = kept.source_of("a", lambda: model).module
    assert source is not model and not source.training and model.training
    assert not any(p.requires_grad for p in source.parameters()) and model[0].weight.requires_grad
    assert kept.source_of("a", lambda: None).module is source


def test_what_has_no_name_in_its_key_has_none(network, fitted):
    image = np.zeros((1, 1, 28, 28), np.float32)
    one, other = (Subject(network, fitted, fitted.images, image, np.zeros(1, np.int64), image[0, 0]) for _ in range(2))
    assert kept.name_of(one, {"a": 1, "b": None}) == ""
    assert kept.name_of(one, {"a": 1, "b": {"c": "d"}}) == kept.name_of(one, {"b": {"c": "d"}, "a": 1})
    assert kept.name_of(one, {"a": 1}) != kept.name_of(other, {"a": 1})


class Masked(nn.Module):
    """Of the same text, weights and results as others of its kind, whose gradients may be hidden."""

    def __init__(self, hidden: bool) -> None:
        super().__init__()
        self.layers = checkpoint.load("lenet5-digits")[0]
        self.hidden = hidden

    def forward(self, x):
        y = self.layers(x)
        return y.detach() + 0 * x.sum() if self.hidden else y


@pytest.mark.filterwarnings("ignore::golden.pytorch.GradientMaskingWarning")
def test_networks_that_differ_in_their_gradients_are_attacked_each_by_its_own():
    images, labels = (part[:12] for part in data.load("digits", "test"))
    settings = {"attacks": "fgsm:eps=0.2", "threat_models": "white-box", "control": None, "cache": False}
    both = evaluate([Masked(False), Masked(True)], images, labels, **settings)
    open_one, hidden = (evaluate(Masked(which), images, labels, **settings) for which in (False, True))
    kept_by = [[row.robust_accuracy for row in results.attacks] for results in (both, open_one, hidden)]
    assert kept_by[0] == kept_by[1] + kept_by[2] and kept_by[1] != kept_by[2]


def test_an_evaluation_builds_each_target_once_and_keeps_nothing(monkeypatch):
    made = []
    build = Target.build

    def observed(self, *arguments):
        made.append(self.name)
        return build(self, *arguments)

    monkeypatch.setattr(Target, "build", observed)
    images, labels = (part[:6] for part in data.load("digits", "test"))
    attacks = [f"fgsm:eps={eps}" for eps in (0.1, 0.2, 0.3)]
    evaluate("lenet5-digits", images, labels, attacks=attacks, threat_models="white-box", cache=False)
    assert sorted(made) == ["ax-fpm", "e8m2", EXACT]
    assert not kept._devices and not kept._sources
