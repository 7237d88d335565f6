"""What training on a multiplier gives back: counted on the same images, kept, written and read."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from golden.cnn import checkpoint, data
from golden.cnn.training import count_correct, train
from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule
from golden.robustness import recovery as module
from golden.robustness.recovery import WAYS, read, recovery, save

needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)


@pytest.fixture
def small(monkeypatch, tmp_path):
    images, labels = data.load("digits", "train")
    few = data.DataSet("digits", lambda _split: (images[:256], labels[:256]), (1, 28, 28), 10, "256 digits")
    monkeypatch.setitem(data.DATASETS._entries, "digits", few)
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))


def test_counts_and_what_is_kept(small, monkeypatch, tmp_path):
    steps = []
    found = recovery("lenet5-digits", ["ax-fpm", "e8m1"], seeds=2, progress=lambda *step: steps.append(step[:2]))
    assert (found.model, found.data, found.seeds, found.samples, found.epochs) == ("lenet5", "digits", (0, 1), 256, 1)
    assert [row.multiplier for row in found.rows] == ["ax-fpm", "e8m1"]
    assert found.settings["gradient"] == "scaled"
    assert "multiplier" not in found.settings
    assert steps == sorted(steps)
    assert steps[-1] == (4 * 8, 4 * 8)
    images, labels = data.load("digits")
    for row in found.rows:
        assert row.correct.keys() == WAYS.keys()
        for seed, name in enumerate(("lenet5-digits", "lenet5-digits-seed1")):
            network = checkpoint.load(name)[0]
            assert row.correct["exact"][seed] == count_correct(network, images, labels)
            assert row.correct["raw"][seed] == count_correct(ApproximateModule(network, row.multiplier), images, labels)
        mean = {way: sum(counts) / 2 / 2.56 for way, counts in row.correct.items()}
        assert row.lost[0] == pytest.approx(mean["raw"] - mean["exact"])
        assert row.left[0] == pytest.approx(mean["trained"] - mean["exact"])
        assert row.gained[0] == pytest.approx(mean["trained"] - mean["raw"])
        for point, low, high in (row.lost, row.left, row.gained):
            assert low < point < high
    path = save(tmp_path / "found.json", found)
    assert read(path) == found
    monkeypatch.setattr(module.training, "train", None)
    assert recovery("lenet5-digits", ["ax-fpm", "e8m1"], seeds=2) == found
    assert "e8m1: exact 100.00%" in found.table() or "e8m1: exact 9" in found.table()


def test_planted_recovery():
    # 1000 images, two networks: all right exactly, 400 wrong on the multiplier, 100 of them after training.
    correct = np.ones((2, len(WAYS), 1000), bool)
    for way, wrong in (("raw", 400), ("calibrated", 200), ("trained", 100)):
        correct[:, list(WAYS).index(way), :wrong] = False
    (row,) = module._rows({"m": correct})
    assert row.correct == {"exact": (1000,) * 2, "raw": (600,) * 2, "calibrated": (800,) * 2, "trained": (900,) * 2}
    assert [pair[0] for pair in (row.lost, row.left, row.gained)] == pytest.approx([-40, -10, 30])
    # One difference alone has 1.96 sqrt(p (1 - p) / n); three that hold together are wider, equal networks no narrower.
    for (point, low, high), p in ((row.lost, 0.4), (row.left, 0.1), (row.gained, 0.3)):
        half = 196 * (p * (1 - p) / 1000) ** 0.5
        assert half < high - point < 1.5 * half
        assert point - low == pytest.approx(high - point)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet5-digit", ["ax-fpm"]), "no checkpoint 'lenet5-digit'"),
        (("lenet5-digits", ["ax-fpn"]), "unknown multiplier 'ax-fpn'; did you mean ax-fpm"),
        (("lenet5-digits", []), "no multiplier given; name at least one"),
    ],
)
def test_wrong_names(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        recovery(*arguments)


def test_wrong_numbers():
    with pytest.raises(InvalidInput, match="seeds=0 is too small"):
        recovery("lenet5-digits", ["ax-fpm"], seeds=0)
    with pytest.raises(
        InvalidInput, match=r"no checkpoint for 'lenet5' on 'digits' with seed 3 comes with the package"
    ):
        recovery("lenet5-digits", ["ax-fpm"], seeds=4)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": 2}), json.dumps({"schema": 1, "rows": 3})])
def test_files_of_others(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"a\.json holds no recovery \(.+\); measure it again with benchmarks/"):
        read(tmp_path / "a.json")


@needs_mnist
@pytest.mark.long
@pytest.mark.parametrize("name", ["ax-fpm", "e8m1"])
def test_mnist_again(name):
    # Another CPU or number of threads adds in another order, and a training may end a little elsewhere.
    stored = read(module.MEASURED / "lenet5-mnist.json")
    row = next(each for each in stored.rows if each.multiplier == name)
    _, again = train(start="lenet5-mnist", multiplier=name)
    assert again.settings.items() >= stored.settings.items()
    assert abs(again.correct_on[name] - row.correct["trained"][0]) <= 30


@pytest.mark.parametrize("path", sorted(module.MEASURED.glob("*.json")), ids=lambda path: path.stem)
def test_those_that_come_with_the_package(path):
    found = read(path)
    provenance = checkpoint.load(path.stem)[1]
    assert (found.network, found.model, found.data) == (path.stem, provenance.model, provenance.data)
    for row in found.rows:
        assert row.correct["exact"][0] == provenance.correct or abs(row.correct["exact"][0] - provenance.correct) <= 2
        for point, low, high in (row.lost, row.left, row.gained):
            assert low < point < high
