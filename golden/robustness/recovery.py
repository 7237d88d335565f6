"""What training on a multiplier gives back of the accuracy that it takes: the same test images before and after.

A network is classified exactly, on the multiplier as it is, on it with calibrated biases, and on it after training on
it. All test images are the sample; networks of several seeds are those at hand, and an image's difference is the mean
over them (``golden.robustness.intervals``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import golden
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count
from golden.cnn import checkpoint as checkpoints, data as datasets, training
from golden.cnn.checkpoint import Checkpoint, weights_digest
from golden.errors import InvalidInput
from golden.files import write
from golden.progress import Progress
from golden.pytorch import ApproximateModule, calibrate
from golden.robustness.intervals import simultaneous_intervals
from golden.robustness.store import Store, array_digest
from golden.sources import multiplier_key, sources_digest

__all__ = ["FIT", "MEASURED", "WAYS", "Recovery", "RecoveryRow", "read", "recovery", "save"]

MEASURED = Path(__file__).with_name("measured") / "recovery"
"""Where those that come with the package are, each named after its first network."""
WAYS = {
    "exact": "exact torch, as trained",
    "raw": "on the multiplier, as trained",
    "calibrated": "on the multiplier, with biases calibrated on 200 training images",
    "trained": "on the multiplier, trained on it further",
}
"""How a network is run."""
FIT = 200
"""Training images that biases are calibrated on, without their labels."""
BATCH = 250
SCHEMA = 1


@dataclass(frozen=True)
class RecoveryRow:
    """One multiplier.

    Parameters
    ----------
    multiplier : str
        Its name.
    correct : dict of str to tuple of int
        Test images classified correctly in each of ``WAYS``, one number for each network.
    lost : (float, float, float)
        Accuracy on the multiplier less that of exact torch, in points: the mean over networks and its interval's ends.
    left : (float, float, float)
        The same after training on it.
    gained : (float, float, float)
        Accuracy on the multiplier after training on it less that before.
    """

    multiplier: str
    correct: dict[str, tuple[int, ...]]
    lost: tuple[float, float, float]
    left: tuple[float, float, float]
    gained: tuple[float, float, float]


@dataclass(frozen=True)
class Recovery:
    """What training on multipliers recovers, for networks that were trained alike.

    Parameters
    ----------
    network : str
        Name of the first one's checkpoint.
    model, data : str
        Architecture and data set.
    seeds : tuple of int
        One for each network, of its first training and of this.
    samples : int
        Test images.
    epochs : int
        Of training on the multiplier.
    settings : dict of str to str
        Of it, as a checkpoint tells them.
    versions : dict of str to str
        Of the libraries, the CPU's level, threads.
    rows : tuple of RecoveryRow
        One for each multiplier; intervals of all of them hold together at 95%.
    """

    network: str
    model: str
    data: str
    seeds: tuple[int, ...]
    samples: int
    epochs: int
    settings: dict[str, str]
    versions: dict[str, str]
    rows: tuple[RecoveryRow, ...]

    def accuracies(self, row: RecoveryRow, way: str) -> tuple[float, ...]:
        """Return the share of test images that each network classifies correctly, in percent."""
        return tuple(100 * k / self.samples for k in row.correct[way])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_json(self) -> str:
        """Return ``to_dict`` as JSON text."""
        return json.dumps(self.to_dict(), indent=1)

    def table(self) -> str:
        """Return it as text, one line for each multiplier."""
        head = f"{self.model} on {self.data}, seeds {', '.join(map(str, self.seeds))}, {self.samples} test images"
        lines = [f"{head}; epochs of training on the multiplier: {self.epochs}"]
        for row in self.rows:
            means = ", ".join(f"{way} {sum(self.accuracies(row, way)) / len(self.seeds):.2f}%" for way in WAYS)
            pairs = (("raw - exact", row.lost), ("trained - exact", row.left), ("trained - raw", row.gained))
            points = ", ".join(f"{name} {mean:+.2f} [{low:+.2f}, {high:+.2f}]" for name, (mean, low, high) in pairs)
            lines.append(f"{row.multiplier}: {means}; points: {points}")
        return "\n".join(lines) + "\n"


def recovery(
    network: str,
    multipliers: Iterable[str | Multiplier],
    *,
    seeds: int = 3,
    epochs: int = 1,
    gradient: str = "scaled",
    progress: Progress | None = None,
) -> Recovery:
    """Train networks of the package on multipliers, and count what each classifies correctly before and after.

    Finished trainings are kept; the same call goes on from there.

    Parameters
    ----------
    network : str
        Name of a checkpoint of the package, of seed 0: ``lenet5-mnist``.
    multipliers : iterable of str or Multiplier
        What to train on.
    seeds : int
        Networks trained alike, from the seeds 0, 1, ...
    epochs : int
        Passes over the training images, on the multiplier.
    gradient : str
        As for ``golden.cnn.training.train``.
    progress : callable, optional
        ``progress(done, all, message)`` in steps of all trainings together.

    Raises
    ------
    InvalidInput
        If a name is unknown, a number is too small, the package has no network of such a seed, or a training diverges.
    """
    check_count("seeds", seeds)
    found = [look_up(each) for each in multipliers]
    if not found:
        raise InvalidInput("no multiplier given; name at least one")
    base = checkpoints.load(network)[1]
    names = [checkpoints.packaged(base.model, base.data, seed=k, variant=base.variant) for k in range(seeds)]
    store, total = Store(), len(found) * seeds
    correct: dict[str, list[np.ndarray]] = {}
    told: Checkpoint | None = None
    for i, m in enumerate(found):
        for seed, name in enumerate(names):
            part = i * seeds + seed

            def report(done: int, steps: int, message: str, part: int = part, m: Multiplier = m) -> None:
                if progress is not None:
                    progress(part * steps + done, total * steps, f"{m}, network {part % seeds}: {message}")

            ways, provenance = _one(name, m, seed, epochs, gradient, store, report)
            correct.setdefault(str(m), []).append(ways)
            told = told or provenance
    assert told is not None
    rows = _rows({name: np.stack(each) for name, each in correct.items()})
    settings = {key: value for key, value in told.settings.items() if key not in ("multiplier", "from")}
    samples = told.samples
    model, data = told.model, told.data
    return Recovery(network, model, data, tuple(range(seeds)), samples, epochs, settings, told.versions, rows)


def _one(
    name: str, m: Multiplier, seed: int, epochs: int, gradient: str, store: Store, progress: Progress
) -> tuple[np.ndarray, Checkpoint]:
    """Whether each test image is classified correctly, (ways, images), and how the network was trained."""
    module, before = checkpoints.load(name)
    images, labels = datasets.load(before.data)
    makers = ("cnn/training", "cnn/adversarial", "robustness/recovery")
    key = {
        "part": "recovery",
        "weights": weights_digest(module),
        "multiplier": multiplier_key(m),
        "images": array_digest(images),
        "training": sources_digest(Path(golden.__file__).parent, lambda file: file.startswith(makers)),
        "settings": json.dumps([seed, epochs, gradient, str(torch.__version__), torch.get_num_threads()]),
    }
    kept = store.get(key, ("correct", "provenance"))
    if kept is not None:
        return kept["correct"], Checkpoint(**json.loads(kept["provenance"].tobytes()))
    common = datasets.DATASETS[before.data].common
    train_images, train_labels = (part[:common] for part in datasets.load(before.data, "train"))
    fitted = calibrate(module, m, datasets.sample(train_images, train_labels, FIT)[0])
    ways = {
        "exact": module,
        "raw": ApproximateModule(module, m),
        "calibrated": ApproximateModule(fitted, m),
    }
    found = [_correct(ways[way], images, labels) for way in ("exact", "raw", "calibrated")]
    trained, provenance = training.train(
        start=name, multiplier=m, gradient=gradient, epochs=epochs, seed=seed, progress=progress
    )
    found.append(_correct(ApproximateModule(trained, m), images, labels))
    correct = np.stack(found)
    text = np.frombuffer(json.dumps(asdict(provenance)).encode(), np.uint8)
    store.put(key, {"correct": correct, "provenance": text})
    return correct, provenance


def _correct(module: nn.Module, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found = [
            module(torch.from_numpy(images[i : i + BATCH])).argmax(1).numpy() for i in range(0, len(images), BATCH)
        ]
    return np.concatenate(found) == labels


def _rows(correct: dict[str, np.ndarray]) -> tuple[RecoveryRow, ...]:
    """Rows of correctness (networks, ways, images) by multiplier."""
    pairs = {"lost": ("raw", "exact"), "left": ("trained", "exact"), "gained": ("trained", "raw")}
    order = list(WAYS)
    differences = [
        (each[:, order.index(a)].astype(np.float64) - each[:, order.index(b)]).mean(0)
        for each in correct.values()
        for a, b in pairs.values()
    ]
    intervals = simultaneous_intervals(np.stack(differences))
    points = iter(
        (100 * float(d.mean()), 100 * float(low), 100 * float(high))
        for d, (low, high) in zip(differences, intervals, strict=True)
    )
    return tuple(
        RecoveryRow(
            name,
            {way: tuple(int(k) for k in each[:, w].sum(1)) for w, way in enumerate(order)},
            **{pair: next(points) for pair in pairs},
        )
        for name, each in correct.items()
    )


def save(path: str | Path, found: Recovery) -> Path:
    """Write it as JSON, whole or not at all.

    Raises
    ------
    InvalidInput
        If the file cannot be written.
    """
    return write(path, found.to_json() + "\n")


def read(path: str | Path) -> Recovery:
    """Read what ``save`` wrote.

    Raises
    ------
    InvalidInput
        If it is no such file.
    """
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
        if plain.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        rows = tuple(
            RecoveryRow(
                row["multiplier"],
                {way: tuple(row["correct"][way]) for way in WAYS},
                *(tuple(row[pair]) for pair in ("lost", "left", "gained")),
            )
            for row in plain.pop("rows")
        )
        return Recovery(**{**plain, "seeds": tuple(plain["seeds"])}, rows=rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sentence = f"{path} holds no recovery ({error}); measure it again with benchmarks/fine_tuning.py"
        raise InvalidInput(sentence) from None
