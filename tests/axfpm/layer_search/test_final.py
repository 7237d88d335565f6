"""The front on test images: counts as they are elsewhere, attacks of its own for each, and whose budgets they have."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from axfpm.layer_search import final
from axfpm.layer_search.final import budgets_of, on_test
from golden.assignments import Assignment
from golden.cnn import data
from golden.pytorch import approximate
from golden.robustness.jobs import Processes
from golden.robustness.networks import networks
from golden.robustness.presets import PRESETS

ASSIGNMENTS = [
    Assignment.of({"front": "e8m1", "main": "e8m2", "side": "e8m1"}),
    Assignment.of({"front": "exact", "main": "ax-fpm", "side": "exact"}),
]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("mnist", "lenet5", (1, 28, 28)), PRESETS["mnist"].budgets),
        (("mnist", "other", (1, 28, 28)), PRESETS["mnist"].budgets),
        (("cifar10", "vgg11", (3, 32, 32)), PRESETS["cifar10-vgg11"].budgets),
        (("digits", "lenet5", (1, 28, 28)), PRESETS["quick"].budgets),
        (("others", "lenet5", (3, 32, 32)), {"linf": 8 / 255, "l2": 0.5}),
    ],
)
def test_budgets_are_the_verdicts(given, expected):
    assert budgets_of(*given) == expected


def measured(planted, monkeypatch, attacked, budgets, seed=0):
    names = {norm: f"{kind}:restarts=1,steps=3" for norm, kind in final.ATTACKS.items()}
    quick = final.attacks

    def attacks(text):
        for norm, kind in final.ATTACKS.items():
            text = text.replace(f"{kind}:", f"{names[norm]},")
        return quick(text)

    monkeypatch.setattr(final, "attacks", attacks)
    images, labels = (part[:60] for part in data.load("digits"))
    settings = {"fit": data.load("digits", "train")[0][:30], "seed": seed, "workers": Processes(1)}
    return on_test(networks(planted)[0], images, labels, ASSIGNMENTS, budgets=budgets, attacked=attacked, **settings), (
        images,
        labels,
    )


def test_clean_and_attacked(planted, monkeypatch):
    budgets = {"linf": 0.03, "l2": 0.4}
    (exact, found), (images, labels) = measured(planted, monkeypatch, 20, budgets)
    for each, assignment in zip(found, ASSIGNMENTS, strict=True):
        with torch.no_grad(), approximate("exact", layers=assignment):
            right = planted.module(torch.from_numpy(images)).argmax(1).numpy() == labels
        assert (each.clean.k, each.clean.n) == (right.sum(), 60)
        assert set(each.robust) == {"linf", "l2"}
        for share in each.robust.values():
            assert share.n == 20
            assert share.k <= right[np.arange(20) * 3].sum()
    assert exact.robust["linf"].k < exact.clean.k
    plain = exact.to_dict()
    assert plain["robust"]["l2"]["n"] == 20
    assert plain["clean"]["k"] == exact.clean.k


def test_without_attacks(planted, monkeypatch):
    (exact, found), _ = measured(planted, monkeypatch, 0, {"linf": 0.1})
    assert exact.robust == {}
    assert [each.robust for each in found] == [{}, {}]
    assert exact.clean.n == 60
