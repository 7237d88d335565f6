"""Seeded training that can be interrupted and taken up again."""

from __future__ import annotations

import io
import pickle
import platform
import warnings
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.cache import MAGIC, pack, unpack
from golden.checks import check_count, check_seed
from golden.cnn import checkpoint as checkpoints, data as datasets, models
from golden.cnn.checkpoint import Checkpoint
from golden.errors import AxfpmWarning, InvalidInput
from golden.files import check_file, is_stream, replace_file
from golden.progress import Progress

__all__ = ["DEFAULTS", "Settings", "count_correct", "train"]


@dataclass(frozen=True)
class Settings:
    """What determines a training run, beside data, model and seed.

    Parameters
    ----------
    epochs : int
        Passes over the training images.
    batch : int
        Images per step.
    learning_rate : float
        Peak of the one-cycle schedule (L. N. Smith, N. Topin, "Super-Convergence", 2019) of the Adam optimiser.
    """

    epochs: int
    batch: int = 64
    learning_rate: float = 0.003


DEFAULTS: dict[str, Settings] = {
    "digits": Settings(epochs=20, batch=32),
    "mnist": Settings(epochs=15, batch=128),
    "cifar10": Settings(epochs=20, batch=64),
}
"""Settings per data set; those of digits and mnist made the checkpoints that come with the package."""


def train(
    data: str = "digits",
    model: str = "lenet5",
    *,
    seed: int = 0,
    epochs: int | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[nn.Module, Checkpoint]:
    """Train a model on a data set, and write a checkpoint.

    The same arguments give the same parameters on the same machine, library versions and thread count. After every
    epoch the state is kept in ``OUTPUT.training``; a run that was interrupted goes on from there when the same is asked
    for again, and ends as the uninterrupted run does.

    Parameters
    ----------
    data, model : str
        Names in ``golden.cnn.data.DATASETS`` and ``golden.cnn.models.MODELS``.
    seed : int
        Initial parameters and order of the images.
    epochs : int, optional
        Passes over the training images; by default what suits the data set (``DEFAULTS``).
    output : str or Path, optional
        The checkpoint to write; without it nothing is written.
    progress : callable, optional
        ``progress(epoch, epochs, message)`` after each epoch.

    Returns
    -------
    (torch.nn.Module, Checkpoint)
        The model in evaluation mode, and its provenance with the accuracy on the test images.

    Raises
    ------
    InvalidInput
        If a name is unknown, epochs < 1, the seed is out of range, the model does not take the data's images, the
        output cannot be written, or the data cannot be had.
    """
    dataset, spec = datasets.DATASETS.look_up(data), models.MODELS.look_up(model)
    if epochs is not None:
        check_count("epochs", epochs)
    check_seed(seed)
    if (spec.input_shape, spec.classes) != (dataset.image_shape, dataset.classes):
        raise InvalidInput(
            f"model {model!r} takes images of {spec.input_shape} and {spec.classes} classes, {data!r} has "
            f"{dataset.image_shape} and {dataset.classes}; choose another model"
        )
    settings = DEFAULTS.get(data, Settings(epochs=20))
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    state_file = None
    if output is not None:
        output = check_file(output)
        state_file = None if is_stream(output) else output.with_name(f"{output.name}.training")

    images, labels = (torch.from_numpy(array) for array in datasets.load(data, "train"))
    test_images, test_labels = datasets.load(data, "test")
    with torch.random.fork_rng(devices=[]):
        module = _run(model, data, seed, settings, images, labels, state_file, progress)
    versions = {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__}
    result = Checkpoint(
        model=model,
        data=data,
        seed=seed,
        epochs=settings.epochs,
        correct=count_correct(module, test_images, test_labels),
        samples=len(test_labels),
        settings={"optimiser": "Adam, one cycle", "batch": str(settings.batch), "peak": str(settings.learning_rate)},
        versions=versions,
    )
    if output is not None:
        checkpoints.save(output, module, result)
    if state_file is not None:
        state_file.unlink(missing_ok=True)
    return module, result


def count_correct(module: nn.Module, images: np.ndarray, labels: np.ndarray, batch: int = 250) -> int:
    """Images that a model classifies correctly."""
    with torch.no_grad():
        return sum(
            int((module(torch.from_numpy(images[i : i + batch])).argmax(1).numpy() == labels[i : i + batch]).sum())
            for i in range(0, len(images), batch)
        )


def _run(
    model: str,
    data: str,
    seed: int,
    settings: Settings,
    images: torch.Tensor,
    labels: torch.Tensor,
    state_file: Path | None,
    progress: Progress | None,
) -> nn.Module:
    torch.manual_seed(seed)
    module = models.build(model).train()
    optimiser = torch.optim.Adam(module.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=settings.learning_rate,
        epochs=settings.epochs,
        steps_per_epoch=-(-len(images) // settings.batch),
    )
    asked = {"model": model, "data": data, "seed": seed, "torch": str(torch.__version__), **asdict(settings)}
    done = 0
    state = _read_state(state_file)
    if state is not None and state["asked"] == asked:
        module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
        if progress is not None:
            progress(done, settings.epochs, f"taken up after epoch {done}")
    for epoch in range(done, settings.epochs):
        # Everything random in an epoch depends on (seed, epoch) alone, so that a resumed run needs no generator state.
        epoch_seed = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
        torch.manual_seed(epoch_seed)
        order = torch.randperm(len(images))
        total = 0.0
        for start in range(0, len(images), settings.batch):
            chosen = order[start : start + settings.batch]
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(module(images[chosen]), labels[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(chosen)
        if state_file is not None:
            state = {
                "asked": asked,
                "done": epoch + 1,
                "module": module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
            }
            _write_state(state_file, state)
        if progress is not None:
            progress(epoch + 1, settings.epochs, f"loss {total / len(images):.4f}")
    return module.eval()


def _write_state(state_file: Path, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    try:
        replace_file(state_file, pack("training", "", buffer.getvalue()))
    except OSError as error:
        warnings.warn(
            AxfpmWarning(f"cannot write {state_file} ({error.strerror}): if this run is interrupted, it starts afresh"),
            stacklevel=2,
        )


def _read_state(state_file: Path | None) -> dict[str, Any] | None:
    if state_file is None or not state_file.exists():
        return None
    try:
        entry = state_file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {state_file} ({error.strerror}); delete or move it") from None
    if not entry.startswith(MAGIC):
        raise InvalidInput(f"{state_file} is not the state of an interrupted training; delete or move it")
    content = unpack("training", "", entry)
    try:
        state = None if content is None else torch.load(io.BytesIO(content), weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile):
        state = None  # written by another version of torch
    if not isinstance(state, dict) or state.keys() != {"asked", "done", "module", "optimiser", "schedule"}:
        warnings.warn(AxfpmWarning(f"{state_file} is damaged: training starts afresh"), stacklevel=2)
        return None
    return state
