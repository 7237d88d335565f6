"""Operands to measure energy on: drawn, or recorded from a network in the order in which a processing element has them.

Energy is spent when bits change, so the order of operands counts as much as their values. In a weight-stationary array
a processing element keeps its weight while activations pass; ReLU's zeros, and those of padding, pass too.

Recorded streams are made of windows: one weight, and ``HELD`` successive activations that meet it. Each window is drawn
uniformly from all of the network's, so that layers count by their products. An engine with default buffers holds a
weight longer, up to ``hdl.limits.ACCUMULATORS`` cycles: the change of weight is counted somewhat too often here.

An adder has the running sum beside the product: what row k of the array gets from above, the bias and the products of
the k rows before it, added in their order. It is a sum of the multiplier in question, so that every multiplier has sums
of its own; activations and weights are those of the exact network for all. Drawn operands meet the sum of 0 to
``MOST_TERMS`` products drawn likewise.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from golden.add import add_words
from golden.catalogue import Multiplier
from golden.checks import check_count, check_seed
from golden.errors import MissingTool
from golden.formats import FP32
from golden.multiply import multiply_words
from golden.registry import Registry
from golden.sums import matmul

__all__ = ["HELD", "MOST_TERMS", "STIMULI", "Drawn", "Operands", "Stimulus", "Sums", "draw"]

HELD = 64
"""Cycles that a weight is held, and the number of images whose activations pass through a linear layer meanwhile."""

MOST_TERMS = 31
"""Drawn operands meet the sum of so many products at the most, as in an array of one row more."""

Sums = Callable[[Multiplier], np.ndarray]
"""``sums(multiplier)``: what each product of a stream is added to, uint32, (n,)."""
Drawn = tuple[np.ndarray, np.ndarray, Sums]


@dataclass(frozen=True)
class Operands:
    """A stream of operand pairs, and of the sums that their products are added to.

    Parameters
    ----------
    a, b : numpy.ndarray
        uint32, (n,): float32 words of the activation and the weight.
    description : str
        Where they come from, in words.
    sums : callable
        ``sums(multiplier)``: float32 words, uint32, (n,).
    """

    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)
    description: str
    sums: Sums = field(repr=False, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the operands' words in their order."""
        return hashlib.sha256(b"".join(words.astype("<u4").tobytes() for words in (self.a, self.b))).hexdigest()


@dataclass(frozen=True)
class Stimulus:
    """A kind of operands.

    Parameters
    ----------
    draw : callable
        ``draw(n, generator) -> (a, b, sums)``: float32 arrays of length ``n``, and a callable as in ``Operands``.
    describe : callable
        Says in words what they are.
    """

    draw: Callable[[int, np.random.RandomState], Drawn]
    describe: Callable[[], str]


def draw(stimulus: str, n: int, *, seed: int = 0, batch: int = 0) -> Operands:
    """Draw a stream of operands, the same on every machine.

    Parameters
    ----------
    stimulus : str
        A name in ``STIMULI``.
    n : int
        Number of pairs.
    seed, batch : int
        Which ones; batches of a seed are independent draws.

    Raises
    ------
    InvalidInput
        If the stimulus is unknown, or a number out of range.
    MissingTool
        If it is recorded from a network and torch is not installed.
    """
    kind = STIMULI.look_up(stimulus)
    seed, batch = check_seed(seed), check_count("batch", batch, 0, (1 << 32) - 1)
    # RandomState's streams are frozen by NumPy's compatibility policy, Generator's are not.
    generator = np.random.RandomState([seed & 0xFFFFFFFF, seed >> 32, batch])
    a, b, sums = kind.draw(check_count("n", n), generator)
    return Operands(a.view(np.uint32), b.view(np.uint32), kind.describe(), sums)


def _with_sums(pairs: Callable[[int, np.random.RandomState], tuple[np.ndarray, np.ndarray]]) -> Callable[..., Drawn]:
    """Draw pairs, and the earlier ones whose products are summed: after them, so that pairs are as they were."""

    def drawn(n: int, generator: np.random.RandomState) -> Drawn:
        a, b = pairs(n, generator)
        count = generator.randint(0, MOST_TERMS + 1, n)
        state = generator.get_state()

        def sums(m: Multiplier) -> np.ndarray:
            again = np.random.RandomState()
            again.set_state(state)
            total = np.zeros(n, np.uint32)
            for k in range(MOST_TERMS):
                x, y = (each.view(np.uint32) for each in pairs(n, again))
                total = np.where(k < count, add_words(total, multiply_words(x, y, m), FP32), total)
            return total

        return a, b, sums

    return drawn


