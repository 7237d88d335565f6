"""Checkpoints: a model's parameters and where they come from, in one safetensors file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open, torch as safetensors_torch
from torch import nn

from golden.cnn import models
from golden.errors import InvalidInput
from golden.files import write
from golden.registry import did_you_mean

__all__ = ["Checkpoint", "available", "load", "path_of", "save", "weights_digest"]

FOLDER = Path(__file__).with_name("checkpoints")
KEY = "axfpm"
"""Metadata entry that holds the provenance, as JSON; a file without it is not one of ours."""


@dataclass(frozen=True)
class Checkpoint:
    """Provenance of a checkpoint.

    Parameters
    ----------
    model, data : str
        Architecture (``golden.cnn.models``) and data set (``golden.cnn.data``).
    seed, epochs : int
        Of the training run.
    correct, samples : int
        Test images classified correctly, of how many, by the exact model.
    settings : dict of str to str
        Further training settings (optimiser, learning rate, batch size).
    versions : dict of str to str
        Versions of the libraries that trained it.
    """

    model: str
    data: str
    seed: int
    epochs: int
    correct: int
    samples: int
    settings: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Clean accuracy on the test images."""
        return self.correct / self.samples


def available() -> list[str]:
    """Names of the checkpoints that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def path_of(name: str | Path) -> Path:
    """Path of a checkpoint given by its name in the package, or by its file.

    Raises
    ------
    InvalidInput
        If there is no such checkpoint.
    """
    if isinstance(name, str) and name in available():
        return FOLDER / f"{name}.safetensors"
    path = Path(name)
    if not path.is_file():
        raise InvalidInput(f"no checkpoint {str(name)!r}; {did_you_mean(name, available())} (or give a file)")
    return path


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, shapes, dtypes and bytes of a module's parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save(path: str | Path, module: nn.Module, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint; an existing file is replaced only by one that loads.

    Raises
    ------
    InvalidInput
        If the file cannot be written, or the module does not fit the architecture that the checkpoint names.
    """
    provenance = {**asdict(checkpoint), "weights_sha256": weights_digest(module)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    content = safetensors_torch.save(tensors, {KEY: json.dumps(provenance, sort_keys=True)})
    return write(path, content, check=load)


def load(name: str | Path) -> tuple[nn.Module, Checkpoint]:
    """Model in evaluation mode, and its provenance.

    Parameters
    ----------
    name : str or Path
        A name from ``available()``, or a file.

    Raises
    ------
    InvalidInput
        If there is no such checkpoint, or the file is corrupt, not one of ours, or does not fit its architecture.
    """
    path = path_of(name)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidInput(f"{path} is not a readable safetensors file ({error}); train or copy it again") from None
    if KEY not in metadata:
        raise InvalidInput(f"{path} does not say which model it holds; write checkpoints with `axfpm train`")
    try:
        provenance = json.loads(metadata[KEY])
        digest = provenance.pop("weights_sha256")
        checkpoint = Checkpoint(**provenance)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(f"{path} has unreadable provenance ({error}); train or copy it again") from None
    with torch.random.fork_rng(devices=[]):
        module = models.build(checkpoint.model)
    expected = module.state_dict()
    wrong = sorted(expected.keys() ^ tensors.keys()) or [k for k in expected if expected[k].shape != tensors[k].shape]
    if wrong:
        raise InvalidInput(f"{path} does not fit model {checkpoint.model!r} at {wrong[0]!r}; train or copy it again")
    module.load_state_dict(tensors)
    if weights_digest(module) != digest:
        raise InvalidInput(f"{path} is corrupt: its parameters do not have their checksum; train or copy it again")
    return module.eval(), checkpoint
