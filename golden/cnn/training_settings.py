"""What determines a training run beside data, model and seed: defaults for each data set, and the same in words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import torch

from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, check_number
from golden.cnn.adversarial import SPREAD, STRIDE
from golden.cnn.augmentation import MARGIN
from golden.errors import InvalidInput
from golden.pytorch.rules import GRADIENTS
from golden.pytorch.split import two_product_form
from golden.registry import check_choice
from golden.sources import multiplier_key

__all__ = ["ADVERSARIAL", "DEFAULTS", "FINE_TUNING", "OPTIMISERS", "Settings", "settings_for"]


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
    multiplier : Multiplier, optional
        What every product of a forward pass is computed on, bit for bit, those that make adversarial images included;
        exact torch without one.
    gradient : str
        What a product's derivative is taken to be (``golden.pytorch.gradients``); empty without a multiplier.
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
    multiplier: Multiplier | None = None
    gradient: str = ""

    def in_words(self) -> dict[str, str]:
        """As a checkpoint tells them; how images were perturbed, and what computed products, only where that was."""
        name = {"adam": "Adam", "sgd": "SGD, Nesterov momentum 0.9"}[self.optimiser]
        told = {"optimiser": f"{name}, one cycle", "batch": str(self.batch), "peak": str(self.learning_rate)}
        if self.weight_decay:
            told["weight decay"] = str(self.weight_decay)
        if self.label_smoothing:
            told["label smoothing"] = str(self.label_smoothing)
        if self.augmented:
            told["augmentation"] = f"moved by up to {MARGIN} pixels, mirrored"
        if self.storage != "float32":
            told["storage"] = self.storage
        if self.epsilon:
            told |= {"adversarial": "PGD, Linf, random start", "epsilon": str(self.epsilon)}
            told |= {"steps": str(self.steps), "step": f"{STRIDE} * epsilon / steps", "warm-up": str(self.warm_up)}
        if self.multiplier is not None:
            told |= {"multiplier": str(self.multiplier), "gradient": self.gradient}
            told |= {"spread of the adversary's logits": str(SPREAD)} if self.epsilon else {}
        return told

    def to_key(self) -> dict[str, Any]:
        """As plain types that differ where a run may; a function from outside is told by its multiplier's name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        m = self.multiplier
        identity = "" if m is None else multiplier_key(m) or ""
        digest = hashlib.sha256(identity.encode()).hexdigest()
        return found | {"multiplier": "" if m is None else str(m), "multiplier's digest": digest}


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
    "cifar10": replace(DEFAULTS["cifar10"], steps=7, label_smoothing=0.0),
}
"""The same for adversarial training; the budget is given."""

FINE_TUNING: dict[str, Settings] = {
    "digits": Settings(epochs=1, batch=32, learning_rate=0.0003),
    "mnist": Settings(epochs=1, batch=128, learning_rate=0.0003),
    "cifar10": Settings(epochs=1, batch=128, learning_rate=0.001, augmented=True, storage="float16"),
}
"""The same for networks that are trained already, in the form in which they are deployed: a small step's optimiser,
whose steps do not grow with gradients, as those of a multiplier that inflates products do."""

OTHERS = Settings(epochs=20), Settings(epochs=30, steps=7), Settings(epochs=1, learning_rate=0.0003)
"""The three for data sets from outside."""

MOST_EPOCHS = 100_000


def settings_for(
    data: str,
    *,
    epochs: int | None = None,
    adversarial: float | None = None,
    multiplier: str | Multiplier | None = None,
    gradient: str | None = None,
    learning_rate: float | None = None,
    trained: bool = False,
) -> Settings:
    """Settings of a training run: those of the data set, but for what is given.

    Parameters
    ----------
    data : str
        A name in ``golden.cnn.data.DATASETS``.
    epochs, adversarial, multiplier, gradient, learning_rate
        As for ``golden.cnn.training.train``; None where nothing is asked for.
    trained : bool
        Whether the network is trained already.

    Raises
    ------
    InvalidInput
        If a number is out of range, a name is unknown, a gradient is given without a multiplier, or the multiplier has
        none such.
    """
    if epochs is not None:
        check_count("epochs", epochs, 1, MOST_EPOCHS, "days of training")
    if adversarial is not None and not 0 < adversarial <= 1:
        raise InvalidInput(f"adversarial={adversarial} is no budget of pixels in [0, 1]; give above 0 and at most 1")
    plain, perturbed, tuning = (
        table.get(data, other) for table, other in zip((DEFAULTS, ADVERSARIAL, FINE_TUNING), OTHERS, strict=True)
    )
    settings = tuning if trained else plain if adversarial is None else perturbed
    if epochs is not None:
        settings = replace(settings, epochs=epochs)
    if adversarial is not None:
        warm_up = -(-settings.epochs // 3)
        settings = replace(settings, epsilon=adversarial, steps=perturbed.steps, warm_up=warm_up)
    if learning_rate is not None:
        settings = replace(settings, learning_rate=check_number("learning_rate", learning_rate, above=0))
    return _on_multiplier(settings, multiplier, gradient)


def _on_multiplier(settings: Settings, multiplier: str | Multiplier | None, gradient: str | None) -> Settings:
    if gradient is not None:
        check_choice("unknown gradient", gradient, GRADIENTS)
    if multiplier is None:
        if gradient is not None:
            raise InvalidInput(
                f"gradient={gradient!r} is for products on a multiplier, and there is none; name one, or leave it out"
            )
        return settings
    m = look_up(multiplier)
    if gradient == "masked":
        two_product_form(m)  # refuses a multiplier without one, before the data is read
    return replace(settings, multiplier=m, gradient=gradient or "scaled")
