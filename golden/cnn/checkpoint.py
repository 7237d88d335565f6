"""Checkpoints: a model's parameters and where they come from, in one safetensors file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors import torch as safetensors_torch
from torch import nn

from golden.cnn import models, parameters
from golden.cnn.data import DATASETS
from golden.cnn.import_paths import is_import_path
from golden.errors import InvalidInput
from golden.files import write
from golden.registry import did_you_mean, unknown

__all__ = [
    "VARIANTS",
    "Checkpoint",
    "Stored",
    "available",
    "load",
    "name_of",
    "packaged",
    "path_of",
    "read",
    "restore",
    "save",
    "weights_digest",
]

FOLDER = Path(__file__).with_name("checkpoints")
KEY = "axfpm"
"""Metadata entry that holds the provenance, as JSON; a file without it is not one of ours."""
STORAGE = "storage"
"""Setting of a checkpoint whose parameters are float16 numbers, and stored as such."""
KINDS = {"model": str, "data": str, "settings": dict, "versions": dict, "correct_on": dict}
"""What provenance is that is no whole number."""
VARIANTS = {"pgd": "trained on images perturbed by PGD"}
"""Ways of training beside the ordinary one, by their part of a checkpoint's name."""


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
        Further training settings (optimiser, learning rate, batch size; those of adversarial training).
    versions : dict of str to str
        Of the libraries that trained it; the CPU's level and the threads, which decide the order of sums.
    correct_on : dict of str to int
        The same as ``correct``, of the model on the multiplier that it was trained on, by its name.
    """

    model: str
    data: str
    seed: int
    epochs: int
    correct: int
    samples: int
    settings: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    correct_on: dict[str, int] = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Clean accuracy on the test images."""
        return self.correct / self.samples

    @property
    def variant(self) -> str:
        """How it was trained: ``""``, or one of ``VARIANTS``."""
        return "pgd" if "epsilon" in self.settings else ""


