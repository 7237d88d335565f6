"""The networks that are evaluated: trained ones by checkpoint, or modules as they are; and what they are judged on."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
from torch import nn

from golden.checks import check_count
from golden.cnn import checkpoint as checkpoints
from golden.cnn.checkpoint import Checkpoint
from golden.cnn.import_paths import is_import_path
from golden.cnn.models import macs
from golden.cnn.trained import TrainedNetwork
from golden.errors import InvalidInput, InvalidType
from golden.pytorch.devices import at_home, check_device, device_of
from golden.robustness.attacks import BATCH, batch_on
from golden.robustness.store import array_digest, is_ours, module_key, multiplier_key
from golden.robustness.targets import Fitted, Target

__all__ = ["LENET5_MACS", "Network", "Subject", "logits_of", "multipliers_key", "networks", "subject_of", "subset"]

LENET5_MACS = 416_520
"""What costs are counted in."""


@dataclass(frozen=True, eq=False)
class Network:
    """One trained network, run exactly.

    Parameters
    ----------
    name : str
        The name in results.
    seed : int or None
        Of its training, where known.
    module : torch.nn.Module
        In evaluation mode.
    architecture : str or None
        Its name in ``golden.cnn.models``, where it has one.
    siblings : mapping of str to torch.nn.Module
        Other networks by role, for the references.
    """

    name: str
    seed: int | None
    module: nn.Module
    architecture: str | None = None
    siblings: Mapping[str, nn.Module] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with what its targets are fitted on and the images that it is judged on.

    Parameters
    ----------
    network : Network
        The exact network.
    fitted : Fitted
        What its targets are fitted on.
    attackers : Tensor of float32, (N, C, H, W)
        Images that an attacker has.
    images, labels : ndarray
        What is judged, (N, C, H, W) float32 and (N,) int64.
    logits : ndarray of float32, (N, classes)
        Of the exact network for these images.
    macs : int
        Multiply-accumulates of an image, for progress.
    token : str
        Of this subject alone.
    """

    network: Network
    fitted: Fitted
    attackers: torch.Tensor
    images: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    macs: int = LENET5_MACS
    token: str = field(default_factory=lambda: uuid4().hex)

    def chosen(self, samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of a stage that takes ``samples`` of them, spread evenly over all."""
        rows = subset(len(self.images), samples)
        return self.images[rows], self.labels[rows]

    def chosen_digests(self, samples: int) -> tuple[str, str]:
        """Of those images and labels."""
        if samples not in self._chosen:
            images, labels = self.chosen(samples)
            self._chosen[samples] = array_digest(images), array_digest(labels)
        return self._chosen[samples]

    @cached_property
    def _chosen(self) -> dict[int, tuple[str, str]]:
        return {}

    def key(self) -> dict[str, Any]:
        """Identity of the network: structure, weights, and what it makes of its images."""
        return dict(self._key)

    @cached_property
    def _key(self) -> dict[str, Any]:
        # Once for each subject, which lives as long as an evaluation: there is a key for every part of it.
        gpu = self.gpu()
        where = {} if gpu is None else {"gpu": gpu}
        return {**module_key(self.network.module), "exact logits": array_digest(self.logits), **where}

    @cached_property
    def attackers_digest(self) -> str:
        """Of the images that an attacker has."""
        return array_digest(self.attackers.cpu().numpy())

    @cached_property
    def _fitted_on(self) -> str:
        return array_digest(self.fitted.images.cpu().numpy())

    def gpu(self) -> str | None:
        """The name of the GPU that the network is on, which last digits of exact torch depend on."""
        device = device_of(self.network.module)
        return torch.cuda.get_device_name(device) if device.type == "cuda" else None

    def device_key(self, target: Target) -> dict[str, Any]:
        """Identity of a target of it."""
        emulation = dict(self.fitted.emulation)
        layers = emulation.pop("layers", None)
        roles = sorted(self.fitted.siblings) if target.group == "reference" else ()
        return {
            **self.key(),
            "target": target.name if is_ours(target.make) else None,
            "multiplier": multipliers_key(target),
            "fitted on": self._fitted_on,
            "siblings": {role: module_key(self.fitted.siblings[role]) for role in roles},
            "emulation": emulation,
            "layers": "all" if layers is None else None,
        }


def multipliers_key(target: Target) -> str | None:
    """Text that changes whenever what a target's products run on does; None where that has no name."""
    keys = [multiplier_key(m) for m in target.multipliers]
    found = [key for key in keys if key is not None]
    if len(found) < len(keys):
        return None
    return "none" if not found else f"{target.layers} {found}" if target.layers else found[0]


def subset(total: int, samples: int) -> np.ndarray:
    """Indices of ``samples`` images, spread evenly over all (data sets are not in random order)."""
    return np.arange(samples) * total // samples


def logits_of(module: nn.Module, images: np.ndarray) -> np.ndarray:
    """Logits (N, classes) float32, in the batches that attacks use."""
    device = device_of(module)
    size = batch_on(device)
    with torch.no_grad(), at_home(device):
        parts = [
            module(torch.from_numpy(images[start : start + size]).to(device)).cpu().numpy()
            for start in range(0, len(images), size)
        ]
    return np.concatenate(parts)


def subject_of(
    network: Network, images: np.ndarray, labels: np.ndarray, fitted: Fitted, attackers: torch.Tensor | None = None
) -> Subject:
    """A network with images to be judged.

    Raises
    ------
    InvalidInput
        If the model does not take the images, gives no logits (N, classes), or there are other classes than its own.
    """
    module = network.module
    logits = _checked_logits(module, images)
    classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise InvalidInput(
            f"labels run from {labels.min()} to {labels.max()} and the model has {classes} classes; give labels from "
            f"0 to {classes - 1}"
        )
    device = device_of(module)
    siblings = {role: _moved(one, device) for role, one in {**fitted.siblings, **network.siblings}.items()}
    own = replace(fitted, images=fitted.images.to(device), siblings=siblings)
    with at_home(device):
        cost = max(1, macs(module, torch.from_numpy(images[0]).to(device)))
    having = own.images if attackers is None else attackers.to(device)
    return Subject(network, own, having, images, labels, logits, cost)


def _moved(module: nn.Module, device: torch.device) -> nn.Module:
    """A model on a device; a copy where it is not there."""
    return module if device_of(module) == device else copy.deepcopy(module).to(device)


def _checked_logits(module: nn.Module, images: np.ndarray) -> np.ndarray:
    part = images[:BATCH]
    try:
        device = device_of(module)
        with torch.no_grad(), at_home(device):
            output = module(torch.from_numpy(part).to(device))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(f"the model does not take images of shape {images.shape[1:]}: {reason}") from error
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != len(part):
        shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise InvalidInput(f"the model gives {shape} for {len(part)} images; logits (N, classes) are needed")
    return (
        np.concatenate([output.cpu().numpy(), logits_of(module, images[len(part) :])])
        if len(part) < len(images)
        else output.cpu().numpy()
    )


def networks(model: Any, seeds: int | Sequence[int] | None = None, device: str | None = None) -> tuple[Network, ...]:
    """Return networks as ``evaluate`` takes them: a module or checkpoint, or several.

    Parameters
    ----------
    model : torch.nn.Module, str, Path or a sequence of them
        Modules are copied; a checkpoint is a name or a file.
    seeds : int or sequence of int, optional
        Of a checkpoint that comes with the package, its siblings of these seeds (an int: so many, from 0); of several
        models, their names in results; where they have no names of their own, they are numbered.
    device : str, optional
        Where they compute: ``cpu``, ``cuda``, ``cuda:1``; where they are if not given.

    Returns
    -------
    tuple of Network
        Where there are several, each knows the next one as its ``independent`` sibling.

    Raises
    ------
    InvalidInput, InvalidType
        If a checkpoint does not exist, there is no model, their number is not that of the seeds, or torch has no such
        device.
    MissingTool
        If the device is a GPU, and the emulation lacks what it needs there.
    """
    if device is not None:
        check_device(device)
    if isinstance(seeds, int):
        seeds = range(check_count("seeds", seeds))
    if isinstance(model, str | Path) and seeds is not None:
        found = [_network(_sibling(model, seed)) for seed in seeds]
    elif isinstance(model, str | Path) or not isinstance(model, Sequence):
        found = [_network(model)]
    else:
        found = [_network(one) for one in model]
    if not found:
        raise InvalidInput("no model given; give at least one")
    if seeds is None and len({(network.name, network.seed) for network in found}) < len(found):
        seeds = range(len(found))  # results tell networks apart by name and seed
    if seeds is not None and len(seeds) != len(found):
        raise InvalidInput(f"seeds name {len(seeds)} models and there are {len(found)}; give one seed for each")
    if seeds is not None:
        found = [replace(network, seed=seed) for network, seed in zip(found, seeds, strict=True)]
    if device is not None:
        found = [replace(network, module=_moved(network.module, torch.device(device))) for network in found]
    if len(found) > 1:
        found = [
            replace(network, siblings={**network.siblings, "independent": found[(i + 1) % len(found)].module})
            for i, network in enumerate(found)
        ]
    return tuple(found)


def _sibling(name: str | Path, seed: int) -> str:
    """The checkpoint that comes with the package and was trained as another one was, from another seed."""
    if name not in checkpoints.available():
        raise InvalidInput(f"{name} is one file and has no siblings of other seeds; leave out seeds, or give each file")
    stored = checkpoints.load(name)[1]
    return checkpoints.packaged(stored.model, stored.data, seed=seed, variant=stored.variant)


def _network(model: Any) -> Network:
    if isinstance(model, str | Path):
        module, stored = checkpoints.load(model)
        model = TrainedNetwork(module, stored.model, stored.data, str(model), stored)
    if isinstance(model, TrainedNetwork):
        stored = model.provenance
        seed = None if stored is None else stored.seed
        architecture = None if is_import_path(model.model) else model.model
        return Network(model.name, seed, model.module, architecture, {} if stored is None else _siblings(stored))
    if isinstance(model, nn.Module):
        return Network(type(model).__name__, None, copy.deepcopy(model).eval())
    raise InvalidType(f"a model is a torch.nn.Module or a checkpoint's name, not {type(model).__name__}")


def _siblings(stored: Checkpoint) -> dict[str, nn.Module]:
    """Networks of the same kind that come with the package, by role."""
    roles: dict[str, dict[str, Any]] = {
        "independent": {"seed": 1 if stored.seed == 0 else 0},
        "pgd-trained": {"variant": "pgd"},
    }
    names = {role: checkpoints.name_of(stored.model, stored.data, **which) for role, which in roles.items()}
    there = checkpoints.available()
    return {role: checkpoints.load(name)[0] for role, name in names.items() if name in there}
