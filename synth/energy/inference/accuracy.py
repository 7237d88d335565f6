"""Clean accuracy of a network on a multiplier, as it is and with calibrated biases: what the energy buys."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from golden.assignments import Assignment
from golden.cache import Cache
from golden.catalogue import Multiplier
from golden.designs import MITCHELL, Function
from golden.errors import MissingTool
from synth.energy.kept import sources

if TYPE_CHECKING:
    from torch import nn

    from golden.cnn.trained import TrainedNetwork

__all__ = ["FIT", "Accuracy", "Share", "clean_accuracy", "share"]

FIT = 200
"""Training images that biases are calibrated on, without their labels."""


@dataclass(frozen=True)
class Share:
    """k of n, and the 95% interval of Wilson (JASA 22, 1927)."""

    k: int
    n: int
    interval: tuple[float, float]

    @property
    def rate(self) -> float:
        """k / n."""
        return self.k / self.n

    def __str__(self) -> str:
        low, high = self.interval
        return f"{100 * self.rate:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def share(k: int, n: int) -> Share:
    """Return k of n with its interval.

    Raises
    ------
    MissingTool
        If scipy is not installed.
    """
    try:
        from scipy.stats import binomtest
    except ImportError:
        raise MissingTool("intervals need scipy; run `pip install scipy`") from None
    interval = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return Share(k, n, (float(interval.low), float(interval.high)))


@dataclass(frozen=True)
class Accuracy:
    """Test images that a network classifies correctly on a multiplier.

    Parameters
    ----------
    raw : Share
        With its parameters as they were trained.
    calibrated : Share
        With biases times their layers' cumulative gains (``golden.pytorch.calibration``), fitted on ``FIT`` training
        images.
    """

    raw: Share
    calibrated: Share

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types, rates included."""
        found = {"raw": self.raw, "calibrated": self.calibrated}
        return {
            name: {**asdict(each), "rate": each.rate, "interval": list(each.interval)} for name, each in found.items()
        }


def clean_accuracy(trained: TrainedNetwork, multiplier: Multiplier | Assignment) -> Accuracy:
    """Classify all test images on a multiplier or an assignment, with both kinds of biases; counts are kept.

    Raises
    ------
    InvalidInput
        If the data set is not there, or the network cannot be calibrated on the multiplier.
    """
    key = _key(trained, multiplier)
    kept = Cache("accuracy")
    known = None if key is None else kept.get_json(key, lambda plain: [int(plain[name]) for name in ("k", "c", "n")])
    if known is None:
        known = _counted(trained, multiplier)
        if key is not None:
            kept.put_json(key, dict(zip(("k", "c", "n"), known, strict=True)))
    raw, calibrated, n = known
    return Accuracy(share(raw, n), share(calibrated, n))


def _key(trained: TrainedNetwork, multiplier: Multiplier | Assignment) -> str | None:
    """A name for the counts; None where a function from outside has a say, which no digest covers."""
    used = multiplier.multipliers if isinstance(multiplier, Assignment) else (multiplier,)
    if any(isinstance(m.design, Function) and m.design != MITCHELL for m in used):
        return None
    import torch

    arithmetic = sources()[0]  # networks and checkpoints included; what hardware and operands are has no say
    question = [trained.model, trained.data, trained.checkpoint, repr(multiplier), FIT, torch.__version__, arithmetic]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()[:32]


def _counted(trained: TrainedNetwork, multiplier: Multiplier | Assignment) -> list[int]:
    import torch

    from golden.cnn.data import DATASETS, load, sample
    from golden.cnn.training import count_correct
    from golden.pytorch import ApproximateModule, calibrate
    from golden.pytorch.assigned import assigned

    common = DATASETS[trained.data].common
    images, labels = (each[:common] for each in load(trained.data, "train"))
    images = torch.from_numpy(sample(images, labels, FIT)[0])

    def on_multiplier(model: nn.Module) -> ApproximateModule:
        if isinstance(multiplier, Assignment):
            return assigned(model, multiplier, images)
        return ApproximateModule(model, multiplier)

    on_it = on_multiplier(trained.module)
    fitted = calibrate(on_it, on_it.context.settings.rule.multiplier, images)
    test, truth = load(trained.data)
    found = [count_correct(each, test, truth) for each in (on_it, on_multiplier(fitted))]
    return [*found, len(test)]
