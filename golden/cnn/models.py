"""Network architectures by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from golden.cnn.batch_norm import folded
from golden.cnn.cifar10_models import alexnet, trainable_alexnet, trainable_vgg11, vgg11
from golden.cnn.data import DataSet
from golden.cnn.import_paths import find_factory, guard, is_import_path
from golden.errors import InvalidInput
from golden.registry import Registry

__all__ = ["MODELS", "Model", "build", "build_trainable", "canonical", "deployed", "look_up", "macs", "register_model"]


@dataclass(frozen=True)
class Model:
    """A named architecture.

    Parameters
    ----------
    name : str
        The name on the command line and in checkpoints.
    build : callable
        Returns a freshly initialised ``torch.nn.Module``, (N, C, H, W) in [0, 1] -> (N, classes) logits.
    input_shape : tuple of int
        (C, H, W) of one image.
    classes : int
        Number of logits.
    description : str
        One line: the layers, and where they come from.
    data : str
        The data set it was made for, taken where none is named; empty where it is for any that fits.
    trainable : callable, optional
        Returns the form in which it is trained, where that is another; ``golden.cnn.batch_norm.folded`` makes of it one
        with the parameters of what ``build`` returns.
    """

    name: str
    build: Callable[[], nn.Module]
    input_shape: tuple[int, int, int]
    classes: int
    description: str
    data: str = ""
    trainable: Callable[[], nn.Module] | None = None


class LeNet5(nn.Module):
    """LeNet-5 with ReLU and max-pooling: 28 x 28 padded by 2, conv 6 and 16 of 5 x 5, 120-84-10; 416 520 MACs an image.

    After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc.
    IEEE 86(11), 1998; ReLU and max-pooling replace its scaled tanh and trainable subsampling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        x = nn.functional.relu(self.fc1(x.flatten(1)))
        return self.fc3(nn.functional.relu(self.fc2(x)))


class DefensiveLeNet(nn.Module):
    """The network of the paper's published checkpoint: conv 32 and 64 of 3 x 3, pools, 3136-200-10.

    Its parameters carry the names in that file, so that the published ``state_dict`` loads as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.linear1 = nn.Linear(64 * 7 * 7, 200)
        self.linear2 = nn.Linear(200, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(nn.functional.relu(self.conv2(x)), 2)
        return self.linear2(nn.functional.relu(self.linear1(x.flatten(1))))


_GUESMI2021 = Model(
    "guesmi2021",
    DefensiveLeNet,
    (1, 28, 28),
    10,
    "the paper's MNIST network, as published: conv 32 and 64 of 3 x 3, 200-10",
    "mnist",
)
MODELS = Registry(
    "model",
    {
        "lenet5": Model("lenet5", LeNet5, (1, 28, 28), 10, "LeNet-5 with ReLU: conv 6 and 16 of 5 x 5, 120-84-10"),
        "guesmi2021": _GUESMI2021,
        "da-lenet": _GUESMI2021,  # its name before, in checkpoints of then
        "alexnet": Model(
            "alexnet",
            alexnet,
            (3, 32, 32),
            10,
            "an AlexNet for CIFAR-10: five convolutions of 3 x 3, 768-192-10, batch norm folded",
            "cifar10",
            trainable_alexnet,
        ),
        "vgg11": Model(
            "vgg11",
            vgg11,
            (3, 32, 32),
            10,
            "VGG-11 for CIFAR-10 at a quarter of its width: eight convolutions of 3 x 3, 128-10, batch norm folded",
            "cifar10",
            trainable_vgg11,
        ),
    },
    more="package.module:name imports your own",
)
"""Architectures by name, read-only; ``register_model`` adds to it. Where two names have one entry, its own name is the
first."""


def look_up(name: str, dataset: DataSet | None = None) -> Model:
    """The architecture that a name means, a registered one or one by import path.

    Parameters
    ----------
    name : str
        A name in ``MODELS``, or ``package.module:name`` of a class or function without arguments that gives a
        ``torch.nn.Module``; its module is imported, which runs its code.
    dataset : DataSet, optional
        What it is for: a registered architecture must fit it, and one by import path, which needs it, takes the shape
        of images and the number of classes from it.

    Raises
    ------
    InvalidInput
        If there is no such architecture, or it does not fit the data set.
    """
    if is_import_path(name):
        if dataset is None:
            raise InvalidInput(f"model {name!r} does not say which images it takes; name a data set with --data")
        return Model(name, find_factory(name), dataset.image_shape, dataset.classes, "a model by import path")
    model = MODELS.look_up(name)
    if dataset is not None and (model.input_shape, model.classes) != (dataset.image_shape, dataset.classes):
        raise InvalidInput(
            f"model {name!r} takes images of {model.input_shape} and {model.classes} classes, {dataset.name!r} has "
            f"{dataset.image_shape} and {dataset.classes}; choose another model"
        )
    return model


def canonical(name: str) -> str:
    """An architecture's own name, where another leads to it; any other name as it is."""
    return MODELS[name].name if name in MODELS else name


def build(model: str | Model) -> nn.Module:
    """Return a freshly initialised model in training mode, drawn from torch's global generator.

    One forward pass shows that it takes the images and gives the logits that the architecture says.

    Raises
    ------
    InvalidInput
        If no architecture has that name, or what it builds is not what it says.
    """
    model = model if isinstance(model, Model) else look_up(model)
    module = model.build().eval()
    given = f"model {model.name!r}, given 2 images of {model.input_shape},"
    with guard(f"{given} raises an error"), torch.random.fork_rng(devices=[]), torch.no_grad():
        logits = module(torch.zeros(2, *model.input_shape))
        state = module.state_dict()
    if not isinstance(logits, torch.Tensor) or logits.dtype != torch.float32:
        what = logits.dtype if isinstance(logits, torch.Tensor) else f"a {type(logits).__name__}"
        raise InvalidInput(f"{given} returns {what}, not float32 logits; mend it")
    if logits.shape != (2, model.classes):
        expected = (2, model.classes)
        raise InvalidInput(f"{given} returns logits of shape {tuple(logits.shape)}, not {expected}; mend it")
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise InvalidInput(f"model {model.name!r} keeps a {type(value).__name__} in its state at {key!r}; mend it")
    return module.train()


def build_trainable(model: Model) -> nn.Module:
    """Return a freshly initialised model in the form in which it is trained, as ``build``."""
    return build(model if model.trainable is None else replace(model, build=model.trainable))


def deployed(model: Model, module: nn.Module) -> nn.Module:
    """What a trained module becomes for use, in evaluation mode: itself, or with its batch norms folded.

    Parameters
    ----------
    model : Model
        Its architecture.
    module : torch.nn.Module
        As ``build_trainable`` built it.
    """
    return module.eval() if model.trainable is None else folded(module)


def register_model(model: Model) -> Model:
    """Make an architecture available to training, checkpoints and evaluation by its name, and return it.

    Raises
    ------
    InvalidInput
        If another architecture has that name.
    """
    return MODELS.register(model.name, model)


def macs(module: nn.Module, image: torch.Tensor) -> int:
    """Multiply-accumulates of the convolutions and linear layers for one image (C, H, W)."""
    total = 0

    def count(layer: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features

    hooks = [layer.register_forward_hook(count) for layer in module.modules()]
    try:
        with torch.no_grad():
            module(image[None])
    finally:
        for hook in hooks:
            hook.remove()
    return total
