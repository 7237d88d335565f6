"""The layers of a network as products of matrices, with the operands that an inference on a multiplier has there.

Convolutions are lowered as for the simulated engine: a row for each output pixel of each image, in order, and in each
row the words of input channel, kernel row and kernel column, those of padding included. A multiplier changes what the
layers behind it see, so that activations are recorded on the very multiplier whose energy is in question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from golden.assignments import Assignment
from golden.catalogue import Multiplier
from golden.errors import InvalidInput, MissingTool
from golden.registry import Registry

if TYPE_CHECKING:
    from golden.cnn.trained import TrainedNetwork
    from golden.pytorch.observing import Product

__all__ = ["IMAGES", "NETWORKS", "Layer", "Network", "chosen", "recorded_layers", "trained_on"]

IMAGES = 256
"""Test images whose activations are recorded, spread evenly over all of the data set (its first ones resemble each
other more than others do)."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What one layer multiplies: y = x w + bias, each sum in the order of k, beginning with the bias.

    Parameters
    ----------
    name : str
        The module that computes it, as in ``named_modules()``.
    x : numpy.ndarray
        float32, (rows, K): activations of all images, image after image.
    w : numpy.ndarray
        float32, (K, N): weights.
    bias : numpy.ndarray
        float32, (N,).
    images : int
        Images in ``x``.
    """

    name: str
    x: np.ndarray = field(repr=False)
    w: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    images: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image: each of its rows meets every weight once."""
        return len(self.x) // self.images * self.w.size


@dataclass(frozen=True)
class Network:
    """A network whose inferences are measured.

    Parameters
    ----------
    model : str
        Its architecture, a name in ``golden.cnn.models.MODELS``.
    data : callable
        Returns the name of the data set that it classifies.
    """

    model: str
    data: Callable[[], str]

    def trained(self) -> TrainedNetwork:
        """Return the network with the parameters that come with the package.

        Raises
        ------
        MissingTool
            If torch is not installed.
        """
        try:
            from golden.cnn.trained import trained_network
        except ImportError:
            raise MissingTool("an inference needs torch; run `pip install 'axfpm[nn]'`") from None
        return trained_network(self.model, self.data())


def _mnist_or_digits() -> str:
    from golden.cnn.data import mnist_is_at_hand

    return "mnist" if mnist_is_at_hand() else "digits"


NETWORKS = Registry(
    "network",
    {
        "lenet5": Network("lenet5", _mnist_or_digits),
        "lenet5-mnist": Network("lenet5", lambda: "mnist"),
        "lenet5-digits": Network("lenet5", lambda: "digits"),
        "alexnet": Network("alexnet", lambda: "cifar10"),
        "vgg11": Network("vgg11", lambda: "cifar10"),
    },
    more="or name a checkpoint",
)
"""Networks by name; ``lenet5`` is on MNIST where that is at hand, else on digits."""


def trained_on(network: str) -> TrainedNetwork:
    """Return a network by its name in ``NETWORKS``, or the checkpoint of a name in the package, or of a file.

    Raises
    ------
    InvalidInput
        If it is neither, or the checkpoint cannot be used or does not say which network it is and on which images.
    MissingTool
        If torch is not installed.
    """
    if network in NETWORKS or not _is_checkpoint(network):
        return NETWORKS.look_up(network).trained()
    from golden.cnn import checkpoint
    from golden.cnn.trained import trained_network

    if checkpoint.read(checkpoint.path_of(network)).checkpoint is None:
        raise InvalidInput(
            f"{network} does not say which network it is and on which images; take a checkpoint by `axfpm train`"
        )
    return trained_network(checkpoint=network)


def _is_checkpoint(network: str) -> bool:
    """Whether it can only be a checkpoint: no name in ``NETWORKS``, which is found without torch."""
    try:
        from golden.cnn.checkpoint import available
    except ImportError:
        return False
    return network in available() or Path(network).suffix == ".safetensors" or Path(network).is_file()


def chosen(total: int) -> np.ndarray:
    """Return which of so many test images are recorded: ``IMAGES``, or all where there are fewer, int64, rising."""
    count = min(IMAGES, total)
    return np.arange(count) * total // count


def recorded_layers(trained: TrainedNetwork, multiplier: Multiplier | Assignment) -> tuple[Layer, ...]:
    """Run a network on a multiplier, and return what each layer multiplied, in the order of execution.

    Parameters
    ----------
    trained : TrainedNetwork
        The network, and the data set of which test images are classified.
    multiplier : Multiplier or Assignment
        What it runs on, every sum in the order of the hardware: operands are bit for bit those of a device.

    Raises
    ------
    InvalidInput
        If the data set is not there, the network has a product that no layer with a weight makes, or groups, or an
        assignment is not one of its layers.
    """
    import torch

    from golden.cnn.data import load
    from golden.pytorch.observing import multiplied

    images = load(trained.data)[0]
    images = images[chosen(len(images))]
    products = multiplied(trained.module, torch.from_numpy(images), multiplier)
    return tuple(Layer(each.name, *_lowered(each), _bias(trained, each), len(images)) for each in products)


def _lowered(product: Product) -> tuple[np.ndarray, np.ndarray]:
    """The operands of a product as matrices (rows, K) and (K, N)."""
    from torch import nn

    from golden.pytorch.contractions import Convolution

    x, w, o = product.x, product.w, product.operation
    if isinstance(o, Convolution):
        if o.groups != 1:
            raise InvalidInput(f"the layer {product.name!r} has groups, and is no one product of matrices; take others")
        patches = nn.functional.unfold(x, w.shape[2:], o.dilation, o.padding, o.stride)
        x, w = patches.transpose(1, 2).reshape(-1, patches.shape[1]), w.flatten(1).T
    return np.ascontiguousarray(x.numpy()), np.ascontiguousarray(w.numpy())


def _bias(trained: TrainedNetwork, product: Product) -> np.ndarray:
    """What a layer's sums begin with, (N,): its bias, or +0."""
    import torch

    module = trained.module.get_submodule(product.name)
    weight, bias = (getattr(module, name, None) for name in ("weight", "bias"))
    if not isinstance(weight, torch.Tensor):
        raise InvalidInput(f"the layer {product.name!r} has no weight of its own; take a network of layers")
    return np.zeros(len(weight), np.float32) if bias is None else bias.detach().numpy().copy()
