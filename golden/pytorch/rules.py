"""How a contraction is computed and differentiated, and which module gets which rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from golden.assignments import assignment
from golden.catalogue import Multiplier, multiplier as look_up
from golden.errors import InvalidInput, InvalidType
from golden.registry import check_choice
from golden.sums import ACCUMULATORS

__all__ = ["GRADIENTS", "Layers", "Rule", "Settings"]

GRADIENTS = ("straight-through", "scaled", "masked")
UNCOVERED = ("error", "exact")

Layers = Mapping[str, Any] | Callable[[str, nn.Module | None], Any] | str | Path
"""Module name -> multiplier, a file of assignments, or a predicate; see ``golden.pytorch.approximate``."""


@dataclass(frozen=True)
class Rule:
    """How a contraction is computed and differentiated.

    Parameters
    ----------
    multiplier : Multiplier
        The multiplier of every product.
    accumulate : str
        ``float32`` or ``float64``, as for ``golden.sums.matmul``.
    gradient : str
        ``straight-through``, ``scaled`` or ``masked``.
    compute : str
        ``multiplier``: bit for bit; ``two-products``: the surrogate's exact products of masked operands; ``torch``:
        exactly, for counting only.
    """

    multiplier: Multiplier
    accumulate: str = "float32"
    gradient: str = "scaled"
    compute: str = "multiplier"


@dataclass(frozen=True)
class Settings:
    """What a context was asked for: the rule, where it applies, and what happens to uncovered operators."""

    rule: Rule
    layers: Layers | None = None
    uncovered: str = "error"

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("gradient", self.rule.gradient, GRADIENTS),
            ("accumulate", self.rule.accumulate, ACCUMULATORS),
            ("uncovered", self.uncovered, UNCOVERED),
        ):
            check_choice(f"unknown {name}", value, choices)
        if isinstance(self.layers, str | Path):
            object.__setattr__(self, "layers", assignment(self.layers))
        if isinstance(self.layers, Mapping):
            for choice in self.layers.values():
                self.choose(choice)
        elif self.layers is not None and not callable(self.layers):
            raise InvalidType(
                f"layers is a mapping from module name to multiplier, a predicate or a file of assignments, not "
                f"{type(self.layers).__name__}"
            )

    def choose(self, choice: Any) -> Rule | None:
        """Return the rule that a value of ``layers`` stands for; None is exact torch."""
        if choice is True:
            return self.rule
        if choice is None or choice is False:
            return None
        return replace(self.rule, multiplier=look_up(choice))

    def rule_for(self, names: tuple[str, ...], module: nn.Module | None, known: Mapping[int, Any]) -> Rule | None:
        """Return the rule of a module, known by ``names``; ``known`` holds the names of all modules of its root."""
        if self.layers is None:
            return self.rule
        if not isinstance(self.layers, Mapping):
            assert callable(self.layers)  # a file was read when this was made
            return self.choose(self.layers(names[0], module))
        registered = {name for aliases in known.values() for name in aliases}
        unknown = [name for name in self.layers if name not in registered]
        if known and unknown:
            raise InvalidInput(
                f"layers names {unknown[0]!r}, which the outermost module called inside the context does not have; "
                "use names of its named_modules()"
            )
        for name in names:
            while True:
                if name in self.layers:
                    return self.choose(self.layers[name])
                if not name:
                    break
                name = name.rpartition(".")[0]
        return self.rule
