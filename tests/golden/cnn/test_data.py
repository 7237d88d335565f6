"""Data sets: content, splits, checksums, and what a user is told when a file is missing or broken."""

import gzip
import hashlib
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pooch
import pytest
from sklearn.datasets import load_digits

from golden import cache
from golden.cnn import data
from golden.errors import AxfpmWarning, InvalidInput, InvalidType

needs_mnist = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "mnist").is_dir(), reason="AXFPM_DATA names no folder with mnist/"
)
needs_cifar10 = pytest.mark.skipif(
    not Path(os.environ.get("AXFPM_DATA", ""), "cifar-10-batches-py/test_batch").is_file(),
    reason="AXFPM_DATA names no folder with cifar-10-batches-py/test_batch",
)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No data at hand, and no network."""

    def refuse(address, *_args, **_kwargs):
        raise ConnectionError("network is unreachable")

    monkeypatch.setenv("AXFPM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pooch, "retrieve", refuse)
    return tmp_path


def test_digits_split():
    train, train_labels = data.load("digits", "train")
    test, test_labels = data.load("digits", "test")
    assert (train.shape, test.shape) == ((1400, 1, 28, 28), (397, 1, 28, 28))
    assert train.dtype == test.dtype == np.float32
    assert train_labels.dtype == test_labels.dtype == np.int64
    assert (train.min(), train.max()) == (0, 1)
    both = np.concatenate([train_labels, test_labels])
    assert np.array_equal(np.bincount(both), np.bincount(load_digits(return_X_y=True)[1]))
    assert np.bincount(test_labels, minlength=10).min() >= 30


def test_digits_are_bilinear_resizes():
    # An independent bilinear interpolation, evaluated pixel by pixel from its definition.
    originals = load_digits(return_X_y=True)[0].reshape(-1, 8, 8) / 16
    position = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7)
    order = np.random.RandomState(0).permutation(1797)
    train, _ = data.load("digits", "train")
    for k in (0, 7, 1399):
        rows = np.stack([np.interp(position, np.arange(8), row) for row in originals[order[k]]])
        resized = np.stack([np.interp(position, np.arange(8), column) for column in rows.T]).T
        assert np.abs(train[k, 0] - resized).max() < 1e-6


def test_digits_are_copies():
    images, _ = data.load("digits", "test")
    images[:] = 0
    assert data.load("digits", "test")[0].max() == 1


def test_unknown_names():
    with pytest.raises(InvalidInput, match=r"unknown data set 'mnits'; did you mean mnist\?"):
        data.load("mnits")
    with pytest.raises(InvalidInput, match=r"unknown split 'validation'; choose from train, test"):
        data.load("digits", "validation")


def test_sample():
    images, labels = np.arange(10.0, dtype=np.float32), np.arange(10)
    first, first_labels = data.sample(images, labels, 4, seed=1)
    again, _ = data.sample(images, labels, 4, seed=1)
    other, _ = data.sample(images, labels, 4, seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(first, first_labels)
    assert len(set(first)) == 4
    assert np.array_equal(data.sample(images, labels, 10)[0], images)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (0, "samples=0 is too small; give at least 1"),
        (-1, "samples=-1 is too small; give at least 1"),
        (11, "samples=11 is too large; give at most 10, which is all there are"),
        (2.5, "samples is a whole number, not float"),
    ],
)
def test_sample_wrong_number(samples, message):
    with pytest.raises((InvalidInput, InvalidType), match=f"^{message}$"):
        data.sample(np.zeros(10), np.zeros(10), samples)


def test_sample_wrong_seed():
    with pytest.raises(InvalidInput, match="seed=-1 is too small; give at least 0"):
        data.sample(np.zeros(10), np.zeros(10), 1, seed=-1)


def test_missing_file_offline(nowhere):
    with pytest.raises(InvalidInput, match=r"t10k-images.*AXFPM_DATA.*failed \(network is unreachable\); connect"):
        data.load("mnist", "test")


def test_whether_mnist_is_at_hand(nowhere, tmp_path):
    assert not data.mnist_is_at_hand()
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    names = list(data.MNIST_MD5)
    for name in names[1:]:
        (folder / name).touch()
    assert not data.mnist_is_at_hand()
    (folder / names[0]).touch()
    assert data.mnist_is_at_hand()


def put_batches(folder, names, monkeypatch, images=2):
    """Files of CIFAR-10's form with few images, all of them of the class that the file's number says."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        label = int(name[-1]) if name[-1].isdigit() else 9
        pixels = np.full((images, 3072), 10 * label, np.uint8)
        content = pickle.dumps({b"data": pixels, b"labels": [label] * images}, protocol=2)
        (folder / name).write_bytes(content)
        monkeypatch.setitem(data.CIFAR10_MD5, name, hashlib.md5(content, usedforsecurity=False).hexdigest())


