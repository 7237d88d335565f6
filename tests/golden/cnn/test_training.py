"""Training: reproducible, resumable, and as accurate as the checkpoints say."""

import dataclasses

import numpy as np
import pytest
import torch

from golden.cache import pack, unpack
from golden.cnn import checkpoint, data, training
from golden.cnn.checkpoint import weights_digest
from golden.cnn.training import train
from golden.errors import AxfpmWarning, InvalidInput

STEPS = 3
"""Batches of 32 in an epoch of ``small``."""


def interrupted_after(steps):
    def progress(done, _total, _message):
        if done == steps:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def small(monkeypatch):
    """The digits, but few of them."""
    images, labels = data.load("digits", "train")
    dataset = data.DataSet("digits", lambda _split: (images[:96], labels[:96]), (1, 28, 28), 10, "96 digits")
    monkeypatch.setitem(data.DATASETS._entries, "digits", dataset)


def test_seed_decides(small):
    state = torch.get_rng_state()
    first, provenance = train(epochs=2, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert (provenance.epochs, provenance.seed, provenance.samples) == (2, 1, 96)
    assert not first.training
    assert weights_digest(first) == weights_digest(train(epochs=2, seed=1)[0])
    assert weights_digest(first) != weights_digest(train(epochs=2, seed=2)[0])


def test_interrupted_run_ends_as_the_uninterrupted_one(small, tmp_path):
    whole, _ = train(epochs=4)
    output = tmp_path / "a.safetensors"

    with pytest.raises(KeyboardInterrupt):
        train(epochs=4, output=output, progress=interrupted_after(2 * STEPS + 1))
    assert not output.exists()
    assert (tmp_path / "a.safetensors.training").exists()
    seen = []
    resumed, provenance = train(epochs=4, output=output, progress=lambda *step: seen.append(step))
    assert [step[:2] for step in seen] == [(done, 4 * STEPS) for done in range(2 * STEPS, 4 * STEPS + 1)]
    assert seen[0][2] == "taken up after epoch 2"
    assert seen[1][2].startswith("epoch 3 of 4, loss ")
    assert weights_digest(resumed) == weights_digest(whole)
    assert checkpoint.load(output)[1] == provenance
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"seed": 7}, "seed 0, not 7"),
        ({"epochs": 3}, "epochs 2, not 3"),
        ({"learning_rate": 0.1}, "learning_rate 0.003, not 0.1"),
        ({"multiplier": "ax-fpm"}, "multiplier none, not ax-fpm"),
        ({"adversarial": 0.1}, "epsilon 0.0, not 0.1"),
        ({"start": "lenet5-digits"}, r"parameters at the start none, not [0-9a-f]{12}"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_state_of_another_training_stays(small, tmp_path, other, difference):
    output, state = tmp_path / "a.safetensors", tmp_path / "a.safetensors.training"
    fixed = {"learning_rate": 0.003} if "start" in other else {}  # so that only that differs
    with pytest.raises(KeyboardInterrupt):
        train(epochs=2, output=output, progress=interrupted_after(STEPS))
    before = state.read_bytes()
    sentence = rf"keeps another training, interrupted after 1 of 2 epochs \({difference}\); finish that by its own"
    with pytest.raises(InvalidInput, match=sentence):
        train(**({"epochs": 2} | fixed | other), output=output)
    assert state.read_bytes() == before
    assert not output.exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04"])
def test_a_file_that_is_no_state_stays(small, tmp_path, content):
    (tmp_path / "a.training").write_bytes(content)
    with pytest.raises(
        InvalidInput, match=r"a\.training is not the state of an interrupted training; delete or move it"
    ):
        train(epochs=1, output=tmp_path / "a")
    assert (tmp_path / "a.training").read_bytes() == content


@pytest.mark.parametrize("harm", ["flipped", "cut", "another kind", "not torch"])
def test_a_damaged_state_starts_afresh(small, tmp_path, harm):
    output, state = tmp_path / "a", tmp_path / "a.training"

    with pytest.raises(KeyboardInterrupt):
        train(epochs=2, output=output, progress=interrupted_after(STEPS))
    whole = state.read_bytes()
    place = len(whole) // 2
    state.write_bytes(
        {
            "flipped": whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            "cut": whole[:place],
            "another kind": pack("evaluation", "", unpack("training", "", whole) or b""),
            "not torch": pack("training", "", b"[1]"),
        }[harm]
    )
    seen = []
    with pytest.warns(AxfpmWarning, match=r"a\.training is damaged: training starts afresh"):
        again, _ = train(epochs=2, output=output, progress=lambda *step: seen.append(step[0]))
    assert seen == [*range(2 * STEPS + 1)]
    assert weights_digest(again) == weights_digest(train(epochs=2)[0])


def test_training_outlives_a_full_disk(small, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("golden.cnn.training_state.replace_file", full)
    with pytest.warns(AxfpmWarning, match=r"cannot write .*a\.training \(No space left on device\): if"):
        train(epochs=1, output=tmp_path / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_existing_output_survives_an_interruption(small, tmp_path):
    output = tmp_path / "a.safetensors"
    train(epochs=1, output=output)
    before = output.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        train(epochs=2, output=output, progress=interrupted_after(STEPS))
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "mnits"}, "unknown data set 'mnits'"),
        ({"model": "lenet"}, "unknown model 'lenet'"),
        ({"epochs": 0}, "epochs=0 is too small; give at least 1"),
        ({"seed": -1}, "seed=-1 is too small; give at least 0"),
        ({"learning_rate": 0}, "learning_rate=0 is too small; give more than 0"),
        ({"multiplier": "ax-fpn"}, "unknown multiplier 'ax-fpn'; did you mean ax-fpm"),
        ({"multiplier": "ax-fpm", "gradient": "scale"}, "unknown gradient 'scale'; did you mean scaled"),
        ({"multiplier": "mitchell", "gradient": "masked"}, "mitchell has no two-product form"),
        ({"gradient": "masked"}, "gradient='masked' is for products on a multiplier, and there is none; name one"),
        ({"start": "lenet5-digit"}, "no checkpoint 'lenet5-digit', neither a file nor a name; did you mean"),
        ({"start": "lenet5-digits", "model": "guesmi2021"}, "holds a 'lenet5', not a 'guesmi2021'; leave out one"),
        (
            {"data": "cifar10", "model": "lenet5"},
            r"model 'lenet5' takes images of \(1, 28, 28\) and 10 classes, 'cifar10' has",
        ),
        ({"output": "/absent/folder/a"}, "cannot write /absent/folder/a: /absent/folder does not exist"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        train(**arguments)


def test_a_short_training_learns():
    _, result = train(epochs=3)
    assert result.accuracy >= 0.9


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in checkpoint.available() if "-digits" in name])
def test_digits_again(name):
    # The committed checkpoint's settings; another thread count or CPU may end elsewhere, but as accurate.
    _, stored = checkpoint.load(name)
    epsilon = float(stored.settings["epsilon"]) if stored.variant else None
    module, again = train(seed=stored.seed, adversarial=epsilon)
    assert (again.epochs, again.seed, again.settings) == (stored.epochs, stored.seed, stored.settings)
    assert abs(again.accuracy - stored.accuracy) < 0.015
    assert np.isfinite([p.detach().abs().max().item() for p in module.parameters()]).all()