def available() -> list[str]:
    """Names of the checkpoints that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def name_of(model: str, data: str, *, seed: int = 0, variant: str = "") -> str:
    """Name of a checkpoint, in the package or not: ``lenet5-mnist``, ``lenet5-mnist-pgd``, ``lenet5-mnist-seed1``."""
    return "-".join([model, data, *([variant] if variant else []), *([f"seed{seed}"] if seed else [])])


def packaged(model: str, data: str, *, seed: int = 0, variant: str = "") -> str:
    """Name of the checkpoint that comes with the package for a model, data set, seed and variant.

    Parameters
    ----------
    model, data : str
        Names in ``golden.cnn.models.MODELS`` and ``golden.cnn.data.DATASETS``.
    seed : int
        Of the training run.
    variant : str
        ``""``, or one of ``VARIANTS``.

    Raises
    ------
    InvalidInput
        If none comes with it, or there is no such variant.
    """
    if variant and variant not in VARIANTS:
        raise unknown("variant", variant, VARIANTS)
    name = name_of(models.canonical(model), data, seed=seed, variant=variant)
    if name in available():
        return name
    which = "".join([f" with seed {seed}" if seed else "", f", {VARIANTS[variant]}," if variant else ""])
    options = "".join([f" --seed {seed}" if seed else "", " --adversarial EPS" if variant else ""])
    alike = [other for other in available() if other.startswith(f"{models.canonical(model)}-{data}")]
    raise InvalidInput(
        f"no checkpoint for {model!r} on {data!r}{which} comes with the package; train one with `axfpm train --data "
        f"{data} --model {model}{options} -o FILE` and give it with --checkpoint FILE"
        + (f", or take {', '.join(alike)}" if alike else "")
    )


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
    if path.is_file():
        return path
    if str(name) in available():  # as the command line has it, where every name is a path
        return FOLDER / f"{name}.safetensors"
    raise InvalidInput(f"no checkpoint {str(name)!r}, neither a file nor a name; {did_you_mean(name, available())}")


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
    # Copies: a tensor that has two names is written under both.
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    if checkpoint.settings.get(STORAGE) == "float16":  # what they are rounded to; the check below says if they are not
        tensors = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    content = safetensors_torch.save(tensors, {KEY: json.dumps(provenance, sort_keys=True)})
    return write(path, content, check=lambda written: load(written, model=checkpoint.model))


def load(name: str | Path, *, model: str | None = None) -> tuple[nn.Module, Checkpoint]:
    """Model in evaluation mode, and its provenance, from a checkpoint that ``save`` wrote.

    Parameters
    ----------
    name : str or Path
        A name from ``available()``, or a file.
    model : str, optional
        The architecture that it must hold. Needed only for one by import path: a file does not decide which code runs.

    Raises
    ------
    InvalidInput
        If there is no such checkpoint, or the file is corrupt, not one of ours, holds another architecture, or does
        not fit its own.
    """
    path = path_of(name)
    stored = read(path)
    if stored.checkpoint is None:
        raise InvalidInput(f"{path} does not say which model it holds; write checkpoints with `axfpm train`")
    return restore(stored, model=model), stored.checkpoint


@dataclass(frozen=True)
class Stored:
    """A file with parameters, not yet in a model.

    Parameters
    ----------
    path : Path
        The file.
    tensors : dict of str to Tensor
        Parameters and buffers.
    checkpoint : Checkpoint or None
        Provenance; None where the file is not one of ours.
    digest : str
        ``weights_digest`` of the model that was saved; empty likewise.
    """

    path: Path
    tensors: dict[str, torch.Tensor]
    checkpoint: Checkpoint | None
    digest: str

    def architecture(self, model: str | None = None) -> str:
        """Name of the architecture to put the parameters in; ``model`` is what the user named.

        Raises
        ------
        InvalidInput
            If nobody names one, the file names another, or only the file names one that is outside this package.
        """
        if self.checkpoint is None and model is None:
            raise InvalidInput(f"{self.path} does not say which model it holds; name it with --model")
        own = None if self.checkpoint is None else self.checkpoint.model
        if model is None:
            if is_import_path(own):
                raise InvalidInput(f"{self.path} needs code of others, {own}; if you trust that, add --model {own}")
            return str(own)
        model = models.canonical(model)
        if own not in (None, model):
            raise InvalidInput(f"{self.path} holds a {own!r}, not a {model!r}; leave out one of the two")
        return model


def read(path: Path) -> Stored:
    """Parameters of a file, ours or a ``state_dict`` by others, in safetensors or as torch saves it.

    Raises
    ------
    InvalidInput
        If the file is unreadable or no checkpoint, or its provenance is.
    """
    tensors, metadata = parameters.read(path)
    if KEY not in metadata:
        return Stored(path, tensors, None, "")
    try:
        provenance = json.loads(metadata[KEY])
        digest = provenance.pop("weights_sha256")
        checkpoint = Checkpoint(**provenance)
        if checkpoint.settings.get(STORAGE) == "float16":
            tensors = {name: t.float() if t.dtype == torch.float16 else t for name, t in tensors.items()}
        for key, value in vars(checkpoint).items():
            if type(value) is not KINDS.get(key, int):
                raise TypeError(f"{key} is a {type(value).__name__}")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidInput(f"{path} has unreadable provenance ({error}); train or copy it again") from None
    return Stored(path, tensors, replace(checkpoint, model=models.canonical(checkpoint.model)), digest)


def restore(stored: Stored, *, model: str | None = None, data: str | None = None) -> nn.Module:
    """Model in evaluation mode with the parameters of a file.

    Parameters
    ----------
    stored : Stored
        As ``read`` gives it.
    model, data : str, optional
        Architecture and data set; by default those of the provenance, which must not contradict the architecture.

    Raises
    ------
    InvalidInput
        If the architecture is not said, another, or unknown, or the parameters do not fit it or are corrupt.
    """
    path, checkpoint = stored.path, stored.checkpoint
    model = stored.architecture(model)
    dataset = DATASETS.get(data or (checkpoint.data if checkpoint is not None else ""))
    with torch.random.fork_rng(devices=[]):
        module = models.build(models.look_up(model, dataset if is_import_path(model) else None))
    parameters.put(stored.tensors, module, path, model)
    if checkpoint is not None and weights_digest(module) != stored.digest:
        raise InvalidInput(f"{path} is corrupt: its parameters do not have their checksum; train or copy it again")
    return module.eval()
