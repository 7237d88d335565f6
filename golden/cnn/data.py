"""Data sets by name, as float32 images in [0, 1] and int64 labels.

Files come by ``golden.downloads``: from the folder that ``AXFPM_DATA`` names, the cache, or their public address.
"""

from __future__ import annotations

import gzip
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from golden.checks import check_count, check_seed
from golden.downloads import Download, download, downloads_folder, fetch, find
from golden.errors import InvalidInput
from golden.registry import Registry, check_choice

__all__ = ["DATASETS", "DataSet", "load", "sample"]

MNIST_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
CIFAR10_ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CIFAR10_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR10_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
DIGITS_TEST = 397
"""Test images among the 1797 digits; the other 1400 are for training."""


@dataclass(frozen=True)
class DataSet:
    """A named data set.

    Parameters
    ----------
    name : str
        The name on the command line and in checkpoints.
    load : callable
        ``load(split) -> (images, labels)`` for ``"train"`` and ``"test"``.
    image_shape : tuple of int
        (C, H, W).
    classes : int
        Number of classes; labels run from 0 to classes - 1.
    description : str
        One line: what it is, and how it is split.
    """

    name: str
    load: Callable[[str], tuple[np.ndarray, np.ndarray]]
    image_shape: tuple[int, int, int]
    classes: int
    description: str


def load(name: str, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Images (N, C, H, W) float32 in [0, 1] and labels (N,) int64 of a data set.

    Parameters
    ----------
    name : str
        ``digits``, ``mnist`` or ``cifar10``.
    split : str
        ``train`` or ``test``.

    Raises
    ------
    InvalidInput
        If the name or split is unknown, or a file is missing and cannot be downloaded, or is corrupt.
    """
    dataset = DATASETS.look_up(name)
    check_choice("unknown split", split, ("train", "test"))
    return dataset.load(split)


def sample(images: np.ndarray, labels: np.ndarray, samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``samples`` images without replacement, kept in their order in the data set.

    Raises
    ------
    InvalidInput
        If ``samples`` is not between 1 and the number of images, or the seed is out of range.
    InvalidType
        If a number is not whole.
    """
    check_count("samples", samples, 1, len(images), "which is all there are")
    check_seed(seed)
    # RandomState's streams are frozen by NumPy's compatibility policy, Generator's are not. A seed of more than 32 bits
    # is given to it as a list.
    words = seed if seed < 1 << 32 else [seed & 0xFFFFFFFF, seed >> 32]
    chosen = np.sort(np.random.RandomState(words).permutation(len(images))[:samples])
    return images[chosen], labels[chosen]


@cache
def _all_digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    pixels, labels = digits.images, digits.target
    # Bilinear from 8 to 28 pixels with aligned edges: output pixel i lies at input coordinate
    #     (i + 1/2) * 8 / 28 - 1/2 = (4i - 5) / 14,
    # so that all weights are multiples of 1/14, and those of both axes together of 1/196. Pixels are whole numbers from
    # 0 to 16: the sum in units of 1 / (16 * 196) is an integer, and the result the same on every machine.
    numerator = np.clip(4 * np.arange(28) - 5, 0, 7 * 14)
    left = np.minimum(numerator // 14, 6)
    weights = np.zeros((28, 8), np.int64)
    weights[np.arange(28), left] = 14 - (numerator - 14 * left)
    weights[np.arange(28), left + 1] += numerator - 14 * left
    resized = weights @ pixels.astype(np.int64) @ weights.T
    images = (resized[:, None] / (16 * 196)).astype(np.float32)
    # The file is ordered by writer and nearly by class: a fixed permutation mixes them before the split.
    order = np.random.RandomState(0).permutation(len(images))
    return images[order], labels[order].astype(np.int64)


def _load_digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = _all_digits()
    part = slice(0, -DIGITS_TEST) if split == "train" else slice(-DIGITS_TEST, None)
    return images[part].copy(), labels[part].copy()


def _mnist_file(name: str) -> bytes:
    file = Download(name, MNIST_ADDRESS + name, f"md5:{MNIST_MD5[name]}")
    return gzip.decompress(fetch("mnist", file))


def _load_mnist(split: str) -> tuple[np.ndarray, np.ndarray]:
    # idx: magic 0x0000 08 rank, then one big-endian uint32 per dimension, then bytes. The checksum fixes the shapes.
    stem = "train" if split == "train" else "t10k"
    pixels = np.frombuffer(_mnist_file(f"{stem}-images-idx3-ubyte.gz"), np.uint8, offset=16)
    labels = np.frombuffer(_mnist_file(f"{stem}-labels-idx1-ubyte.gz"), np.uint8, offset=8)
    images = pixels.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    return images, labels.astype(np.int64)


class _ArraysOnly(pickle.Unpickler):
    """Unpickles plain containers and NumPy arrays, and refuses every other global."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}:
            return np.zeros(0).__reduce__()[0]
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("_codecs", "encode"):
            import codecs

            return codecs.encode
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of images")


def _load_cifar10(split: str) -> tuple[np.ndarray, np.ndarray]:
    names = [f"data_batch_{i}" for i in range(1, 6)] if split == "train" else ["test_batch"]
    found = {name: find(CIFAR10_FOLDER, name, f"md5:{CIFAR10_MD5[name]}") for name in names}
    missing = [name for name, content in found.items() if content is None]
    if missing:
        import pooch

        for name in missing:  # damaged ones are taken out of the archive again
            (downloads_folder() / CIFAR10_FOLDER / name).unlink(missing_ok=True)
        members = [f"{CIFAR10_FOLDER}/{name}" for name in CIFAR10_MD5]
        try:
            download(CIFAR10_ADDRESS, f"sha256:{CIFAR10_SHA256}", ".", pooch.Untar(members=members, extract_dir="."))
        except InvalidInput as error:
            raise InvalidInput(f"CIFAR-10 lacks {', '.join(missing)}: {error}") from None
    images, labels = [], []
    for name in names:
        content = found[name]
        if content is None and (content := find(CIFAR10_FOLDER, name, f"md5:{CIFAR10_MD5[name]}")) is None:
            raise InvalidInput(f"CIFAR-10 lacks {name} even after the download; delete {downloads_folder()}")
        # The files are Python 2 pickles: byte strings for keys, read only after the checksum has vouched for them.
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        images.append(batch[b"data"].reshape(-1, 3, 32, 32))
        labels.append(np.asarray(batch[b"labels"], np.int64))
    return np.concatenate(images).astype(np.float32) / np.float32(255), np.concatenate(labels)


_OWN = (
    DataSet(
        "digits",
        _load_digits,
        (1, 28, 28),
        10,
        "scikit-learn's embedded 8 x 8 digits (UCI optdigits) resized to 28 x 28: 1400 train, 397 test",
    ),
    DataSet("mnist", _load_mnist, (1, 28, 28), 10, "MNIST: 60 000 train, 10 000 test"),
    DataSet("cifar10", _load_cifar10, (3, 32, 32), 10, "CIFAR-10: 50 000 train, 10 000 test"),
)
DATASETS = Registry("data set", {dataset.name: dataset for dataset in _OWN})
"""Data sets by name, read-only."""
