"""How sure a model is of its answers, and whether it has reason to be."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golden.checks import check_count
from golden.errors import InvalidInput

__all__ = ["BINS", "Bin", "Confidence", "confidence"]

BINS = 15
"""Of the reliability diagram and of ECE, equally wide, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram.

    Members
    -------
    low, high : float
        The largest probability of an image is above ``low`` and at most ``high``.
    n : int
        Images in it.
    probability, accuracy : float or None
        Mean of their largest probabilities, share of them that is classified correctly; None where there are none.
    """

    low: float
    high: float
    n: int
    probability: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Confidence:
    """Confidence and calibration of a model, from p = softmax(logits / temperature) of each image and its class y.

    Members
    -------
    n : int
        Images.
    temperature : float
        What the logits were divided by.
    accuracy : float
        Share of images whose largest probability is that of y.
    top : float
        Mean of the largest probability.
    margin : float
        Mean of p_y less the largest probability of another class, negative where the model is wrong.
    nll : float
        Negative log-likelihood: mean of -log p_y, natural.
    ece : float
        Expected calibration error: the mean over images of abs(accuracy - mean largest probability) of their bin.
        C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    brier : float
        Mean of the sum over classes of (p_k - [k = y])^2, from 0 to 2. G. W. Brier, "Verification of Forecasts
        Expressed in Terms of Probability", Monthly Weather Review 78, 1950.
    bins : tuple of Bin
        The reliability diagram.
    """

    n: int
    temperature: float
    accuracy: float
    top: float
    margin: float
    nll: float
    ece: float
    brier: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the members by name, each bin a dictionary."""
        return {**asdict(self), "bins": [asdict(bin_) for bin_ in self.bins]}


def confidence(
    logits: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0, bins: int = BINS
) -> Confidence | None:
    """Confidence and calibration of a model on images with known classes.

    Parameters
    ----------
    logits : ndarray of float32, (N, classes)
        At least one image and two classes; computed with as float64.
    labels : ndarray of int64, (N,)
        True classes.
    temperature : float
        Divides the logits; with the one that ``golden.pytorch.temperature`` fits, a model on a multiplier stands beside
        the exact one as if its logits had not grown.
    bins : int
        Of the reliability diagram.

    Returns
    -------
    Confidence or None
        None where a logit, divided, is not finite: there are no probabilities then.

    Raises
    ------
    InvalidInput
        If the shapes do not fit, a label is no class, or the temperature or number of bins cannot be used.
    """
    from scipy.special import log_softmax

    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(logits) or logits.shape[1] < 2:
        raise InvalidInput(
            f"logits of shape {logits.shape} and labels of shape {labels.shape} do not fit; give (N, classes) and (N,)"
        )
    n, classes = logits.shape
    if not ((labels >= 0) & (labels < classes)).all():
        raise InvalidInput(f"labels are classes from 0 to {classes - 1}; one of these is not")
    if not 0 < temperature < math.inf:
        raise InvalidInput(f"temperature={temperature:g} is no temperature; give a positive number")
    check_count("bins", bins)
    with np.errstate(over="ignore"):
        scaled = logits.astype(np.float64) / temperature
    if not np.isfinite(scaled).all():
        return None
    log_p = np.asarray(log_softmax(scaled, axis=1))
    p, images = np.exp(log_p), np.arange(n)
    own = p[images, labels]
    truth = np.zeros_like(p)
    truth[images, labels] = 1
    top, correct = p.max(1), logits.argmax(1) == labels
    diagram = _diagram(top, correct, bins)
    gaps = [
        b.n * abs(b.accuracy - b.probability) for b in diagram if b.accuracy is not None and b.probability is not None
    ]
    return Confidence(
        n,
        float(temperature),
        float(correct.mean()),
        float(top.mean()),
        float((own - (p * (1 - truth)).max(1)).mean()),
        float(-log_p[images, labels].mean()),
        sum(gaps) / n,
        float(((p - truth) ** 2).sum(1).mean()),
        diagram,
    )


def _diagram(top: np.ndarray, correct: np.ndarray, bins: int) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, bins + 1)
    # A probability of exactly 1, or one that rounding took above it, belongs to the last bin.
    index = np.clip(np.digitize(top, edges, right=True) - 1, 0, bins - 1)
    result = []
    for k in range(bins):
        within = index == k
        count = int(within.sum())
        result.append(
            Bin(
                float(edges[k]),
                float(edges[k + 1]),
                count,
                float(top[within].mean()) if count else None,
                float(correct[within].mean()) if count else None,
            )
        )
    return tuple(result)