def _uniform(n: int, generator: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    fractions = generator.randint(0, 1 << 23, (2, n), dtype=np.uint32)
    values = generator.standard_normal((2, n)).astype(np.float32)
    values[0] = np.abs(values[0])
    words = (values.view(np.uint32) & np.uint32(0xFF800000)) | fractions
    return words[0].view(np.float32), words[1].view(np.float32)


def _relu(n: int, generator: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    values = generator.standard_normal((2, n)).astype(np.float32)
    return np.maximum(values[0], np.float32(0)), values[1]


def _recorded(n: int, generator: np.random.RandomState, data: str) -> Drawn:
    layers = _layers(data)
    windows = [(len(x) // HELD) * w.size for x, w, _ in layers]
    bounds = np.cumsum([0, *windows])
    # Systematic: equal steps through all windows, layer after layer, from a random start. So layers have their shares
    # even in a short stream; which of a layer's windows it is, is drawn.
    count = -(-n // HELD)
    places = (np.arange(count) + generator.random_sample()) * (bounds[-1] / count)
    a, b = np.empty((2, count, HELD), np.float32)
    earlier = []
    for index, layer in enumerate(np.searchsorted(bounds, places, side="right") - 1):
        x, w, bias = layers[layer]
        k, column = generator.randint(w.shape[0]), generator.randint(w.shape[1])
        first = HELD * generator.randint(len(x) // HELD)
        a[index], b[index] = x[first : first + HELD, k], w[k, column]
        earlier.append((x[first : first + HELD, :k], w[:k, column, None], bias[column, None]))

    def sums(m: Multiplier) -> np.ndarray:
        return np.concatenate([matmul(x, w, m, bias)[:, 0] for x, w, bias in earlier])[:n].view(np.uint32)

    return a.reshape(-1)[:n], b.reshape(-1)[:n], sums


@functools.lru_cache(maxsize=2)
def _layers(data: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each layer of LeNet-5 on ``HELD`` test images as a product of matrices: patches or features, weights, and biases.

    Convolutions are lowered as for the simulated engine: a row for each output pixel of each image, in order.
    """
    try:
        import torch
        from torch import nn
    except ImportError:
        raise MissingTool(
            "operands of LeNet-5 need torch; run `pip install 'axfpm[nn]'`, or take uniform ones"
        ) from None

    from golden.cnn.data import load
    from golden.cnn.trained import trained_network
    from golden.pytorch.contractions import Convolution
    from golden.pytorch.observing import multiplied

    network = trained_network("lenet5", data)
    found = []
    for product in multiplied(network.module, torch.from_numpy(load(data)[0][:HELD])):
        x, w = product.x, product.w
        if isinstance(product.operation, Convolution):
            o = product.operation
            patches = nn.functional.unfold(x, w.shape[2:], o.dilation, o.padding, o.stride)
            x, w = patches.transpose(1, 2).reshape(-1, patches.shape[1]), w.flatten(1).T
        bias = network.module.get_parameter(f"{product.name}.bias").detach()
        found.append(tuple(np.ascontiguousarray(each.numpy()) for each in (x, w, bias)))
    return found


def _mnist_or_digits() -> str:
    """MNIST where it is at hand; the digits that come with a package where it is not."""
    from golden.cnn.data import mnist_is_at_hand

    return "mnist" if mnist_is_at_hand() else "digits"


def _network(data: Callable[[], str]) -> Stimulus:
    return Stimulus(
        lambda n, generator: _recorded(n, generator, data()),
        lambda: (
            f"operands of LeNet-5 (lenet5-{data()}) classifying {HELD} test images of {data()}, each weight held "
            f"{HELD} cycles, zeros kept, layers by their products"
        ),
    )


STIMULI = Registry(
    "stimulus",
    {
        "uniform": Stimulus(
            _with_sums(_uniform),
            lambda: (
                "uniform significands, exponents and signs of a normal weight and of a normal activation's magnitude, "
                "both new in every cycle"
            ),
        ),
        "relu": Stimulus(_with_sums(_relu), lambda: "max(0, normal) times normal, both new in every cycle"),
        "lenet5": _network(_mnist_or_digits),
        "lenet5-mnist": _network(lambda: "mnist"),
        "lenet5-digits": _network(lambda: "digits"),
    },
)
"""Operands by name; ``lenet5`` is on MNIST where that is at hand, else on digits."""
