"""A network by what a user names of it, in every combination that says enough, and those that do not."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from golden.cnn import checkpoint, data, models
from golden.cnn.checkpoint import Checkpoint, weights_digest
from golden.cnn.trained import trained_network
from golden.cnn.training import count_correct, train
from golden.errors import InvalidInput

AUTHORS = Path(os.environ.get("AXFPM_DATA", ""), "authors", "trained_lenet5.pt")

CODE = """
import torch
from torch import nn

class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.linear = nn.Linear(784, 10)

    def forward(self, x):
        return self.linear(self.norm(x).flatten(1))

def stamped():
    model = ones()
    model.register_buffer("unused", torch.rand(3))
    return model

BUILT = []

def once():
    BUILT.append(1)
    if len(BUILT) > 1:
        raise RuntimeError("the file is open")
    return ones()

def ones():
    model = Pixels()
    nn.init.ones_(model.linear.weight)
    nn.init.zeros_(model.linear.bias)
    return model

def fixed():
    return Pixels().requires_grad_(False)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Code of a user in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "axfpm_pixels.py").write_text(CODE)
    yield tmp_path
    sys.modules.pop("axfpm_pixels", None)


@pytest.fixture
def published(tmp_path):
    """A plain state_dict of the paper's network, with other numbers, as torch wrote it in 2021."""
    with torch.random.fork_rng(devices=[]):
        module = models.build("guesmi2021")
    torch.save(module.state_dict(), tmp_path / "trained.pt", _use_new_zipfile_serialization=False)
    return tmp_path / "trained.pt", weights_digest(module)


def test_those_that_come_with_the_package():
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "lenet5-digits"),
        ({"data": "mnist"}, "lenet5-mnist"),
        ({"model": "lenet5", "data": "mnist", "seed": 2}, "lenet5-mnist-seed2"),
        ({"data": "digits", "variant": "pgd"}, "lenet5-digits-pgd"),
        ({"checkpoint": "lenet5-mnist-seed1"}, "lenet5-mnist-seed1"),
        ({"checkpoint": "lenet5-mnist", "model": "lenet5"}, "lenet5-mnist"),
    )
    for arguments, name in cases:
        network = trained_network(**arguments)
        module, provenance = checkpoint.load(name)
        assert weights_digest(network.module) == weights_digest(module)
        assert (network.checkpoint, network.provenance, network.data) == (name, provenance, provenance.data)
        assert network.name == f"lenet5 ({name})"
        assert not network.module.training


def test_used_on_other_data():
    network = trained_network(data="mnist", checkpoint="lenet5-digits")
    assert (network.data, network.provenance and network.provenance.data) == ("mnist", "digits")


def test_parameters_by_others(published):
    path, digest = published
    for model in ("guesmi2021", "da-lenet"):
        network = trained_network(model, checkpoint=path)  # this architecture is for one data set
        assert (network.model, network.data, network.checkpoint) == ("guesmi2021", "mnist", str(path))
        assert network.name == "guesmi2021 (trained)"
        assert network.provenance is None
        assert weights_digest(network.module) == digest
    assert trained_network("guesmi2021", "digits", path).data == "digits"


@pytest.mark.skipif(not AUTHORS.is_file(), reason="AXFPM_DATA names no folder with authors/trained_lenet5.pt")
def test_the_published_file():
    network = trained_network("guesmi2021", checkpoint=AUTHORS)
    images, labels = data.load(network.data, "test")
    assert count_correct(network.module, images[:500], labels[:500]) >= 480


def test_a_model_by_import_path(mine):
    network = trained_network("axfpm_pixels:ones", "mnist")
    assert (network.model, network.name, network.data) == ("axfpm_pixels:ones", "axfpm_pixels:ones", "mnist")
    assert (network.checkpoint, network.provenance) == ("", None)
    assert not network.module.training
    images = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        logits = network.module(images)
    assert torch.allclose(logits, logits[:, :1].expand(3, 10))
    with pytest.raises(
        InvalidInput,
        match=r"'axfpm_pixels:Pixels' is another network whenever it is built, .* --model axfpm_pixels:Pixels -o FILE`",
    ):
        trained_network("axfpm_pixels:Pixels", "mnist")
    assert trained_network("axfpm_pixels:stamped", "mnist").model == "axfpm_pixels:stamped"
    assert trained_network("axfpm_pixels:once", "mnist").model == "axfpm_pixels:once"


