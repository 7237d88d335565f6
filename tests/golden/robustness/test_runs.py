"""Whole evaluations by name."""

import dataclasses
import os
from pathlib import Path

import pytest

from golden.cnn import checkpoint
from golden.errors import InvalidInput
from golden.robustness import runs
from golden.robustness.attacks import attacks
from golden.robustness.presets import PRESETS
from golden.robustness.row_types import EXACT
from golden.robustness.targets import targets


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


def test_quick_with_few_samples():
    results = runs.run("quick", samples=10, attacks="fgsm:eps=0.1", seed=4)
    assert results.settings["data"] == "digits test"
    assert results.settings["seed"] == 4
    assert [row.target for row in results.clean] == [EXACT, "ax-fpm", "e8m2"]
    assert {row.accuracy.n for row in results.clean} == {10}
    assert len(results.attacks) == 3


def test_values_replace_those_of_the_preset(tmp_path):
    path = tmp_path / "mine.safetensors"
    module, provenance = checkpoint.load("lenet5-digits")
    checkpoint.save(path, module, dataclasses.replace(provenance, seed=9))
    results = runs.run(checkpoint=path, multipliers=["mitchell"], samples=3, attacks="fgsm:eps=0.1")
    assert results.settings["model"] == "lenet5 (mine)"
    assert results.settings["multipliers"] == ["mitchell", "e8m2"]


@pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
def test_standard_with_few_samples():
    results = runs.run(data="mnist", samples=20, multipliers=["ax-fpm"], attacks="fgsm:eps=0.3")
    assert results.settings["model"] == "lenet5 (lenet5-mnist)"
    assert all(row.accuracy.k >= 18 for row in results.clean)
    assert results.attacks[0].robust_accuracy.k <= 10


def test_seeds_are_the_package_s_siblings():
    results = runs.run(data="digits", seeds=2, samples=5, attacks=())
    assert [(row.model, row.seed) for row in results.clean if row.target == EXACT] == [
        ("lenet5 (lenet5-digits)", 0),
        ("lenet5 (lenet5-digits-seed1)", 1),
    ]
    with pytest.raises(InvalidInput, match="no checkpoint for 'lenet5' on 'digits' with seed 3 comes with the package"):
        runs.run(data="digits", seeds=4, samples=5, attacks=())


def test_a_preset_on_fewer_images_and_seeds(monkeypatch):
    stage = dataclasses.replace(
        PRESETS["quick"].stages[0], attacks=attacks("fgsm:eps=0.05"), targets=targets(["ax-fpm", "e8m2"])
    )
    small = dataclasses.replace(PRESETS["quick"], stages=(stage,), controls=("e8m2",), seeds=(0, 1))
    monkeypatch.setitem(PRESETS._entries, "quick", small)
    results = runs.run("quick", samples=6)
    assert len(results.clean) == 2 * 3
    assert {row.accuracy.n for row in results.clean} == {6}
    assert {row.robust_accuracy.n for row in results.attacks} == {6}
    assert {(row.threat_model, row.norm, row.target, row.seed) for row in results.suites} == {
        ("twin", norm, name, seed) for norm in ("linf", "l2") for name in (EXACT, "ax-fpm", "e8m2") for seed in (0, 1)
    }
    assert results.settings["preset"] == "quick"
    assert results.settings["fitted_on"] == "200 images of digits training"
    assert results.verdict["accuracy"].keys() == {"ax-fpm", "e8m2"}
    assert {row["verdict"] for row in results.verdict["verdicts"]} <= {"not run", "undecided", "does not hold", "holds"}
    assert results.clean[0].calibration["raw"]["n"] == 6
    assert len(runs.run("quick", samples=6, seeds=1).clean) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "quik"}, "unknown preset 'quik'; did you mean quick"),
        ({"data": "mnits"}, "unknown data set 'mnits'"),
        ({"model": "lenet"}, "unknown model 'lenet'"),
        ({"samples": 0}, "samples=0 is too small; give at least 1"),
        ({"samples": 1000}, "samples=1000 is too large; give at most 397"),
        ({"model": "da-lenet"}, "no checkpoint for 'guesmi2021' on 'mnist' comes with the package; train one with"),
        (
            {"checkpoint": "lenet5-digits", "model": "da-lenet"},
            "lenet5-digits.safetensors holds a 'lenet5', not a 'guesmi2021'",
        ),
        ({"checkpoint": "absent.safetensors"}, "no checkpoint 'absent.safetensors'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        runs.run(**arguments)
