"""Seeded training, exact or on a multiplier, that can be interrupted and taken up again."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golden.catalogue import Multiplier
from golden.checks import check_seed
from golden.cnn import checkpoint as checkpoints, data as datasets, models
from golden.cnn.adversarial import SPREAD, perturb
from golden.cnn.augmentation import moved_and_mirrored
from golden.cnn.checkpoint import Checkpoint, weights_digest
from golden.cnn.models import Model
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.cnn.training_settings import ADVERSARIAL, DEFAULTS, FINE_TUNING, OPTIMISERS, Settings, settings_for
from golden.cnn.training_state import read_state, write_state
from golden.errors import InvalidInput
from golden.files import check_file, is_stream
from golden.progress import Progress
from golden.pytorch import ApproximateModule

__all__ = ["ADVERSARIAL", "DEFAULTS", "FINE_TUNING", "Settings", "count_correct", "train"]


@dataclass(frozen=True)
class _Run:
    """A training run: what is trained on what, from where, and how.

    Parameters
    ----------
    model : Model
        The architecture.
    data : str
        The data set.
    seed : int
        Of all that is random.
    settings : Settings
        The rest.
    start : TrainedNetwork, optional
        Where it begins; fresh parameters without one.
    """

    model: Model
    data: str
    seed: int
    settings: Settings
    start: TrainedNetwork | None

    def asked(self) -> dict[str, Any]:
        """Return, in plain types, all that the parameters depend on but the machine."""
        asked = {"model": self.model.name, "data": self.data, "seed": self.seed, "torch": str(torch.__version__)}
        digest = "" if self.start is None else weights_digest(self.start.module)
        return {**asked, **self.settings.to_key(), "parameters at the start": digest}

    def in_words(self, images: int) -> dict[str, str]:
        """Return the settings of its checkpoint, for so many training images."""
        told = self.settings.in_words()
        if self.data == "cifar10":  # of which a part may be there
            told["images"] = f"{images} of {', '.join(datasets.cifar10_batches())}"
        if self.start is not None:
            told["from"] = f"{self.start.name}, {weights_digest(self.start.module)[:12]}"
        return told


def train(
    data: str | None = None,
    model: str | None = None,
    *,
    seed: int = 0,
    epochs: int | None = None,
    adversarial: float | None = None,
    multiplier: str | Multiplier | None = None,
    gradient: str | None = None,
    start: str | Path | None = None,
    learning_rate: float | None = None,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[nn.Module, Checkpoint]:
    """Train a model on a data set, exactly or on a multiplier, and write a checkpoint.

    The same arguments give the same parameters on the same machine, library versions and thread count. After every
    epoch the state is kept in ``OUTPUT.training``; a run that was interrupted goes on from there when the same is asked
    for again, and ends as the uninterrupted run does.

    Parameters
    ----------
    data : str, optional
        A name in ``golden.cnn.data.DATASETS``; by default that of ``start``, else ``digits``.
    model : str, optional
        An architecture, registered or by import path (``golden.cnn.models.look_up``); by default that of ``start``,
        else that of the data set.
    seed : int
        Initial parameters and order of the images.
    epochs : int, optional
        Passes over the training images; by default what suits the data set (``DEFAULTS``, ``ADVERSARIAL``), and one
        from ``start`` (``FINE_TUNING``).
    adversarial : float, optional
        Train on images perturbed by projected gradient descent within this L-infinity budget
        (``golden.cnn.adversarial``), which grows to it in the first third of the epochs.
    multiplier : str or Multiplier, optional
        Compute every forward pass on it, bit for bit, those of the perturbations included; the model is an
        ``ApproximateModule`` while it is trained. Exactly without one.
    gradient : str, optional
        What a product's derivative is taken to be: ``scaled``, as by default, ``straight-through`` or ``masked``
        (``golden.pytorch.gradients``). Only with a multiplier.
    start : str or Path, optional
        A checkpoint, by its name in the package or its file, to train further, in the form in which it is deployed: its
        batch norms stay folded.
    learning_rate : float, optional
        Peak of the one-cycle schedule; by default what suits the data set.
    output : str or Path, optional
        The checkpoint to write; without it nothing is written.
    progress : callable, optional
        ``progress(steps, all steps, message)`` after each step; after the last step of an epoch its state is kept.

    Returns
    -------
    (torch.nn.Module, Checkpoint)
        The model in evaluation mode, to be run exactly or on whatever multiplier, and its provenance with the accuracy
        on the test images: exact, and on the multiplier.

    Raises
    ------
    InvalidInput
        If a name is unknown, a number is out of range, the model does not take the data's images or has products that a
        multiplier cannot compute, the output cannot be written, what is kept beside it is of another training, the data
        cannot be had, or the loss or a parameter becomes infinite or NaN; what was kept before is kept then.
    """
    check_seed(seed)
    network = None if start is None else trained_network(model, data, start)
    if data is None:
        data = "digits" if network is None else network.data
    dataset = datasets.DATASETS.look_up(data)
    settings = settings_for(
        data,
        epochs=epochs,
        adversarial=adversarial,
        multiplier=multiplier,
        gradient=gradient,
        learning_rate=learning_rate,
        trained=network is not None,
    )
    name = network.model if network is not None else dataset.model if model is None else model
    run = _Run(models.look_up(name, dataset), data, seed, settings, network)
    state_file = None
    if output is not None:
        output = check_file(output)
        state_file = None if is_stream(output) else output.with_name(f"{output.name}.training")

    images, labels = (torch.from_numpy(array) for array in datasets.load(data, "train"))
    test = datasets.load(data, "test")
    told = run.in_words(len(images))
    with torch.random.fork_rng(devices=[]):
        module = _trained(run, images, labels, state_file, progress)
    m = settings.multiplier
    result = Checkpoint(
        model=run.model.name,
        data=data,
        seed=seed,
        epochs=settings.epochs,
        correct=count_correct(module, *test),
        samples=len(test[1]),
        correct_on={} if m is None else {str(m): count_correct(ApproximateModule(module, m), *test)},
        settings=told,
        versions=_versions(),
    )
    if output is not None:
        checkpoints.save(output, module, result)
    if state_file is not None:
        state_file.unlink(missing_ok=True)
    return module, result


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
    }


def count_correct(module: nn.Module, images: np.ndarray, labels: np.ndarray, batch: int = 250) -> int:
    """Images that a model classifies correctly."""
    with torch.no_grad():
        return sum(
            int((module(torch.from_numpy(images[i : i + batch])).argmax(1).numpy() == labels[i : i + batch]).sum())
            for i in range(0, len(images), batch)
        )


def _trained(
    run: _Run, images: torch.Tensor, labels: torch.Tensor, state_file: Path | None, progress: Progress | None
) -> nn.Module:
    settings = run.settings
    torch.manual_seed(run.seed)
    asked = run.asked()
    module = (models.build_trainable(run.model) if run.start is None else run.start.module).train()
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trainable:
        raise InvalidInput(f"model {run.model.name!r} has no parameters to train; use it as it is")
    optimiser = OPTIMISERS[settings.optimiser](trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps = -(-len(images) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, epochs=settings.epochs, steps_per_epoch=steps
    )
    # The multiplier computes forward passes only: losses, gradients and the optimiser's steps are exact.
    m = settings.multiplier
    computed = module if m is None else ApproximateModule(module, m, gradient=settings.gradient)
    done = 0
    state = read_state(state_file, asked)
    if state is not None:
        module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        done = state["done"]
    if progress is not None:  # at once, so that the time of what was done before is not counted
        progress(done * steps, settings.epochs * steps, f"taken up after epoch {done}" if done else "")
    for epoch in range(done, settings.epochs):
        for step, loss in enumerate(_epoch(run, epoch, computed, optimiser, schedule, images, labels), 1):
            if step == steps:
                _check_finite(module, epoch, settings)
                if state_file is not None:
                    parts = {"module": module, "optimiser": optimiser, "schedule": schedule}
                    kept = {name: part.state_dict() for name, part in parts.items()}
                    write_state(state_file, {"asked": asked, "done": epoch + 1, **kept})
            if progress is not None:
                message = f"epoch {epoch + 1} of {settings.epochs}, loss {loss:.4f}"
                progress(epoch * steps + step, settings.epochs * steps, message)
    module = models.deployed(run.model, module)
    if settings.storage == "float16":
        module.load_state_dict({name: tensor.half().float() for name, tensor in module.state_dict().items()})
        _check_finite(module, settings.epochs - 1, settings)
    return module


def _epoch(
    run: _Run,
    epoch: int,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> Iterator[float]:
    """One pass over the images: after each step the mean loss of those seen."""
    settings = run.settings
    # Everything random in an epoch depends on (seed, epoch) alone, so that a resumed run needs no generator state.
    epoch_seed = int(np.random.SeedSequence([run.seed, epoch]).generate_state(1)[0])
    torch.manual_seed(epoch_seed)
    order = torch.randperm(len(images))
    total = 0.0
    for start in range(0, len(images), settings.batch):
        chosen = order[start : start + settings.batch]
        seen = moved_and_mirrored(images[chosen]) if settings.augmented else images[chosen]
        if settings.epsilon:
            grown = min(1.0, (epoch + (start + len(chosen)) / len(images)) / settings.warm_up)
            spread = None if settings.multiplier is None else SPREAD
            seen = perturb(module, seen, labels[chosen], grown * settings.epsilon, settings.steps, spread=spread)
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(module(seen), labels[chosen], label_smoothing=settings.label_smoothing)
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item() * len(chosen)
        if not math.isfinite(total):
            raise _diverged(f"the loss is {loss.item()}", epoch, settings)
        yield total / (start + len(chosen))


def _check_finite(module: nn.Module, epoch: int, settings: Settings) -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise _diverged(f"{name} has NaN or infinity", epoch, settings)


def _diverged(what: str, epoch: int, settings: Settings) -> InvalidInput:
    where = "" if settings.multiplier is None else f" on {settings.multiplier}"
    return InvalidInput(
        f"training{where} diverged in epoch {epoch + 1}, where {what}; give a learning rate below "
        f"{settings.learning_rate:g}"
    )
