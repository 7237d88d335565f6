"""``axfpm search``: what it prints and writes, and that the file is what ``axfpm evaluate`` takes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("pymoo")

from axfpm.cli import main
from axfpm.layer_search import run as module
from axfpm.layer_search.energies import LayerEnergies
from golden.assignments import read

LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
FEW = ("--data", "digits", "--candidates", "exact,ax-fpm,e8m1", "--budget", "13", "--samples", "60", "--attacked", "0")


@pytest.fixture(autouse=True)
def on_digits(monkeypatch, tmp_path):
    """Energies for the digits, of which none come with the package."""
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    asked = []

    def made_up(network, candidates, **given):
        asked.append((network, [str(m) for m in candidates], given))
        energy = np.tile(np.arange(len(candidates), 0, -1.0), (5, 1))
        return LayerEnergies(network, given["library"], LAYERS, energy, energy[0], "made up")

    monkeypatch.setattr(module, "layer_energies", made_up)
    return asked


def run(*arguments):
    result = CliRunner(env={"COLUMNS": ""}).invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_tables_and_a_file_that_evaluate_takes(tmp_path, on_digits):
    file = tmp_path / "front.json"
    shown = run("search", *FEW, "-q", "-o", file, "--library", "nangate45", "--energies", "x.json").stdout
    ((network, names, given),) = on_digits
    assert (network, names) == ("lenet5 (lenet5-digits)", ["exact", "ax-fpm", "e8m1"])
    assert (given["library"], [str(path) for path in given["files"]]) == ("nangate45", ["x.json"])
    front = read(file)
    words = " ".join(shown.split())
    assert "points of training accuracy lost with one layer alone" in words
    assert f"{len(front)} assignments that none of 13 others dominates" in words
    assert str(front[0]) in shown
    few = ("--attacks", "fgsm:eps=0.05", "--samples", "40", "-q", "--json")
    evaluated = run("evaluate", "--data", "digits", "--layers", f"{file}:1", *few)
    rows = json.loads(evaluated.stdout)["clean"]
    assert f"assignment:{front[0]}" in [row["target"] for row in rows]


def test_json():
    found = json.loads(run("search", *FEW, "-q", "--json", "--seeds", "2").stdout)
    assert found["format"] == "axfpm assignments"
    assert [seed["evaluations"] for seed in found["search"]["seeds"]] == [13, 13]
    assert found["search"]["excluded"].startswith("memories")
    for entry in found["assignments"]:
        assert entry["energy_uj"] == sum({"exact": 3, "ax-fpm": 2, "e8m1": 1}[m] for m in entry["layers"].values())
        assert entry["training"]["n"] == 60
        assert entry["test"]["clean"]["n"] == 397
