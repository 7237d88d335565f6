"""Seeded training that can be interrupted and taken up again."""

from __future__ import annotations

import io
import pickle
import platform
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.cache import MAGIC, pack, unpack
from golden.checks import check_count, check_seed
from golden.cnn import checkpoint as checkpoints, data as datasets, models
from golden.cnn.adversarial import STRIDE, perturb
from golden.cnn.augmentation import MARGIN, moved_and_mirrored
from golden.cnn.checkpoint import Checkpoint
from golden.cnn.models import Model
from golden.errors import AxfpmWarning, InvalidInput
from golden.files import check_file, is_stream, replace_file
from golden.progress import Progress

__all__ = ["ADVERSARIAL", "DEFAULTS", "Settings", "count_correct", "train"]


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
        Peak of the one-cycle schedule (L. N. Smith, N. Topin, "Super-Convergence", 2019).
    epsilon : float
        L-infinity budget of adversarial training (``golden.cnn.adversarial``); 0 trains on the images as they are.
    steps : int
        Gradients that make an adversarial image.
    warm_up : int
        Epochs in which the budget grows from 0 to ``epsilon``: small networks do not begin to learn under all of it.
    optimiser : str
        ``adam``, or ``sgd`` with Nesterov's momentum 0.9.
    weight_decay, label_smoothing : float
        As torch's optimiser and ``cross_entropy`` take them.
    augmented : bool
        Whether images are moved and mirrored at random (``golden.cnn.augmentation``).
    storage : str
        ``float32``, or ``float16``: the trained parameters are rounded to that, and the accuracy is theirs.
    """

    epochs: int
    batch: int = 64
    learning_rate: float = 0.003
    epsilon: float = 0.0
    steps: int = 0
    warm_up: int = 0
    optimiser: str = "adam"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augmented: bool = False
    storage: str = "float32"


OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
}
DEFAULTS: dict[str, Settings] = {
    "digits": Settings(epochs=20, batch=32),
    "mnist": Settings(epochs=15, batch=128),
    "cifar10": Settings(
        epochs=20,
        batch=128,
        learning_rate=0.1,
        optimiser="sgd",
        weight_decay=5e-4,
        label_smoothing=0.1,
        augmented=True,
        storage="float16",
    ),
}
"""Settings per data set; they made the checkpoints that come with the package."""

ADVERSARIAL: dict[str, Settings] = {
    "digits": Settings(epochs=30, batch=32, steps=7),
    "mnist": Settings(epochs=10, batch=128, steps=7),
}
"""The same for adversarial training; the budget is given."""

MOST_EPOCHS = 100_000


def train(
    data: str = "digits",
    model: str | None = None,
    *,
    seed: int = 0,
    epochs: int | None = None,
    adversarial: float | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[nn.Module, Checkpoint]:
    """Train a model on a data set, and write a checkpoint.

    The same arguments give the same parameters on the same machine, library versions and thread count. After every
    epoch the state is kept in ``OUTPUT.training``; a run that was interrupted goes on from there when the same is asked
    for again, and ends as the uninterrupted run does.

    Parameters
    ----------
    data : str
        A name in ``golden.cnn.data.DATASETS``.
    model : str, optional
        An architecture, registered or by import path (``golden.cnn.models.look_up``); by default that of the data set.
    seed : int
        Initial parameters and order of the images.
    epochs : int, optional
        Passes over the training images; by default what suits the data set (``DEFAULTS``, ``ADVERSARIAL``).
    adversarial : float, optional
        Train on images perturbed by projected gradient descent within this L-infinity budget
        (``golden.cnn.adversarial``), which grows to it in the first third of the epochs.
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
        If a name is unknown, epochs < 1, the seed or the budget is out of range, the model does not take the data's
        images, the output cannot be written, or the data cannot be had.
    """
    dataset = datasets.DATASETS.look_up(data)
    if epochs is not None:
        check_count("epochs", epochs, 1, MOST_EPOCHS, "days of training")
    if adversarial is not None and not 0 < adversarial <= 1:
        raise InvalidInput(f"adversarial={adversarial} is no budget of pixels in [0, 1]; give above 0 and at most 1")
    check_seed(seed)
    spec = models.look_up(dataset.model if model is None else model, dataset)
    settings = _settings(data, epochs, adversarial)
    state_file = None
    if output is not None:
        output = check_file(output)
        state_file = None if is_stream(output) else output.with_name(f"{output.name}.training")

    images, labels = (torch.from_numpy(array) for array in datasets.load(data, "train"))
    test_images, test_labels = datasets.load(data, "test")
    with torch.random.fork_rng(devices=[]):
        module = _run(spec, data, seed, settings, images, labels, state_file, progress)
    versions = {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }
    result = Checkpoint(
        model=spec.name,
        data=data,
        seed=seed,
        epochs=settings.epochs,
        correct=count_correct(module, test_images, test_labels),
        samples=len(test_labels),
        settings={**_in_words(settings), **_images_in_words(data, len(images))},
        versions=versions,
    )
    if output is not None:
        checkpoints.save(output, module, result)
    if state_file is not None:
        state_file.unlink(missing_ok=True)
    return module, result


def _settings(data: str, epochs: int | None, adversarial: float | None) -> Settings:
    if adversarial is None:
        settings = DEFAULTS.get(data, Settings(epochs=20))
        return settings if epochs is None else replace(settings, epochs=epochs)
    settings = ADVERSARIAL.get(data, Settings(epochs=30, steps=7))
    epochs = settings.epochs if epochs is None else epochs
    return replace(settings, epochs=epochs, epsilon=adversarial, warm_up=-(-epochs // 3))


def _in_words(settings: Settings) -> dict[str, str]:
    """Settings as a checkpoint tells them; how its images were perturbed, only where they were."""
    name = {"adam": "Adam", "sgd": "SGD, Nesterov momentum 0.9"}[settings.optimiser]
    told = {"optimiser": f"{name}, one cycle", "batch": str(settings.batch), "peak": str(settings.learning_rate)}
    if settings.weight_decay:
        told["weight decay"] = str(settings.weight_decay)
    if settings.label_smoothing:
        told["label smoothing"] = str(settings.label_smoothing)
    if settings.augmented:
        told["augmentation"] = f"moved by up to {MARGIN} pixels, mirrored"
    if settings.storage != "float32":
        told["storage"] = settings.storage
    if settings.epsilon:
        told |= {"adversarial": "PGD, Linf, random start", "epsilon": str(settings.epsilon)}
        told |= {"steps": str(settings.steps), "step": f"{STRIDE} * epsilon / steps", "warm-up": str(settings.warm_up)}
    return told


def _images_in_words(data: str, images: int) -> dict[str, str]:
    """Which images it was, for a data set of which a part may be there."""
    return {"images": f"{images} of {', '.join(datasets.cifar10_batches())}"} if data == "cifar10" else {}


def count_correct(module: nn.Module, images: np.ndarray, labels: np.ndarray, batch: int = 250) -> int:
    """Images that a model classifies correctly."""
    with torch.no_grad():
        return sum(
            int((module(torch.from_numpy(images[i : i + batch])).argmax(1).numpy() == labels[i : i + batch]).sum())
            for i in range(0, len(images), batch)
        )


def _run(
    model: Model,
    data: str,
    seed: int,
    settings: Settings,
    images: torch.Tensor,
    labels: torch.Tensor,
    state_file: Path | None,
    progress: Progress | None,
) -> nn.Module:
    torch.manual_seed(seed)
    module = models.build_trainable(model).train()
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trainable:
        raise InvalidInput(f"model {model.name!r} has no parameters to train; use it as it is")
    optimiser = OPTIMISERS[settings.optimiser](trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=settings.learning_rate,
        epochs=settings.epochs,
        steps_per_epoch=-(-len(images) // settings.batch),
    )
    asked = {"model": model.name, "data": data, "seed": seed, "torch": str(torch.__version__), **asdict(settings)}
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
            seen = moved_and_mirrored(images[chosen]) if settings.augmented else images[chosen]
            if settings.epsilon:
                grown = min(1.0, (epoch + (start + len(chosen)) / len(images)) / settings.warm_up)
                seen = perturb(module, seen, labels[chosen], grown * settings.epsilon, settings.steps)
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(module(seen), labels[chosen], label_smoothing=settings.label_smoothing)
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
    module = models.deployed(model, module)
    if settings.storage == "float16":
        module.load_state_dict({name: tensor.half().float() for name, tensor in module.state_dict().items()})
    return module


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
