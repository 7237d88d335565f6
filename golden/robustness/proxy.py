"""Substitutes: exact networks trained on what a device answers, by an attacker who knows nothing else.

N. Papernot et al., "Practical Black-Box Attacks against Machine Learning", ASIA CCS 2017: the attacker's own images are
shown to the device, a network of his own choice is trained on the answers, and attacked in the device's place. With
augmentation, each round adds to every image x one step along the sign of the substitute's gradient of the answered
class's logit, asks the device about the new images, and trains again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from golden.checks import check_count, check_seed
from golden.cnn import models
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.robustness.attacks.queries import seeded

__all__ = ["ANSWERS", "check_settings", "substitute"]

ANSWERS = ("labels", "probabilities")
BATCH = 64
STEP = 0.1
"""Of the augmentation, in pixel values of [0, 1]: the paper's."""


def substitute(
    device: nn.Module,
    architecture: str,
    images: Tensor,
    *,
    answers: str = "labels",
    augmentations: int = 0,
    epochs: int = 20,
    learning_rate: float = 0.003,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[nn.Module, int]:
    """Train a substitute on a device's answers.

    Parameters
    ----------
    device : torch.nn.Module
        (N, C, H, W) float32 in [0, 1] -> logits (N, classes); asked for its answers only, without gradients.
    architecture : str
        Name in ``golden.cnn.models.MODELS`` of the substitute.
    images : Tensor of float32, (N, C, H, W)
        The attacker's own, without labels.
    answers : str
        What the device tells: ``labels``, its classes, or ``probabilities``, the softmax of its logits.
    augmentations : int
        Rounds of Jacobian-based augmentation, each of which doubles the images.
    epochs : int
        Passes over the images in each round of training, by Adam with a one-cycle schedule.
    learning_rate : float
        Its peak.
    seed : int
        Of initial parameters and order; the global generators are left as they were.
    progress : callable, optional
        ``progress(done, total, message)`` after each epoch.

    Returns
    -------
    (torch.nn.Module, int)
        The substitute in evaluation mode, and how many images the device was asked about.

    Raises
    ------
    InvalidInput
        If a name is unknown, there are no images, a number is out of range, or the substitute takes other images or
        has other classes than the device.
    """
    check_settings(answers, augmentations, epochs)
    if not len(images):
        raise InvalidInput("no images to ask the device about; give at least one")
    check_seed(seed)
    with seeded(seed), torch.enable_grad():
        spec = models.look_up(architecture)
        module = models.build_trainable(spec)
        asked, told = images, _answers(device, images, answers, module)
        total = epochs * (augmentations + 1)
        for turn in range(augmentations + 1):
            for epoch, loss in enumerate(_train(module, asked, told, epochs, learning_rate), 1):
                if progress is not None:
                    progress(turn * epochs + epoch, total, f"substitute, {len(asked)} queries: loss {loss:.4f}")
            if turn < augmentations:
                more = _augmented(module, asked, told)
                asked, told = torch.cat([asked, more]), torch.cat([told, _answers(device, more, answers, module)])
    return models.deployed(spec, module), len(asked)


def check_settings(answers: str, augmentations: int, epochs: int) -> None:
    """Raise InvalidInput unless a substitute can be trained like that."""
    if answers not in ANSWERS:
        raise InvalidInput(f"a device answers {' or '.join(ANSWERS)}, not {answers!r}; choose one of them")
    check_count("augmentations", augmentations, 0, 10, "as each round doubles the images")
    check_count("epochs", epochs)


def _answers(device: nn.Module, images: Tensor, answers: str, module: nn.Module) -> Tensor:
    with torch.no_grad():
        logits = torch.cat([device(part) for part in images.split(250)])
        try:
            classes = module.eval()(images[:1]).shape[1]
        except RuntimeError:
            raise InvalidInput(
                f"the substitute does not take images of shape {tuple(images.shape[1:])}; choose another architecture"
            ) from None
    if logits.shape[1] != classes:
        raise InvalidInput(
            f"the device has {logits.shape[1]} classes and the substitute {classes}; choose another architecture"
        )
    return logits.argmax(1) if answers == "labels" else logits.softmax(1)


def _train(module: nn.Module, images: Tensor, answers: Tensor, epochs: int, learning_rate: float) -> Iterator[float]:
    """Train, and give the mean loss after each epoch."""
    module.train()
    optimiser = torch.optim.Adam(module.parameters(), lr=learning_rate)
    steps = -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=learning_rate, epochs=epochs, steps_per_epoch=steps
    )
    for _ in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(module(images[chosen]), answers[chosen])
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(chosen)
        yield total / len(images)


def _augmented(module: nn.Module, images: Tensor, answers: Tensor) -> Tensor:
    classes = answers if answers.dim() == 1 else answers.argmax(1)
    module.eval()
    found = []
    for part, told in zip(images.split(250), classes.split(250), strict=True):
        x = part.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(module(x).gather(1, told[:, None]).sum(), x)
        found.append((part + STEP * gradient.sign()).clamp(0, 1))
    return torch.cat(found)
