"""The networks that one module holds: the same weights with another gradient, exactly, or as the surrogate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule
from golden.pytorch.rules import GRADIENTS

__all__ = ["EXACT", "SURROGATE", "Variants"]

EXACT = {"compute": "torch"}
"""What makes the exact twin of a module on a multiplier, for ``Variants.using``."""
SURROGATE = {"compute": "two-products", "gradient": "masked"}
"""What makes its differentiable surrogate."""


class Variants:
    """Every ``ApproximateModule`` in a module, the module itself included, and what else they can be.

    A wrapper around one, with what it does before and after, is kept by this: only the rule of products changes.

    Parameters
    ----------
    module : torch.nn.Module
        Any; one without an ``ApproximateModule`` has no other variants.
    image : Tensor, (1, C, H, W)
        To see which variants its multipliers have.
    """

    def __init__(self, module: nn.Module, image: Tensor) -> None:
        self.module = module
        self._inside = [m for m in module.modules() if isinstance(m, ApproximateModule)]
        contexts = [m.context for m in self._inside]
        self._contexts = list({id(context): context for context in contexts}.values())
        on_multiplier = any(context.settings.rule.compute == "multiplier" for context in self._contexts)
        own = self._contexts[0].settings.rule.gradient if on_multiplier else ""
        others = [kind for kind in reversed(GRADIENTS) if kind != own] if on_multiplier else []
        self.gradients: tuple[dict[str, str], ...] = (
            {},
            *({"gradient": kind} for kind in others if self._computes(image, {"gradient": kind})),
        )
        """Changes for ``using`` that give each kind of gradient there is, the module's own first."""
        self.twins: tuple[dict[str, str], ...] = tuple(
            changes for changes in (EXACT, SURROGATE) if on_multiplier and self._computes(image, changes)
        )
        """Changes that give the exact twin and the surrogate, where there are such."""

    def _computes(self, image: Tensor, changes: dict[str, str]) -> bool:
        try:
            with self.using(changes), torch.no_grad():
                self.module(image)
        except InvalidInput:  # the multiplier has no two-product form
            return False
        return True

    @contextmanager
    def using(self, changes: dict[str, Any]) -> Iterator[None]:
        """Change the rule of all products inside, as ``golden.pytorch.rules.Rule`` names its parts."""
        before = [context.settings for context in self._contexts]
        for context, settings in zip(self._contexts, before, strict=True):
            context.settings = replace(settings, rule=replace(settings.rule, **changes))
        try:
            yield
        finally:
            for context, settings in zip(self._contexts, before, strict=True):
                context.settings = settings

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Say nothing of gradients that vanish inside, and leave it to be said later."""
        notices = [m._axfpm_masking for m in self._inside]
        before = [notice.said for notice in notices]
        for notice in notices:
            notice.said = True
        try:
            yield
        finally:
            for notice, said in zip(notices, before, strict=True):
                notice.said = said
