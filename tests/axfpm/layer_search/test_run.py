"""``axfpm.search``: a planted layer is found, whoever works and whatever is killed; test images have no say in it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("pymoo")

import axfpm
from axfpm.layer_search import run
from axfpm.layer_search.run import search
from golden.assignments import read
from golden.cnn import data
from golden.errors import InvalidInput, MissingTool
from golden.robustness import assigned

LAYERS = ("front", "main", "side")
CANDIDATES = ("exact", "mitchell", "e8m1")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def searched(planted, energies):
    """``searched(...)``: a search on the planted network, on 200 images and without attacks."""

    def call(**changes):
        given = {"budget": 20, "samples": 200, "attacked": 0, "energies": energies(LAYERS, 3, 2, 1)}
        return search(planted, **{"candidates": CANDIDATES, **given, **changes})

    return call


def test_the_planted_layer_is_found(searched):
    found = searched()
    assert found.sensitivities is not None
    assert found.settings["most_accurate"] == "exact"
    # Columns are as asked for; the sensitive layer breaks on the last one, and the others never do.
    assert np.unravel_index(found.sensitivities.argmax(), (3, 3)) == (1, 2)
    assert found.sensitivities[1, 2] > 0.5
    assert np.abs(found.sensitivities[[0, 2]]).max() <= 0.005
    good = [each for each in found.front if each.training.k >= found.exact_training.k - 2]
    names = good[0].assignment.to_dict()
    assert names.pop("main") in ("exact", "mitchell")
    assert names == {"front": "e8m1", "side": "e8m1"}
    assert found.seeds[0].evaluations == len(found.seen) == 20
    table = found.sensitivity_table()
    assert [row[0] for row in table] == list(LAYERS)
    assert len(found.table()) == len(found.front) + 1


def test_what_is_reported_is_so(searched, planted):
    found = searched(seeds=2)
    assert [each.seed for each in found.seeds] == [0, 1]
    assert len(found.seen) <= 27
    test, truth = data.load("digits")
    import torch

    for each in found.front:
        assert each.energy_uj == sum(3 - CANDIDATES.index(str(m)) for m in each.assignment.values())
        with torch.no_grad(), axfpm.approximate("exact", layers=each.assignment):
            right = int((planted.module(torch.from_numpy(test)).argmax(1).numpy() == truth).sum())
        assert (each.test.clean.k, each.test.clean.n) == (right, len(test))
        assert each.drop == pytest.approx(100 * (each.training.k / 200 - right / len(test)))
    values = np.array(list(found.seen.values()))
    for each in found.front:
        mine = [each.energy_uj, 1 - each.training.k / 200]
        assert not ((values <= np.array(mine) - 1e-12).all(1)).any()


def test_a_budget_that_reaches_all(searched):
    found = searched(budget=27, strategy="random")
    assert found.settings["strategy"] == "exhaustive"
    assert len(found.seen) == 27


def plain(found):
    said = found.to_dict()
    return json.dumps({**said, "search": {**said["search"], "cpu": ""}}, sort_keys=True)


def test_two_processes_find_the_same(searched):
    assert plain(searched(cache=False)) == plain(searched(cache=False, jobs=2))


def test_an_interrupted_search_goes_on(searched, monkeypatch):
    whole, real, done = plain(searched(cache=False)), assigned._classify, []

    def counted(module, each, images):
        if len(done) == 12:
            raise KeyboardInterrupt
        done.append(str(each))
        return real(module, each, images)

    monkeypatch.setattr(assigned, "_classify", counted)
    with pytest.raises(KeyboardInterrupt):
        searched()
    first = list(done)
    done.clear()
    monkeypatch.setattr(assigned, "_classify", lambda *given: done.append(str(given[1])) or real(*given))
    assert plain(searched()) == whole
    assert len(done) == 20 - 12
    assert not set(done) & set(first)


def test_the_file_is_what_others_take(searched, planted, tmp_path):
    import torch

    found = searched(budget=10)
    path = tmp_path / "front.json"
    path.write_text(found.to_json(), encoding="utf-8")
    assert read(path) == tuple(each.assignment for each in found.front)
    x = torch.from_numpy(data.load("digits")[0][:40])
    for number, each in enumerate(found.front, 1):
        with torch.no_grad():
            ours = axfpm.ApproximateModule(planted.module, "exact", layers=each.assignment)(x)
            theirs = axfpm.ApproximateModule(planted.module, "exact", layers=f"{path}:{number}")(x)
        assert torch.equal(ours, theirs)


def test_test_images_have_no_say(searched, monkeypatch):
    first, real = searched(cache=False), data.load

    def shuffled(name, split="test"):
        images, labels = real(name, split)
        return (images, labels) if split == "train" else (images[::-1].copy(), labels)

    monkeypatch.setattr(data, "load", shuffled)
    other = searched(cache=False)
    assert [each.assignment for each in other.front] == [each.assignment for each in first.front]
    assert other.seen.keys() == first.seen.keys()
    assert other.exact_test.clean.k < first.exact_test.clean.k / 2


def test_what_cannot_be_searched(searched, energies, planted, monkeypatch):
    for changes, said in (
        ({"budget": 0}, "budget=0 is too small"),
        ({"seeds": 0}, "seeds=0 is too small"),
        ({"seed": -1}, "seed=-1 is too small"),
        ({"attacked": -1}, "attacked=-1 is too small"),
        ({"attacked": 398}, "attacked=398 is too large; give at most 397, which is all there are"),
        ({"samples": 1401}, "samples=1401 is too large"),
        ({"strategy": "nsga"}, "unknown strategy 'nsga'; did you mean nsga2"),
        ({"candidates": "exact"}, "there is nothing to choose among 1 candidates; give two at least"),
        ({"candidates": "exact,e8m22"}, "unknown multiplier 'e8m22'"),
        ({"jobs": 0}, "jobs=0 is too small"),
        ({"energies": energies(("front", "main"), 3, 2, 1)}, "energies are of the layers front, main, and the network"),
    ):
        with pytest.raises(InvalidInput, match=said):
            searched(**changes)
    monkeypatch.setattr(run, "find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="a search over layers needs pymoo; run `pip install 'axfpm"):
        searched()


KILLED = """
import sys
import numpy as np
sys.path.insert(0, {folder!r})
from conftest import _Planted
from golden.cnn.trained import TrainedNetwork
from axfpm.layer_search.energies import LayerEnergies
from axfpm.layer_search.run import search