@pytest.fixture
def few_colours(monkeypatch):
    """Few images of CIFAR-10's shape, in two classes that differ in colour."""
    random = np.random.RandomState(0)
    labels = np.arange(64) % 2
    images = (random.rand(64, 3, 32, 32) * 0.5 + 0.5 * labels[:, None, None, None]).astype(np.float32)
    own = data.DATASETS["cifar10"]
    monkeypatch.setitem(
        data.DATASETS._entries, "cifar10", dataclasses.replace(own, load=lambda _split: (images, labels))
    )
    monkeypatch.setattr(data, "cifar10_batches", lambda: ["data_batch_2"])


def test_settings_of_cifar10(few_colours, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "moved_and_mirrored", lambda x: seen.append(len(x)) or x.flip(3))
    monkeypatch.setitem(training.DEFAULTS, "cifar10", dataclasses.replace(training.DEFAULTS["cifar10"], batch=32))
    output = tmp_path / "a.safetensors"
    module, provenance = train("cifar10", epochs=3, output=output)
    assert seen == [32] * 6
    assert provenance.model == "alexnet"
    assert provenance.settings["images"] == "64 of data_batch_2"
    assert provenance.settings["storage"] == "float16"
    assert "mirrored" in provenance.settings["augmentation"]
    # Folded, and of numbers that the file holds in two bytes each: what was counted is what is loaded.
    parameters = sum(p.numel() for p in module.parameters())
    assert 2 * parameters < output.stat().st_size < 2 * parameters + 8000
    loaded, same = checkpoint.load(output)
    assert same == provenance
    assert weights_digest(loaded) == weights_digest(module)
    assert provenance.correct == training.count_correct(loaded, *data.load("cifar10", "test"))
    assert all(p.dtype == torch.float32 for p in loaded.parameters())


@pytest.mark.parametrize("start", [None, "alexnet-cifar10"])
def test_cifar10_against_an_adversary_on_a_multiplier(few_colours, monkeypatch, start):
    for table in (training.ADVERSARIAL, training.FINE_TUNING):
        monkeypatch.setitem(table, "cifar10", dataclasses.replace(table["cifar10"], batch=32))
    _, provenance = train("cifar10", epochs=1, adversarial=8 / 255, multiplier="e8m1", start=start)
    assert provenance.settings["steps"] == "7"
    assert provenance.settings["optimiser"].startswith("SGD" if start is None else "Adam")
    assert provenance.settings["storage"] == "float16"
    assert "label smoothing" not in provenance.settings
    assert provenance.correct_on.keys() == {"e8m1"}


def test_a_checkpoint_is_never_rounded_silently(few_colours, tmp_path):
    module, provenance = train("cifar10", epochs=1)
    with torch.no_grad():
        next(iter(module.parameters())).fill_(1 + 2**-20)
    with pytest.raises(InvalidInput, match="its parameters do not have their checksum"):
        checkpoint.save(tmp_path / "a.safetensors", module, provenance)
    assert not (tmp_path / "a.safetensors").exists()
