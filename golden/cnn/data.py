"""Data sets by name, as float32 images in [0, 1] and int64 labels.

Files come by ``golden.downloads``: from the folder that ``AXFPM_DATA`` names, the cache, or their public address.
"""

from __future__ import annotations

import gzip
import io
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from golden.checks import check_count, check_seed
from golden.downloads import Download, download, downloads_folder, fetch, find, is_at_hand
from golden.errors import AxfpmWarning, InvalidInput
from golden.registry import Registry, check_choice

__all__ = ["DATASETS", "DataSet", "cifar10_batches", "load", "mnist_is_at_hand", "sample"]

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
CIFAR10_COMMON = 30_000
"""Training images of the first three of its five files: what the networks of this package were trained on."""
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
    model : str
        The architecture that is taken for it where none is named.
    common : int or None
        Training images that every copy has, the first ones; all where None. What is fitted on training images for a
        result that others shall find again is fitted on those.
    """

    name: str
    load: Callable[[str], tuple[np.ndarray, np.ndarray]]
    image_shape: tuple[int, int, int]
    classes: int
    description: str
    model: str = "lenet5"
    common: int | None = None


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


def _mnist_download(name: str) -> Download:
    return Download(name, MNIST_ADDRESS + name, f"md5:{MNIST_MD5[name]}")


def _mnist_file(name: str) -> bytes:
    return gzip.decompress(fetch("mnist", _mnist_download(name)))


def mnist_is_at_hand() -> bool:
    """Whether MNIST can be loaded without a download."""
    return all(is_at_hand("mnist", _mnist_download(name)) for name in MNIST_MD5)


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


def cifar10_batches() -> list[str]:
    """Training files of CIFAR-10 that are under ``AXFPM_DATA`` or in the cache, in order.

    Raises
    ------
    InvalidInput
        If one of them is damaged.
    """
    return [name for name, content in _cifar10_files("train").items() if content is not None]


def _cifar10_files(split: str) -> dict[str, bytes | None]:
    names = [name for name in CIFAR10_MD5 if name.startswith("data" if split == "train" else "test")]
    return {name: find(CIFAR10_FOLDER, name, f"md5:{CIFAR10_MD5[name]}") for name in names}


def _load_cifar10(split: str) -> tuple[np.ndarray, np.ndarray]:
    """All that is there: a copy may lack the last training files, so that a download of 170 MB is for none at all.

    A file that is in the cache and is not what it should be is no such gap: it is downloaded again.
    """
    found = _cifar10_files(split)
    absent = [name for name, content in found.items() if content is None]
    damaged = [
        name for name in absent if is_at_hand(CIFAR10_FOLDER, Download(name, CIFAR10_ADDRESS, CIFAR10_MD5[name]))
    ]
    if damaged or len(absent) == len(found):
        _download_cifar10(absent)
        found = _cifar10_files(split)
        lost = [name for name, content in found.items() if content is None]
        if lost:
            raise InvalidInput(f"CIFAR-10 lacks {', '.join(lost)} even after the download; delete {downloads_folder()}")
    images, labels, missing = [], [], []
    for name, content in found.items():
        if content is None:
            missing.append(name)
            continue
        # The files are Python 2 pickles: byte strings for keys, read only after the checksum has vouched for them.
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        images.append(batch[b"data"].reshape(-1, 3, 32, 32))
        labels.append(np.asarray(batch[b"labels"], np.int64))
    joined = np.concatenate(images)
    if missing:
        warnings.warn(
            AxfpmWarning(f"CIFAR-10 lacks {', '.join(missing)}: it has {len(joined)} training images and not 50000"),
            stacklevel=3,
        )
    return joined.astype(np.float32) / np.float32(255), np.concatenate(labels)


def _download_cifar10(names: list[str]) -> None:
    import pooch

    for name in names:  # damaged ones are taken out of the archive again
        (downloads_folder() / CIFAR10_FOLDER / name).unlink(missing_ok=True)
    members = [f"{CIFAR10_FOLDER}/{name}" for name in CIFAR10_MD5]
    try:
        download(CIFAR10_ADDRESS, f"sha256:{CIFAR10_SHA256}", ".", pooch.Untar(members=members, extract_dir="."))
    except InvalidInput as error:
        raise InvalidInput(f"CIFAR-10 is not there: {error}") from None


_OWN = (
    DataSet(
        "digits",
        _load_digits,
        (1, 28, 28),
        10,
        "scikit-learn's embedded 8 x 8 digits (UCI optdigits) resized to 28 x 28: 1400 train, 397 test",
    ),
    DataSet("mnist", _load_mnist, (1, 28, 28), 10, "MNIST: 60 000 train, 10 000 test"),
    DataSet(
        "cifar10",
        _load_cifar10,
        (3, 32, 32),
        10,
        "CIFAR-10: 50 000 train, or those of its files that are there, 10 000 test",
        "alexnet",
        CIFAR10_COMMON,
    ),
)
DATASETS = Registry("data set", {dataset.name: dataset for dataset in _OWN})
"""Data sets by name, read-only."""