@pytest.mark.parametrize("kind", ["torch", "ours"])
def test_a_model_by_import_path_and_a_file(mine, kind):
    path = mine / "pixels"
    with torch.random.fork_rng(devices=[]):
        module = models.build(models.look_up("axfpm_pixels:Pixels", data.DATASETS["digits"]))
    if kind == "torch":
        torch.save(module.state_dict(), path)
    else:
        checkpoint.save(path, module, Checkpoint("axfpm_pixels:Pixels", "digits", 0, 1, 1, 2))
        assert trained_network("axfpm_pixels:Pixels", checkpoint=path).data == "digits"
    network = trained_network("axfpm_pixels:Pixels", "digits", path)
    assert weights_digest(network.module) == weights_digest(module)
    assert network.name == "axfpm_pixels:Pixels (pixels)"
    assert (network.provenance is None) == (kind == "torch")


def test_trained_by_import_path(mine):
    # Batch norm and all: what is trained, written and loaded again computes the same.
    module, provenance = train("digits", "axfpm_pixels:Pixels", epochs=2, output=mine / "pixels")
    assert provenance.model == "axfpm_pixels:Pixels"
    assert provenance.accuracy > 0.8
    network = trained_network("axfpm_pixels:Pixels", checkpoint=mine / "pixels")
    assert weights_digest(network.module) == weights_digest(module)
    assert network.provenance == provenance
    with pytest.raises(InvalidInput, match="model 'axfpm_pixels:fixed' has no parameters to train"):
        train("digits", "axfpm_pixels:fixed", epochs=1)
    with pytest.raises(InvalidInput, match=r"given 2 images of \(3, 32, 32\), raises an error"):
        trained_network("axfpm_pixels:Pixels", "cifar10")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "mnits"}, "unknown data set 'mnits'; did you mean mnist?"),
        ({"model": "guesmi"}, r"unknown model 'guesmi'; did you mean guesmi2021\?"),
        ({"model": "guesmi2021"}, "no checkpoint for 'guesmi2021' on 'mnist' comes with the package; train one with"),
        ({"model": "guesmi2021", "data": "digits"}, "no checkpoint for 'guesmi2021' on 'digits' comes"),
        (
            {"data": "cifar10", "model": "lenet5"},
            r"model 'lenet5' takes images of \(1, 28, 28\) and 10 classes, 'cifar10' has",
        ),
        ({"data": "cifar10", "checkpoint": "lenet5-mnist"}, "model 'lenet5' takes images of"),
        ({"seed": 9}, "no checkpoint for 'lenet5' on 'digits' with seed 9 comes"),
        ({"variant": "trades"}, "unknown variant 'trades'; choose from pgd"),
        (
            {"checkpoint": "lenet5-mnits"},
            "no checkpoint 'lenet5-mnits', neither a file nor a name; did you mean lenet5-mnist",
        ),
        ({"checkpoint": "lenet5-digits", "model": "guesmi2021"}, "holds a 'lenet5', not a 'guesmi2021'; leave out one"),
        (
            {"model": "torch.nn:Identity"},
            "model 'torch.nn:Identity' does not say which images it takes; name a data set",
        ),
        (
            {"seed": 1, "checkpoint": "lenet5-digits"},
            "seed 1 is for the checkpoints of the package, and lenet5-digits is one network; leave out one",
        ),
        (
            {"variant": "pgd", "model": "torch.nn:Identity", "data": "mnist"},
            "variant 'pgd' is for the checkpoints",
        ),
        ({"checkpoint": "FILE"}, r"trained\.pt does not say which model it holds; name it with --model"),
        ({"checkpoint": "FILE", "data": "mnist"}, "does not say which model it holds"),
        ({"checkpoint": "FILE", "model": "lenet5"}, "does not say which images it is for; name a data set with --data"),
        ({"checkpoint": "FILE", "model": "torch.nn:Identity"}, "does not say which images it is for"),
        (
            {"checkpoint": "FILE", "model": "lenet5", "data": "mnist"},
            "does not fit model 'lenet5': it lacks 'fc1.weight'",
        ),
        ({"checkpoint": __file__, "model": "lenet5", "data": "mnist"}, "is no checkpoint: neither a safetensors file"),
    ],
)
def test_what_does_not_say_enough(published, arguments, message):
    if arguments.get("checkpoint") == "FILE":
        arguments = {**arguments, "checkpoint": published[0]}
    with pytest.raises(InvalidInput, match=message):
        trained_network(**arguments)


def test_provenance_of_unknown_data(tmp_path):
    module, provenance = checkpoint.load("lenet5-digits")
    path = checkpoint.save(tmp_path / "a", module, Checkpoint("lenet5", "letters", 0, 1, 1, 2))
    assert provenance.data == "digits"
    with pytest.raises(InvalidInput, match="unknown data set 'letters'"):
        trained_network(checkpoint=path)
    assert trained_network(data="mnist", checkpoint=path).data == "mnist"
