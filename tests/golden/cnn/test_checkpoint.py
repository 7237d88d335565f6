"""Checkpoints: round trip, provenance, damage."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors_torch

from golden.cnn import checkpoint, data, models
from golden.cnn.checkpoint import Checkpoint
from golden.cnn.training import ADVERSARIAL, DEFAULTS, count_correct
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


PACKAGED = [("lenet5", data, seed, "") for data in ("digits", "mnist") for seed in (0, 1, 2)]
PACKAGED += [("lenet5", "digits", 0, "pgd"), ("lenet5", "mnist", 0, "pgd"), ("alexnet", "cifar10", 0, "pgd")]
CIFAR10 = ("alexnet-cifar10", "alexnet-cifar10-seed1", "alexnet-cifar10-seed2", "vgg11-cifar10")
EPSILON = {"digits": 0.15, "mnist": 0.3, "cifar10": 0.008}
needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
needs_cifar10 = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "cifar-10-batches-py/test_batch").is_file(),
    reason="AXFPM_DATA names no folder with cifar-10-batches-py/test_batch",
)


@pytest.mark.parametrize(("model", "dataset", "seed", "variant"), PACKAGED)
def test_packaged_ones_say_how_they_were_made(model, dataset, seed, variant):
    name = checkpoint.packaged(model, dataset, seed=seed, variant=variant)
    _, provenance = checkpoint.load(name)
    assert (provenance.model, provenance.data, provenance.seed) == (model, dataset, seed)
    assert provenance.variant == variant
    settings = (ADVERSARIAL if variant else DEFAULTS)[dataset]
    assert provenance.epochs == settings.epochs
    assert provenance.settings["batch"] == str(settings.batch)
    if variant:
        assert provenance.settings["epsilon"] == str(EPSILON[dataset])
        assert provenance.settings["steps"] == str(settings.steps)
    assert checkpoint.path_of(name).stat().st_size < 500_000


def test_packaged_names():
    assert checkpoint.name_of("lenet5", "mnist") == "lenet5-mnist"
    assert checkpoint.name_of("lenet5", "mnist", seed=1) == "lenet5-mnist-seed1"
    assert checkpoint.name_of("lenet5", "mnist", variant="pgd") == "lenet5-mnist-pgd"
    assert checkpoint.name_of("lenet5", "mnist", seed=2, variant="pgd") == "lenet5-mnist-pgd-seed2"
    names = {checkpoint.name_of(m, d, seed=s, variant=v) for m, d, s, v in PACKAGED}
    assert names | set(CIFAR10) == set(checkpoint.available())
    digests = {checkpoint.weights_digest(checkpoint.load(name)[0]) for name in checkpoint.available()}
    assert len(digests) == len(PACKAGED) + len(CIFAR10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"model": "lenet5", "data": "mnist", "seed": 7},
            r"no checkpoint for 'lenet5' on 'mnist' with seed 7 comes with the package; train one with `axfpm train "
            r"--data mnist --model lenet5 --seed 7 -o FILE` and give it with --checkpoint FILE, or take lenet5-mnist, ",
        ),
        (
            {"model": "lenet5", "data": "digits", "seed": 1, "variant": "pgd"},
            r"on 'digits' with seed 1, trained on images perturbed by PGD, comes .* --adversarial EPS -o FILE`",
        ),
        (
            {"model": "da-lenet", "data": "mnist"},
            r"no checkpoint for 'da-lenet' on 'mnist' comes .* with --checkpoint FILE$",
        ),
        ({"model": "lenet5", "data": "mnist", "variant": "pdg"}, "unknown variant 'pdg'; choose from pgd"),
    ],
)
def test_packaged_ones_that_are_not(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        checkpoint.packaged(**arguments)


@pytest.mark.parametrize(
    ("name", "dataset", "least"),
    [
        *((checkpoint.name_of("lenet5", "digits", seed=seed), "digits", 0.98) for seed in (0, 1, 2)),
        ("lenet5-digits-pgd", "digits", 0.96),
        *(
            pytest.param(checkpoint.name_of("lenet5", "mnist", seed=seed), "mnist", 0.989, marks=needs_mnist)
            for seed in (0, 1, 2)
        ),
        pytest.param("lenet5-mnist-pgd", "mnist", 0.98, marks=needs_mnist),
        pytest.param(CIFAR10[0], "cifar10", 0.76, marks=needs_cifar10),
        pytest.param("alexnet-cifar10-pgd", "cifar10", 0.75, marks=needs_cifar10),
        *(pytest.param(name, "cifar10", 0.76, marks=[needs_cifar10, pytest.mark.long]) for name in CIFAR10[1:]),
    ],
)
def test_packaged_accuracy_is_the_measured_one(name, dataset, least):
    loaded, provenance = checkpoint.load(name)
    images, labels = data.load(dataset, "test")
    assert provenance.samples == len(labels)
    # Another CPU sums in another order, which may move an image on the boundary.
    assert abs(count_correct(loaded, images, labels) - provenance.correct) <= 2
    assert provenance.accuracy >= least


def test_missing():
    with pytest.raises(
        InvalidInput, match=r"no checkpoint 'lenet5-digit', neither a file nor a name; did you mean len"
    ):
        checkpoint.load("lenet5-digit")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no checkpoint: neither a safetensors file nor one of torch; give another file"),
        (b"\xff" * 100, "is no checkpoint: neither a safetensors file nor one of torch"),
        (b"PK\x03\x04 not torch", "is not a readable file of torch .*; copy it again"),
        (b"\x80\x02 not torch", "is not a readable file of torch .*; copy it again"),
        (b"\x09" + bytes(7) + b"{not JSON", "is not a readable safetensors file .*; train or copy"),
    ],
)
def test_no_checkpoint(tmp_path, content, message):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=rf"a\.safetensors {message}"):
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


def provenance_with(**changes):
    return json.dumps({**vars(PROVENANCE), "weights_sha256": "", **changes})


@pytest.mark.parametrize(
    "provenance",
    [
        "{",
        "[]",
        '{"model": "lenet5"}',
        '{"weights_sha256": "", "alien": 1}',
        provenance_with(model=[]),
        provenance_with(data=None),
        provenance_with(samples="100"),
        provenance_with(settings=3),
    ],
)
def test_unreadable_provenance(tmp_path, model, provenance):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_torch.save(model.state_dict(), {checkpoint.KEY: provenance}))
    with pytest.raises(InvalidInput, match="has unreadable provenance"):
        checkpoint.load(path)


@pytest.mark.parametrize("change", ["missing", "shape", "unknown model"])
def test_wrong_architecture(tmp_path, model, change):
    tensors = model.state_dict()
    provenance = {**vars(PROVENANCE), "weights_sha256": checkpoint.weights_digest(model)}
    if change == "missing":
        del tensors["fc3.bias"]
        expected = r"does not fit model 'lenet5': it lacks 'fc3.bias'; give another"
    elif change == "shape":
        tensors["fc3.bias"] = torch.zeros(11)
        expected = r"does not fit model 'lenet5': the shape of 'fc3.bias' is \(11,\), not \(10,\); give another"
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


def test_a_renamed_architecture_still_loads(tmp_path):
    with torch.random.fork_rng(devices=[]):
        module = models.build("guesmi2021")
    provenance = {**vars(PROVENANCE), "model": "da-lenet", "weights_sha256": checkpoint.weights_digest(module)}
    path = tmp_path / "old.safetensors"
    path.write_bytes(safetensors_torch.save(module.state_dict(), {checkpoint.KEY: json.dumps(provenance)}))
    for model in (None, "guesmi2021", "da-lenet"):
        loaded, provenance = checkpoint.load(path, model=model)
        assert provenance.model == "guesmi2021"
        assert checkpoint.weights_digest(loaded) == checkpoint.weights_digest(module)
    with pytest.raises(InvalidInput, match=r"holds a 'guesmi2021', not a 'lenet5'; leave out one of the two"):
        checkpoint.load(path, model="lenet5")


def test_parameters_with_two_names(tmp_path, monkeypatch):
    class Tied(models.LeNet5):
        def __init__(self):
            super().__init__()
            self.again = self.fc3

    monkeypatch.setitem(
        models.MODELS._entries, "tied", models.Model("tied", Tied, (1, 28, 28), 10, "the last layer twice")
    )
    with torch.random.fork_rng(devices=[]):
        module = models.build("tied")
    path = checkpoint.save(tmp_path / "a", module, dataclasses.replace(PROVENANCE, model="tied"))
    loaded, _ = checkpoint.load(path)
    assert torch.equal(loaded.again.weight, module.fc3.weight)  # pyright: ignore


def test_a_file_does_not_decide_which_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "alien_code.py").write_text("raise SystemExit('executed')")
    with torch.random.fork_rng(devices=[]):
        module = models.build("lenet5")
    provenance = {**vars(PROVENANCE), "model": "alien_code:Net", "weights_sha256": ""}
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors_torch.save(module.state_dict(), {checkpoint.KEY: json.dumps(provenance)}))
    with pytest.raises(
        InvalidInput, match=r"needs code of others, alien_code:Net; if you trust that, add --model alien"
    ):
        checkpoint.load(path)
    with pytest.raises(InvalidInput, match=r"cannot be imported \(SystemExit: executed\)"):  # once it is named, it runs
        checkpoint.load(path, model="alien_code:Net")
