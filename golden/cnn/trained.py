"""A trained network by what a user names: architecture, data set, checkpoint, in any combination that says enough."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from golden.cnn import checkpoint as checkpoints, models
from golden.cnn.checkpoint import Checkpoint
from golden.cnn.data import DATASETS
from golden.cnn.import_paths import is_import_path
from golden.cnn.models import Model
from golden.errors import InvalidInput
from golden.registry import unknown

__all__ = ["TrainedNetwork", "trained_network"]


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its parameters.

    Parameters
    ----------
    module : torch.nn.Module
        In evaluation mode, (N, C, H, W) in [0, 1] -> (N, classes) logits.
    model : str
        The architecture's name, or its import path.
    data : str
        The data set to use it on; it fits the architecture.
    checkpoint : str
        The parameters' name in the package, or their file; empty where the code that builds the model sets them.
    provenance : Checkpoint or None
        How it was trained; None where nothing says so: parameters of others, or none from a file.
    """

    module: nn.Module
    model: str
    data: str
    checkpoint: str
    provenance: Checkpoint | None

    @property
    def name(self) -> str:
        """Architecture and parameters, for results: ``lenet5 (lenet5-mnist)``."""
        return f"{self.model} ({Path(self.checkpoint).stem})" if self.checkpoint else self.model


def trained_network(
    model: str | None = None,
    data: str | None = None,
    checkpoint: str | Path | None = None,
    *,
    seed: int = 0,
    variant: str = "",
) -> TrainedNetwork:
    """The network that ``--model``, ``--data`` and ``--checkpoint`` name.

    Parameters
    ----------
    model : str, optional
        A registered architecture, or ``package.module:name`` (``golden.cnn.models.look_up``); by default that of the
        checkpoint's provenance, or of the data set. Parameters by others do not name one, so that it has to be given.
    data : str, optional
        A data set; by default that of the provenance, or of the architecture, or ``digits`` where the checkpoint comes
        with the package. For parameters by others, and models by import path, it has to be given where the architecture
        is not made for one.
    checkpoint : str or Path, optional
        A name in the package; or a file, written by ``axfpm train`` or holding a plain ``state_dict`` by others, in
        safetensors or as ``torch.save`` writes it. Without it, the one that comes with the package for model, data,
        ``seed`` and ``variant``; a model by import path keeps the parameters that it is built with, the same each time.
    seed : int
        Of the training run whose checkpoint is taken; only 0 where the network is said otherwise.
    variant : str
        Likewise: ``""``, or ``"pgd"`` for the adversarially trained one, only where the package has the network.

    Raises
    ------
    InvalidInput
        If a name is unknown, what is given contradicts itself or does not say enough, there is no such checkpoint, or
        its file cannot be used.
    """
    if data is not None and data not in DATASETS:
        raise unknown("data set", data, DATASETS)
    made_for = ""
    if model is not None and not is_import_path(model):
        entry = models.look_up(model)
        model, made_for = entry.name, entry.data
    own = checkpoint is None and is_import_path(model)
    if (seed or variant) and (own or checkpoint is not None):
        choice, network = f"seed {seed}" if seed else f"variant {variant!r}", model if own else checkpoint
        raise InvalidInput(
            f"{choice} is for the checkpoints of the package, and {network} is one network; leave out one"
        )
    if own and model is not None:
        found = models.look_up(model, None if data is None else DATASETS[data])
        module = models.build(found).eval()
        if not _builds_again(found, module):
            raise InvalidInput(
                f"{model!r} is another network whenever it is built, as if its parameters were drawn at random; train "
                f"it with `axfpm train --model {model} -o FILE` and give --checkpoint FILE, or load parameters where "
                "it is built"
            )
        return TrainedNetwork(module, model, str(data), "", None)
    if checkpoint is None:
        data = data or made_for or "digits"
        model = model or DATASETS[data].model
        models.look_up(model, DATASETS[data])
        checkpoint = checkpoints.packaged(model, data, seed=seed, variant=variant)
    stored = checkpoints.read(checkpoints.path_of(checkpoint))
    model, provenance = stored.architecture(model), stored.checkpoint
    data = data or (provenance.data if provenance is not None else made_for)
    if not data:
        raise InvalidInput(f"{stored.path} does not say which images it is for; name a data set with --data")
    if data not in DATASETS:
        raise unknown("data set", data, DATASETS)
    models.look_up(model, DATASETS[data])
    return TrainedNetwork(checkpoints.restore(stored, model=model, data=data), model, data, str(checkpoint), provenance)


def _builds_again(model: Model, module: nn.Module) -> bool:
    """Whether an architecture is the same network whenever it is built, by its logits for some images."""
    try:
        again = models.build(model).eval()
    except InvalidInput:  # it can be built once only: nothing that draws parameters is like that
        return True
    images = torch.rand(4, *model.input_shape, generator=torch.Generator().manual_seed(0))
    logits = []
    for each in (module, again):
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)  # noise of a network's own is none of its parameters
            logits.append(each(images))
    return torch.allclose(*logits, rtol=0, atol=0, equal_nan=True)
