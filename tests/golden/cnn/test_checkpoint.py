"""Checkpoints: round trip, provenance, damage."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors_torch

from golden.cnn import checkpoint, data, models
from golden.cnn.checkpoint import Checkpoint
from golden.cnn.training import DEFAULTS, count_correct
from golden.errors import InvalidInput

PROVENANCE = Checkpoint(model="lenet5", data="digits", seed=3, epochs=2, correct=90, samples=100)


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return models.build("lenet5")


def test_round_trip(tmp_path, model):
    path = checkpoint.save(tmp_path / "a.safetensors", model, PROVENANCE)
    loaded, provenance = checkpoint.load(path)
    assert provenance == PROVENANCE
    assert provenance.accuracy == 0.9
    assert not loaded.training
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_load_leaves_the_global_generator(tmp_path, model):
    path = checkpoint.save(tmp_path / "a.safetensors", model, PROVENANCE)
    state = torch.get_rng_state()
    checkpoint.load(path)
    assert torch.equal(torch.get_rng_state(), state)


def test_packaged_names():
    assert {"lenet5-digits", "lenet5-mnist"} <= set(checkpoint.available())
    for name in ("lenet5-digits", "lenet5-mnist"):
        _, provenance = checkpoint.load(name)
        assert name == f"{provenance.model}-{provenance.data}"
        assert (provenance.seed, provenance.epochs) == (0, DEFAULTS[provenance.data].epochs)
        assert provenance.settings["batch"] == str(DEFAULTS[provenance.data].batch)
        assert checkpoint.path_of(name).stat().st_size < 300_000


def test_packaged_digits_accuracy_is_the_measured_one():
    loaded, provenance = checkpoint.load("lenet5-digits")
    images, labels = data.load("digits", "test")
    assert provenance.samples == len(labels)
    assert count_correct(loaded, images, labels) == provenance.correct
    assert provenance.accuracy >= 0.98


@pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
def test_packaged_mnist_accuracy_is_the_measured_one():
    loaded, provenance = checkpoint.load("lenet5-mnist")
    images, labels = data.load("mnist", "test")
    assert provenance.samples == len(labels) == 10000
    # Another CPU sums in another order, which may move an image on the boundary.
    assert abs(count_correct(loaded, images, labels) - provenance.correct) <= 2
    assert provenance.accuracy >= 0.989


def test_missing():
    with pytest.raises(
        InvalidInput, match=r"no checkpoint 'lenet5-digit'; did you mean lenet5-digits.*\? \(or give a file\)$"
    ):
        checkpoint.load("lenet5-digit")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not safetensors", b"\xff" * 100])
def test_not_safetensors(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"a\.safetensors is not a readable safetensors file .*; train or copy"):
        checkpoint.load(path)


def test_truncated(tmp_path, model):
    path = checkpoint.save(tmp_path / "a.safetensors", model, PROVENANCE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InvalidInput, match="is not a readable safetensors file"):
        checkpoint.load(path)


def test_one_flipped_bit(tmp_path, model):
    path = checkpoint.save(tmp_path / "a.safetensors", model, PROVENANCE)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="is corrupt: its parameters do not have their checksum"):
        checkpoint.load(path)


def test_alien_file(tmp_path, model):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_torch.save(model.state_dict()))
    with pytest.raises(InvalidInput, match="does not say which model it holds; write checkpoints with `axfpm train`"):
        checkpoint.load(path)


@pytest.mark.parametrize("provenance", ["{", "[]", '{"model": "lenet5"}', '{"weights_sha256": "", "alien": 1}'])
def test_unreadable_provenance(tmp_path, model, provenance):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_torch.save(model.state_dict(), {checkpoint.KEY: provenance}))
    with pytest.raises(InvalidInput, match="has unreadable provenance"):
        checkpoint.load(path)


@pytest.mark.parametrize("change", ["missing", "shape", "unknown model"])
def test_wrong_architecture(tmp_path, model, change):
    tensors = model.state_dict()
    provenance = {**vars(PROVENANCE), "weights_sha256": checkpoint.weights_digest(model)}
    expected = r"does not fit model 'lenet5' at 'fc3.bias'"
    if change == "missing":
        del tensors["fc3.bias"]
    elif change == "shape":
        tensors["fc3.bias"] = torch.zeros(11)
    else:
        provenance["model"] = "alien"
        expected = "unknown model 'alien'"
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_torch.save(tensors, {checkpoint.KEY: json.dumps(provenance)}))
    with pytest.raises(InvalidInput, match=expected):
        checkpoint.load(path)


def test_a_broken_one_does_not_replace_a_good_one(tmp_path, model):
    path = checkpoint.save(tmp_path / "a.safetensors", model, PROVENANCE)
    good = path.read_bytes()
    with pytest.raises(InvalidInput, match="does not fit model 'lenet5'"):
        checkpoint.save(path, torch.nn.Linear(3, 4), PROVENANCE)
    assert path.read_bytes() == good
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_unwritable(tmp_path, model):
    with pytest.raises(InvalidInput, match=r"cannot write .*absent does not exist; choose another place"):
        checkpoint.save(tmp_path / "absent" / "a.safetensors", model, PROVENANCE)
    with pytest.raises(InvalidInput, match="is a folder; give the name of a file"):
        checkpoint.save(tmp_path, model, PROVENANCE)
