"""What each layer alone costs in accuracy on each candidate, and which assignments that makes worth a look.

All other layers stay on the most accurate candidate, the reference r. With w(c) the misclassified share on a choice c,
and one layer l on candidate k alone, the sensitivity is

    s[l, k] = w(r, .., k at l, .., r) - w(r, .., r),        s[l, r] = 0.

If layers did not depend on each other, an assignment would misclassify w(r) + sum over layers of s[l, c_l]: a guess,
which says where a search may begin. Later the same sum is fitted to everything that was evaluated (``fitted_losses``):
w(c) ~ w0 + sum over layers of t[l, c_l], t[l, r] = 0, by least squares in which an assignment has the weight

    1 / (w(c) + the mean of all w / 10),

since fronts are made of those that misclassify few, and counts vary as much as they are large; t is held back towards
zero by a hundredth of the mean square, so that candidates that were met once say little.

The front of guesses against energies, both sums over layers, is found layer by layer: what is dominated among the first
l layers stays so whatever follows, since the same is added to both.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from axfpm.layer_search.evaluations import Asked
from axfpm.layer_search.objectives import front
from axfpm.layer_search.space import Choice, Space

__all__ = ["fitted_losses", "guessed_front", "guesses", "losses_alone", "sensitivities", "single_choices"]

HELD_BACK = 1e-2
MOST_GUESSES = 512
"""Points of a front of guesses that are followed, evenly spread."""


def single_choices(space: Space, reference: int) -> list[Choice]:
    """Return the reference everywhere, and then each layer alone on each other candidate."""
    layers, candidates = range(len(space.layers)), range(len(space.candidates))
    alone = [space.alone(layer, k, reference) for layer in layers for k in candidates if k != reference]
    return [space.alone(0, reference, reference), *alone]


def sensitivities(asked: Asked, reference: int) -> np.ndarray | None:
    """Evaluate each layer alone on each candidate, in one pass.

    Returns
    -------
    numpy.ndarray or None
        float64, (layers, candidates): how much larger a share of the images is misclassified; None where the budget
        does not reach.
    """
    wanted = single_choices(asked.space, reference)
    asked.ask(wanted)
    return losses_alone(asked.space, reference, asked.wrong)


def losses_alone(space: Space, reference: int, wrong: Mapping[Choice, float]) -> np.ndarray | None:
    """Return what ``sensitivities`` does, from known misclassified shares; None where one is not known."""
    if not all(choice in wrong for choice in single_choices(space, reference)):
        return None
    everywhere = wrong[space.alone(0, reference, reference)]
    return np.array(
        [
            [wrong[space.alone(layer, k, reference)] - everywhere for k in range(len(space.candidates))]
            for layer in range(len(space.layers))
        ]
    )


def guesses(found: np.ndarray, choice: Choice) -> float:
    """Return by how much an assignment would be worse than the reference if layers did not depend on each other."""
    return float(sum(found[layer, k] for layer, k in enumerate(choice)))


def fitted_losses(space: Space, reference: int, wrong: Mapping[Choice, float]) -> np.ndarray:
    """Fit what each layer loses on each candidate to all that is known.

    Returns
    -------
    numpy.ndarray
        float64, (layers, candidates): for ``guesses``, 0 on the reference.
    """
    choices, found = np.array(list(wrong)), np.array(list(wrong.values()))
    columns = [(layer, k) for layer in range(len(space.layers)) for k in range(len(space.candidates)) if k != reference]
    features = np.stack([np.ones(len(found)), *(choices[:, layer] == k for layer, k in columns)], 1)
    weights = 1 / (found + found.mean() / 10) if found.any() else np.ones(len(found))
    square = features.T @ (features * weights[:, None])
    back = HELD_BACK * np.trace(square) / len(square) * np.eye(len(square))
    back[0, 0] = 0
    fitted = np.linalg.lstsq(square + back, features.T @ (found * weights), rcond=None)[0]
    losses = np.zeros((len(space.layers), len(space.candidates)))
    for (layer, k), loss in zip(columns, fitted[1:], strict=True):
        losses[layer, k] = loss
    return losses


def guessed_front(space: Space, found: np.ndarray) -> list[Choice]:
    """Return the assignments that no other dominates by energy and guessed accuracy, in the order of energy.

    Parameters
    ----------
    space : Space
        The assignments.
    found : numpy.ndarray
        What ``sensitivities`` returned. Gains count as none: they are luck with these images more often than not.
    """
    losses = np.maximum(found, 0)
    choices: list[Choice] = [()]
    sums = np.zeros((1, 2))
    for energy, loss in zip(space.energy, losses, strict=True):
        choices = [(*choice, k) for choice in choices for k in range(len(space.candidates))]
        sums = (sums[:, None] + np.stack([energy, loss], 1)[None]).reshape(-1, 2)
        kept = front(sums)
        if len(kept) > MOST_GUESSES:
            kept = kept[np.linspace(0, len(kept) - 1, MOST_GUESSES).round().astype(int)]
        choices, sums = [choices[i] for i in kept], sums[kept]
    return choices
