"""Budgets are fitted under the whole suite, on what they are said to be fitted on."""

import numpy as np
import pytest

from golden.cnn import data
from golden.errors import InvalidInput
from golden.robustness.networks import networks
from golden.robustness.plan import Stage
from golden.robustness.presets import PRESETS
from golden.robustness.primary_budgets import GRID, fit_budgets, halfway, twin_suite
from golden.robustness.statistics import Proportion
from golden.robustness.threats import THREAT_MODELS


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("near", [0.001, 0.08, 0.5])
@pytest.mark.parametrize("middle", [0.011, 0.0826, 0.31])
def test_the_nearest_multiple_to_one_half(middle, near):
    calls = []

    def falling(budget):
        calls.append(budget)
        return Proportion(round(10_000 / (1 + (budget / middle) ** 4)), 10_000)

    best, tried = halfway(falling, 0.005, 0.6, near)
    assert abs(best - middle) <= 0.0025 + 1e-9
    assert sorted(calls) == list(tried)
    assert len(set(calls)) == len(calls) < 24


def test_a_share_that_never_reaches_one_half():
    with pytest.raises(InvalidInput, match="withstands half of the attacks"):
        halfway(lambda _: Proportion(9, 10), 0.005, 0.6, 0.1)
    with pytest.raises(InvalidInput, match="withstands less than half at"):
        halfway(lambda _: Proportion(1, 10), 0.005, 0.6, 0.1)


def test_the_suite_moves_what_stands_at_the_budget():
    preset = PRESETS["mnist"]
    old = preset.budgets["linf"]
    moved = twin_suite(preset.stages, "linf", old, 0.09)
    assert len(moved) == 1
    assert moved[0].targets == moved[0].shown == ()
    names = {str(a) for a in moved[0].attacks}
    assert {"pgd:eps=0.09", "apgd-ce:eps=0.09", "apgd-dlr:eps=0.09", "pgd:eps=0.3", "cw:kappa=5", "ddn"} <= names
    assert f"pgd:eps={old:g}" not in names
    assert not any("l2" in name for name in names)
    assert moved[0].scales == preset.stages[0].scales


def test_a_fit_is_where_half_of_the_images_withstand():
    images, labels = data.load("digits", "train")
    images, labels = images[:60], labels[:60]
    found = networks("lenet5-digits", 1)
    stages = PRESETS["quick"].stages
    (fitted,) = fit_budgets(found, images, labels, stages, {"linf": PRESETS["quick"].budgets["linf"]})
    assert fitted.norm == "linf"
    assert 0.06 <= fitted.budget <= 0.09
    best = fitted.tried[fitted.budget]
    assert best.n == 60
    nearest = min(fitted.tried.values(), key=lambda share: abs(share.k - 30))
    assert abs(best.k - 30) == abs(nearest.k - 30)
    assert all(np.isclose(budget / GRID["linf"], round(budget / GRID["linf"])) for budget in fitted.tried)
    assert fitted.to_dict()["tried"][0]["robust_accuracy"]["n"] == 60
    with pytest.raises(InvalidInput, match="no primary budgets"):
        fit_budgets(found, images, labels, stages, {})
    with pytest.raises(InvalidInput, match="no stage of the threat model twin decides"):
        fit_budgets(found, images, labels, [Stage(THREAT_MODELS["white-box"], (), ())], {"linf": 0.1})
