"""What an attack ascends: margin and cross-entropy, at temperatures that fit the network's own logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn import functional

from golden.robustness.attacks.best import margins

__all__ = ["Loss", "logit_scale", "losses"]

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (N, classes), labels (N,)) -> (N,), larger where the attack is nearer to its aim."""

SHARPNESS = (8.0, 32.0)
"""Mean distances of the two largest logits behind the fitted temperatures. At a distance of 1 the loss is so soft that
it prefers to raise all classes a little; beyond 80 it is zero in float32."""


def logit_scale(logits: Tensor) -> float:
    """Return the mean distance of the two largest logits over a batch, which needs no labels; 1 where there is none."""
    first, second = logits.detach().double().topk(2, 1).values.unbind(1)
    distance = float((first - second).mean())
    return distance if 0 < distance < math.inf else 1.0


def losses(scale: float) -> tuple[Loss, ...]:
    """Return the losses, in the order in which runs take them.

    Cross-entropy comes first as it is, as every other attack has it. Of logits far apart it is exactly zero in float32,
    with a gradient of zero: behind a fitted temperature it is not, whatever the multiplier or a planted division makes
    of the logits. The margin saturates nowhere.
    """
    softened = [partial(_cross_entropy, temperature=scale / sharpness) for sharpness in SHARPNESS]
    return (partial(_cross_entropy, temperature=1.0), margins, *softened)


def _cross_entropy(logits: Tensor, labels: Tensor, *, temperature: float) -> Tensor:
    return functional.cross_entropy(logits / temperature, labels, reduction="none")
