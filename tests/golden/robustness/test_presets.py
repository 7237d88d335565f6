"""Whole evaluations by name."""

import dataclasses
import os
from pathlib import Path

import pytest

from golden.catalogue import multiplier
from golden.cnn import checkpoint
from golden.errors import InvalidInput
from golden.robustness import presets
from golden.robustness.attacks import attacks
from golden.robustness.results import EXACT


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("preset", presets.PRESETS.values(), ids=lambda preset: preset.name)
def test_every_preset_names_what_exists(preset):
    assert f"{preset.model}-{preset.data}" in checkpoint.available()
    assert len(attacks(preset.attacks)) == len(preset.attacks)
    assert [str(multiplier(name)) for name in preset.multipliers] == list(preset.multipliers)
    assert preset.control == "e8m2"


def test_quick_with_few_samples():
    results = presets.run("quick", samples=10, attacks="fgsm:eps=0.1", seed=4)
    assert results.settings["data"] == "digits test"
    assert results.settings["seed"] == 4
    assert [row.target for row in results.clean] == [EXACT, "ax-fpm", "e8m2"]
    assert {row.accuracy.n for row in results.clean} == {10}
    assert len(results.attacks) == 3


def test_values_replace_those_of_the_preset(tmp_path):
    path = tmp_path / "mine.safetensors"
    module, provenance = checkpoint.load("lenet5-digits")
    checkpoint.save(path, module, dataclasses.replace(provenance, seed=9))
    results = presets.run(checkpoint=path, multipliers=["mitchell"], samples=3, attacks="fgsm:eps=0.1")
    assert results.settings["model"] == "lenet5 (mine)"
    assert results.settings["multipliers"] == ["mitchell", "e8m2"]


@pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
def test_standard_with_few_samples():
    results = presets.run(data="mnist", samples=20, multipliers=["ax-fpm"], attacks="fgsm:eps=0.3")
    assert results.settings["model"] == "lenet5 (lenet5-mnist)"
    assert all(row.accuracy.k >= 18 for row in results.clean)
    assert results.attacks[0].robust_accuracy.k <= 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "quik"}, "unknown preset 'quik'; did you mean quick"),
        ({"data": "mnits"}, "unknown data set 'mnits'"),
        ({"model": "lenet"}, "unknown model 'lenet'"),
        ({"samples": 0}, "samples=0 is too small; give at least 1"),
        ({"samples": 1000}, "samples=1000 is too large; give at most 397"),
        ({"model": "da-lenet"}, "no checkpoint for 'da-lenet' on 'digits' comes with the package; train one with"),
        ({"checkpoint": "lenet5-digits", "model": "da-lenet"}, "lenet5-digits holds a 'lenet5', not a 'da-lenet'"),
        ({"checkpoint": "absent.safetensors"}, "no checkpoint 'absent.safetensors'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        presets.run(**arguments)
