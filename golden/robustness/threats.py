"""Threat models by name: what the attacker knows, as the model that the attack is run on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.registry import add_entry, unknown

__all__ = ["THREAT_MODELS", "ThreatModel", "register_threat_model", "threat_models"]


@dataclass(frozen=True)
class ThreatModel:
    """A threat model.

    Parameters
    ----------
    name : str
        The name in results.
    attacked : callable
        ``attacked(model, multiplier) -> module``: what the attack is run on, the source, given the exact model and the
        multiplier that the target runs on.
    shared : bool
        Whether the source, and so the examples, are the same for all multipliers.
    description : str
        One line: what the attacker knows.
    """

    name: str
    attacked: Callable[[nn.Module, Multiplier], nn.Module]
    shared: bool
    description: str


def _exact_model(model: nn.Module, _multiplier: Multiplier) -> nn.Module:
    return model


_THREAT_MODELS: dict[str, ThreatModel] = {
    "transfer": ThreatModel(
        "transfer",
        _exact_model,
        True,
        "the attacker has the parameters and runs them exactly: examples crafted on the exact model",
    )
}

THREAT_MODELS: Mapping[str, ThreatModel] = MappingProxyType(_THREAT_MODELS)
"""Threat models by name, read-only; ``register_threat_model`` adds to it."""


def register_threat_model(threat_model: ThreatModel) -> ThreatModel:
    """Add a threat model under a new name, and return it.

    Raises
    ------
    InvalidInput
        If another one has that name.
    """
    return add_entry(_THREAT_MODELS, "threat model", threat_model.name, threat_model)


def threat_models(names: str | Iterable[str]) -> tuple[ThreatModel, ...]:
    """Look up threat models: names, or one string with commas between them.

    Raises
    ------
    InvalidInput
        If a name is unknown, or there is none.
    """
    parts = names.split(",") if isinstance(names, str) else list(names)
    parts = [part.strip() for part in parts if part.strip()]
    for part in parts:
        if part not in THREAT_MODELS:
            raise unknown("threat model", part, THREAT_MODELS)
    if not parts:
        raise InvalidInput(f"no threat model named; choose from {', '.join(THREAT_MODELS)}")
    return tuple(THREAT_MODELS[part] for part in dict.fromkeys(parts))