def test_cifar10_takes_what_is_there_and_says_so(nowhere, monkeypatch):
    folder = nowhere / "data" / "cifar-10-batches-py"
    put_batches(folder, [f"data_batch_{i}" for i in (1, 2, 3)] + ["test_batch"], monkeypatch)
    with pytest.warns(AxfpmWarning, match=r"^CIFAR-10 lacks data_batch_4, data_batch_5: it has 6 training images and "):
        images, labels = data.load("cifar10", "train")
    assert labels.tolist() == [1, 1, 2, 2, 3, 3]
    assert np.allclose(images[:, 0, 0, 0] * 255, 10 * labels)
    assert data.cifar10_batches() == ["data_batch_1", "data_batch_2", "data_batch_3"]
    assert data.load("cifar10", "test")[1].tolist() == [9, 9]  # and no warning
    put_batches(folder, ["data_batch_4", "data_batch_5"], monkeypatch)
    assert data.load("cifar10", "train")[1].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_damaged_cifar10_is_downloaded_again(nowhere, monkeypatch):
    folder = nowhere / "cache" / "data" / "cifar-10-batches-py"
    put_batches(folder, [f"data_batch_{i}" for i in range(1, 6)], monkeypatch)
    good = (folder / "data_batch_2").read_bytes()
    (folder / "data_batch_2").write_bytes(good[:-1])
    with pytest.raises(InvalidInput, match=r"CIFAR-10 is not there: .*network is unreachable"):
        data.load("cifar10", "train")
    (folder / "data_batch_2").write_bytes(good[:-1])
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: (folder / "data_batch_2").write_bytes(good))
    assert data.load("cifar10", "train")[1].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_missing_cifar10_offline(nowhere, monkeypatch):
    put_batches(nowhere / "data" / "cifar-10-batches-py", ["data_batch_1"], monkeypatch)
    with pytest.raises(InvalidInput, match=r"CIFAR-10 is not there: "):
        data.load("cifar10", "test")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("data", r"t10k-images-idx3-ubyte.gz is corrupt: its md5 is not 9fb629c4.*delete it"),
        ("cache/data", r"t10k-images-idx3-ubyte.gz is neither .* nor in the cache"),  # a miss: downloaded again
    ],
)
def test_corrupt_file(nowhere, where, message):
    folder = nowhere / where / "mnist"
    folder.mkdir(parents=True)
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"not MNIST"))
    with pytest.raises(InvalidInput, match=message):
        data.load("mnist", "test")


def test_download_is_kept_and_checked(tmp_path, monkeypatch):
    # A served file with the right checksum is downloaded once; one with a wrong checksum is refused.
    served = tmp_path / "served"
    served.mkdir()
    (served / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + b"\x07\x02", mtime=0))
    monkeypatch.setenv("AXFPM_DATA", "")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "cache"))
    calls = []

    def fetch(url, output_file, _pooch):
        calls.append(url)
        shutil.copy(served / url.rsplit("/", 1)[-1], output_file)

    monkeypatch.setattr(pooch.core, "choose_downloader", lambda *_args, **_kwargs: fetch)
    name = "t10k-labels-idx1-ubyte.gz"
    with pytest.raises(InvalidInput, match=r"t10k-labels-idx1-ubyte.gz is neither .* failed"):
        data._mnist_file(name)
    monkeypatch.setitem(data.MNIST_MD5, name, pooch.file_hash(str(served / name), "md5"))
    for _ in range(2):
        assert data._mnist_file(name)[8:] == b"\x07\x02"
    assert calls == [data.MNIST_ADDRESS + name] * 2  # the refused one and the good one
    (tmp_path / "cache" / "data" / "mnist" / name).write_bytes(b"[1]")
    assert data._mnist_file(name)[8:] == b"\x07\x02"
    assert len(calls) == 3
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path / "file"))  # no cache: a temporary one
    cache._temporary_root.cache_clear()
    with pytest.warns(AxfpmWarning, match="cannot write to the cache"):
        assert data._mnist_file(name)[8:] == b"\x07\x02"
    assert len(calls) == 4


def test_unpickling_refuses_code(tmp_path):
    class Malicious:
        def __reduce__(self):
            return print, ("executed",)

    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(Malicious()))
    with path.open("rb") as file, pytest.raises(pickle.UnpicklingError, match=r"builtins\.print has no place"):
        data._ArraysOnly(file).load()


@needs_mnist
def test_mnist():
    images, labels = data.load("mnist", "test")
    assert images.shape == (10000, 1, 28, 28)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    # Counts per class and the mean as published with the data set.
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    train, train_labels = data.load("mnist", "train")
    assert (len(train), len(train_labels)) == (60000, 60000)
    assert abs(train.mean(dtype=np.float64) - 0.1307) < 5e-5


@needs_cifar10
def test_cifar10():
    images, labels = data.load("cifar10", "test")
    assert images.dtype == np.float32
    assert images.shape == (10000, 3, 32, 32)
    assert np.bincount(labels).tolist() == [1000] * 10
