"""Whole evaluations by name: data, checkpoint, multipliers, attacks and sample size that go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.catalogue import Multiplier
from golden.cnn import checkpoint as checkpoints, data as datasets, models
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.registry import unknown
from golden.robustness.evaluation import evaluate
from golden.robustness.results import Results

__all__ = ["PRESETS", "Preset", "run"]


@dataclass(frozen=True)
class Preset:
    """An evaluation.

    Parameters
    ----------
    name : str
        The name on the command line.
    data, model : str
        Data set and architecture; the checkpoint that comes with the package is ``MODEL-DATA``.
    samples : int
        Test images.
    attacks, multipliers, threat_models : tuple of str
        As ``evaluate`` takes them.
    control : str
        One multiplier more, for comparison.
    """

    name: str
    data: str
    model: str
    samples: int
    attacks: tuple[str, ...]
    multipliers: tuple[str, ...]
    control: str = "e8m2"
    threat_models: tuple[str, ...] = ("transfer",)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "quick",
            "digits",
            "lenet5",
            150,
            ("fgsm:eps=0.05", "fgsm:eps=0.1", "pgd:eps=0.05", "pgd:eps=0.1"),
            ("ax-fpm",),
        ),
        Preset(
            "standard",
            "mnist",
            "lenet5",
            500,
            ("fgsm:eps=0.1", "fgsm:eps=0.2", "fgsm:eps=0.3", "pgd:eps=0.1", "pgd:eps=0.2", "pgd:eps=0.3"),
            ("ax-fpm", "ax-fpm-widen", "ax-bf16"),
        ),
    )
}
"""Presets by name: ``quick`` is the one of the report, offline and in a minute; ``standard`` needs MNIST."""


def run(
    preset: str | None = None,
    *,
    data: str | None = None,
    model: str | None = None,
    checkpoint: str | Path | None = None,
    multipliers: Sequence[str | Multiplier] | None = None,
    attacks: str | Sequence[str] | None = None,
    threat_models: str | Sequence[str] | None = None,
    samples: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Run a preset, with whatever is given in place of its own values.

    Empty ``multipliers`` mean the preset's, empty ``attacks`` clean images only. Without a preset the one for ``data``
    (or for the checkpoint's data) is taken, else ``quick``. The samples are drawn from the test images by ``seed``.

    Raises
    ------
    InvalidInput
        If a name is unknown, there is no checkpoint for model and data, they contradict the checkpoint given, or the
        samples are not between 1 and the number of test images; and as ``evaluate``.
    """
    if preset is not None and preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    if data is not None and data not in datasets.DATASETS:
        raise unknown("data set", data, datasets.DATASETS)
    if model is not None and model not in models.MODELS:
        raise unknown("model", model, models.MODELS)
    if checkpoint is not None:
        provenance = checkpoints.load(checkpoint)[1]
        if model not in (None, provenance.model):
            raise InvalidInput(f"{checkpoint} holds a {provenance.model!r}, not a {model!r}; leave out one of the two")
        data = data or (PRESETS[preset].data if preset else provenance.data)
    chosen = PRESETS[preset or next((p.name for p in PRESETS.values() if p.data == data), "quick")]
    data, model = data or chosen.data, model or chosen.model
    if checkpoint is None:
        checkpoint = f"{model}-{data}"
        if checkpoint not in checkpoints.available():
            raise InvalidInput(
                f"no checkpoint for {model!r} on {data!r} comes with the package; train one with `axfpm train --data "
                f"{data} --model {model} -o FILE` and give it with --checkpoint FILE"
            )
    images, labels = datasets.load(data, "test")
    images, labels = datasets.sample(images, labels, chosen.samples if samples is None else samples, seed)
    return evaluate(
        checkpoint,
        images,
        labels,
        multiplier=multipliers or chosen.multipliers,
        attacks=chosen.attacks if attacks is None else attacks,
        threat_models=threat_models or chosen.threat_models,
        control=chosen.control,
        seed=seed,
        jobs=jobs,
        data=f"{data} test",
        cache=cache,
        progress=progress,
    )
