"""From logits to rows: what is right, what was adversarial, what transferred, and how far examples are.

Definitions. *Transfer rate*: of the examples that both source and target classify correctly clean and that are
adversarial on the source (checked again after storage as float32), the share that the target misclassifies. *Source
success*: of the examples that the source classifies correctly clean, the share that is adversarial on it. *Robust
accuracy*: the share of all samples classified correctly under attack, clean errors counted as failures. *Median
distance*: the norm of the perturbations that fool the target, over the images that it classifies correctly clean,
infinite where it is not fooled.
"""

from __future__ import annotations

import numpy as np

from golden.robustness.statistics import Proportion

__all__ = [
    "NORMS",
    "confidence",
    "deciles",
    "distances",
    "median_distance",
    "predicted",
    "right",
    "share",
    "under_attack",
]

NORMS = ("linf", "l2", "l1", "l0")


def predicted(logits: np.ndarray) -> np.ndarray:
    """Classes (N,); -1, which is no class, where a logit is NaN."""
    return np.where(np.isnan(logits).any(1), -1, logits.argmax(1))


def right(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether each of the images is classified correctly, bool (N,)."""
    return predicted(logits) == labels


def share(condition: np.ndarray, among: np.ndarray | None = None) -> Proportion:
    """How many of a set meet a condition; of all where no set is given."""
    if among is None:
        return Proportion(int(condition.sum()), len(condition))
    return Proportion(int((condition & among).sum()), int(among.sum()))


def confidence(logits: np.ndarray) -> float | None:
    """Mean of the largest softmax output; None where a logit is not finite."""
    if not np.isfinite(logits).all():
        return None
    exponentials = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return float((exponentials.max(1) / exponentials.sum(1)).mean())


def under_attack(
    source: tuple[np.ndarray, np.ndarray], target: tuple[np.ndarray, np.ndarray]
) -> tuple[Proportion, Proportion, Proportion]:
    """Source success, transfer rate and robust accuracy of the target.

    Parameters
    ----------
    source, target : (ndarray, ndarray) of bool, (N,)
        Whether the clean images and the perturbed ones are classified correctly.
    """
    source_clean, source_attacked = source
    target_clean, target_attacked = target
    return (
        share(~source_attacked, source_clean),
        share(~target_attacked, source_clean & target_clean & ~source_attacked),
        share(target_clean & target_attacked),
    )


def distances(images: np.ndarray, others: np.ndarray, norm: str) -> np.ndarray:
    """Norms of the differences, float64 (N,); ``l0`` counts pixels, whatever their channels."""
    difference = others.astype(np.float64) - images
    if norm == "l0":
        return np.count_nonzero(np.abs(difference).max(1), axis=(1, 2)).astype(np.float64)
    flat = np.abs(difference.reshape(len(images), -1))
    if norm == "linf":
        return flat.max(1)
    return np.sqrt((flat**2).sum(1)) if norm == "l2" else flat.sum(1)


def median_distance(distance: np.ndarray, clean: np.ndarray, attacked: np.ndarray) -> float | None:
    """Median distance; None where it is infinite, or no image is classified correctly clean."""
    reached = np.where(attacked, np.inf, distance)[clean]
    median = float(np.median(reached)) if len(reached) else np.inf
    return median if np.isfinite(median) else None


def deciles(distance: np.ndarray, clean: np.ndarray, attacked: np.ndarray) -> dict[str, float | None]:
    """Norms within which 10, 20, .. 90 percent of the images classified correctly clean are fooled; None if never."""
    reached = np.sort(np.where(attacked, np.inf, distance)[clean])
    found = {}
    for percent in range(10, 100, 10):
        k = -(-len(reached) * percent // 100) - 1
        found[str(percent)] = float(reached[k]) if len(reached) and np.isfinite(reached[k]) else None
    return found
