"""The networks of the entries: those that come with the package, and those trained here, which are kept.

A trained network is a checkpoint in the cache, under the digest of all that its parameters depend on. An interrupted
training goes on after its last whole epoch, as that of ``axfpm train`` does.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch

import golden
from axfpm.joint_front.entries import Entry, Front
from golden.cache import cache_dir
from golden.catalogue import multiplier
from golden.cnn import checkpoint as checkpoints, training
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.sources import multiplier_key, sources_digest

__all__ = ["epsilon", "network_of", "starting_point"]

MAKERS = ("cnn/training", "cnn/adversarial")
"""Sources that say how networks are trained, as ``golden.robustness.recovery`` has them."""


def starting_point(entry: Entry, front: Front) -> str:
    """Return the name of the package's checkpoint that an entry is, or is trained further from."""
    return checkpoints.packaged(front.model, front.data, variant="pgd" if entry.adversarial else "")


def epsilon(checkpoint: str) -> float:
    """Return the L-infinity budget within which a checkpoint's training images were perturbed; 0 without any."""
    return float(checkpoints.load(checkpoint)[1].settings.get("epsilon", 0))


def network_of(entry: Entry, front: Front, progress: Progress | None = None) -> TrainedNetwork:
    """Return the network of an entry, trained now where it is not kept from before.

    Parameters
    ----------
    entry : Entry
        One that is tuned runs on one multiplier in all layers.
    front : Front
        Which it is of.
    progress : callable, optional
        ``progress(steps, all steps, message)`` of a training.

    Raises
    ------
    InvalidInput
        If the package has no such network, or a training diverges.
    """
    start = starting_point(entry, front)
    if not entry.tuned:
        return trained_network(front.model, front.data, start)
    path = cache_dir("joint-front") / f"{_title(entry, front)}-{_digest(entry, start)}.safetensors"
    if not _whole(path):
        training.train(
            start=start,
            multiplier=str(entry.runs_on),
            epochs=1,
            adversarial=epsilon(start) or None,
            output=path,
            progress=progress,
        )
    return trained_network(checkpoint=path)


def _title(entry: Entry, front: Front) -> str:
    return f"{front.model}-{front.data}{'-pgd' if entry.adversarial else ''}-on-{entry.runs_on}".replace(":", "-")


def _digest(entry: Entry, start: str) -> str:
    key = {
        "start": checkpoints.weights_digest(checkpoints.load(start)[0]),
        "multiplier": multiplier_key(multiplier(str(entry.runs_on))),
        "adversarial": epsilon(start),
        "training": sources_digest(Path(golden.__file__).parent, lambda file: file.startswith(MAKERS)),
        "torch": str(torch.__version__),
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]


def _whole(path: Path) -> bool:
    try:
        checkpoints.load(path)
    except InvalidInput:
        return False
    return True
