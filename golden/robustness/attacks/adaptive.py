"""``adaptive`` and ``adaptive-l2``: the attack of ``golden.robustness.adaptive`` by name.

``adaptive:eps=0.1,grid=255`` is confined to images of 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import nn

from golden.robustness.adaptive.parts import OFF, Parts
from golden.robustness.attacks.kinds import Kind

__all__ = ["KINDS"]


def _adaptive(norm: str) -> Callable[..., torch.Tensor]:
    def run(module: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, eps: float, **parts: int) -> torch.Tensor:
        from golden.robustness.adaptive.attack import attack  # which itself makes use of attacks by name

        chosen = Parts(**{name.replace("-", "_"): value for name, value in parts.items()})
        return attack(module, images, labels, norm=norm, eps=eps, parts=chosen)

    return run


_PARTS = {name.replace("_", "-"): value for name, value in asdict(Parts()).items()}
_ZEROS = frozenset(name.replace("_", "-") for name in (*OFF, "grid"))
_MOST = {"grid": 65535}
"""Of images of 16 bits."""
_DESCRIPTION = "for approximate arithmetic: true products of the first layer for candidate pixel values, and much more"

KINDS = (
    Kind(
        "adaptive",
        "linf",
        {"eps": 0.1, **_PARTS},
        (0.05, 0.1, 0.2),
        _adaptive("linf"),
        _DESCRIPTION,
        zeros=_ZEROS,
        most=_MOST,
    ),
    Kind(
        "adaptive-l2",
        "l2",
        {"eps": 1.0, **_PARTS},
        (0.5, 1.0, 2.0),
        _adaptive("l2"),
        _DESCRIPTION,
        zeros=_ZEROS,
        most=_MOST,
    ),
)