if __name__ == "__main__":
    network = TrainedNetwork(_Planted.module(), "planted", "digits", "", None)
    energies = LayerEnergies("toy", "osu018", ("front", "main", "side"), np.tile([3.0, 2, 1], (3, 1)), np.ones(3), "")
    found = search(network, candidates=("exact", "mitchell", "e8m1"), budget=20, attacked=0, energies=energies,
                   jobs={jobs}, samples={samples})
    print(found.to_json())
"""


@pytest.mark.long
def test_a_killed_search_goes_on(tmp_path):
    def start(cache, jobs):
        code = KILLED.format(folder=str(Path(__file__).parent), jobs=jobs, samples=1400)
        environment = {**os.environ, "AXFPM_CACHE": str(tmp_path / cache), "PYTHONPATH": str(ROOT)}
        return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)

    def said(process):
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        found = json.loads(out)
        found["search"]["cpu"] = ""
        return found

    whole = said(start("whole", 1))
    killed, kept = start("killed", 1), tmp_path / "killed" / "evaluation"
    while killed.poll() is None and len(list(kept.glob("*-logits"))) < 5:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert said(start("killed", 2)) == whole


def test_names_of_networks():
    with pytest.raises(InvalidInput, match=r"exact was not measured for lenet5 \(lenet5-digits\) on osu018"):
        search("lenet5", data="digits", candidates="exact,e8m2")
