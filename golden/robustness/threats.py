"""Threat models by name: what the attacker knows, as the model that the attack is run on.

The paper and its code call two of these "black-box" and "grey-box", each both ways round; here a name says what is
known:

``twin`` (alias ``transfer``)
    The network and its weights, not the multiplier. Examples are crafted on the exact network.
``aware``
    Also the multiplier, but no device to try on. Examples are crafted on the differentiable surrogate alone.
``proxy``
    Nothing. The device answers queries, a substitute is trained on the answers and attacked.
``query``
    Nothing, and no substitute: the attack asks the device itself, for scores or for labels.
``white-box``
    Everything: the attack runs through the bit-exact forward pass, with a gradient of the attacker's choice.
``corruption``
    Nobody attacks: images are noisy, turned, blurred by chance. Described, and part of no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from golden.errors import InvalidInput
from golden.pytorch import ApproximateModule, surrogate
from golden.registry import Registry, check_choice, split_names
from golden.robustness.attacks import Attack
from golden.robustness.targets import Device

__all__ = ["THREAT_MODELS", "Knowledge", "ThreatModel", "register_threat_model", "threat_models"]

ALL_ACCESS = frozenset({"gradients", "scores", "labels", "nothing"})


@dataclass(frozen=True)
class Knowledge:
    """What else an attacker has.

    Parameters
    ----------
    images : Tensor of float32, (N, C, H, W)
        The attacker's own images, none of them judged, without labels.
    seed : int
        Of whatever is random.
    gradient : str
        How a multiplier is differentiated: ``straight-through``, ``scaled`` or ``masked``.
    architecture : str or None
        Name of the network that a substitute is built as (``golden.cnn.models``).
    substitute : torch.nn.Module or None
        The substitute, once it is trained.
    """

    images: torch.Tensor
    seed: int = 0
    gradient: str = "scaled"
    architecture: str | None = None
    substitute: nn.Module | None = None


@dataclass(frozen=True)
class ThreatModel:
    """A threat model.

    Parameters
    ----------
    name : str
        The name in results.
    source : callable
        ``source(model, device, knowledge) -> module``: what the attack is run on, given the exact model and the device
        that the examples are for; (N, C, H, W) -> logits, as large as the exact ones.
    shared : bool
        Whether the source, and so the examples, are the same for all targets.
    description : str
        One line: what the attacker knows.
    access : frozenset of str
        Which attacks the attacker can run: those that need ``gradients``, ``scores``, ``labels``, ``nothing``.
    itself : bool
        Whether the source is the device itself, so that nothing has to transfer.
    differentiable : bool
        Whether the source is the multiplier's two-product form, which not every multiplier has.
    train : callable or None
        ``train(device, knowledge, **settings) -> (module, queries)``, where the source has to be trained first.
    settings : mapping of str to int or str
        What ``train`` takes besides, and what it is where a name does not say: ``proxy:augmentations=2``.
    check : callable or None
        ``check(**settings)`` raises where they cannot be used, before anything is computed.
    """

    name: str
    source: Callable[[nn.Module, Device, Knowledge], nn.Module]
    shared: bool
    description: str
    access: frozenset[str] = ALL_ACCESS
    itself: bool = False
    differentiable: bool = False
    train: Callable[..., tuple[nn.Module, int]] | None = None
    settings: Mapping[str, int | str] = field(default_factory=dict, hash=False)
    check: Callable[..., None] | None = None

    def allows(self, attack: Attack) -> bool:
        """Whether this attacker can run an attack."""
        return attack.kind.access in self.access

    def with_settings(self, text: str) -> ThreatModel:
        """Return it with some of its settings changed, ``key=value,key=value``, as its name then says.

        Raises
        ------
        InvalidInput
            If there is no such setting, or a value cannot be used.
        """
        if not text:
            return self
        if not self.settings:
            raise InvalidInput(f"the threat model {self.name} has no settings; leave out {text!r}")
        given: dict[str, int | str] = {}
        for part in text.split(","):
            key, _, value = part.partition("=")
            check_choice(f"unknown setting of {self.name}", key, self.settings)
            of = type(self.settings[key])
            try:
                given[key] = of(value)
            except ValueError:
                raise InvalidInput(f"{key}={value} is not a whole number; write for example {key}=1") from None
        settings = {**self.settings, **given}
        if self.check is not None:
            self.check(**settings)
        changed = [f"{key}={value}" for key, value in settings.items() if value != self.settings[key]]
        return replace(self, name=":".join([self.name, *([",".join(changed)] if changed else [])]), settings=settings)


def _exact_model(model: nn.Module, device: Device, knowledge: Knowledge) -> nn.Module:
    return model


def _surrogate(model: nn.Module, device: Device, knowledge: Knowledge) -> nn.Module:
    # What runs on no multiplier is computed exactly, by anybody.
    if not isinstance(device.module, ApproximateModule):
        return device.attacked()
    return surrogate(device.module, temperature=device.temperature)


def _device(model: nn.Module, device: Device, knowledge: Knowledge) -> nn.Module:
    return device.attacked(gradient=knowledge.gradient)


def _substitute(model: nn.Module, device: Device, knowledge: Knowledge) -> nn.Module:
    if knowledge.substitute is None:
        raise InvalidInput("there is no substitute; train one first")
    return knowledge.substitute


def _train_substitute(device: Device, knowledge: Knowledge, **settings: Any) -> tuple[nn.Module, int]:
    from golden.robustness.proxy import substitute

    if knowledge.architecture is None:
        raise InvalidInput("a substitute needs the name of an architecture; give a checkpoint, or leave out proxy")
    return substitute(device.module, knowledge.architecture, knowledge.images, seed=knowledge.seed, **settings)


def _check_substitute(**settings: Any) -> None:
    from golden.robustness.proxy import check_settings

    check_settings(**settings)


_OWN = (
    ThreatModel(
        "twin",
        _exact_model,
        True,
        "the attacker has the parameters and runs them exactly: examples crafted on the exact model",
    ),
    ThreatModel(
        "aware",
        _surrogate,
        False,
        "the attacker knows the multiplier and has no device: examples crafted on its differentiable surrogate",
        differentiable=True,
    ),
    ThreatModel(
        "proxy",
        _substitute,
        False,
        "the attacker has a device that answers: examples crafted on a substitute trained on the answers",
        train=_train_substitute,
        settings={"answers": "labels", "augmentations": 0, "epochs": 20},
        check=_check_substitute,
    ),
    ThreatModel(
        "query",
        _device,
        False,
        "the attacker has a device that answers, and asks it about each image: scores or labels, no gradients",
        frozenset({"scores", "labels", "nothing"}),
        itself=True,
    ),
    ThreatModel(
        "white-box",
        _device,
        False,
        "the attacker knows everything: gradients through the bit-exact forward pass",
        itself=True,
    ),
    ThreatModel(
        "corruption",
        _exact_model,
        True,
        "nobody attacks: images are noisy, turned, blurred by chance",
        frozenset({"nothing"}),
    ),
)
ALIASES = MappingProxyType({"transfer": "twin"})

THREAT_MODELS = Registry("threat model", {threat.name: threat for threat in _OWN})
"""Threat models by name, read-only; ``register_threat_model`` adds to it."""


def register_threat_model(threat_model: ThreatModel) -> ThreatModel:
    """Add a threat model under a new name, and return it.

    Raises
    ------
    InvalidInput
        If another one has that name.
    """
    return THREAT_MODELS.register(threat_model.name, threat_model)


def threat_models(names: str | Iterable[str]) -> tuple[ThreatModel, ...]:
    """Look up threat models: names, or one string with commas between them.

    ``proxy:augmentations=2,answers=probabilities`` changes settings of one.

    Raises
    ------
    InvalidInput
        If a name is unknown, or there is none; and as ``ThreatModel.with_settings``.
    """
    texts = [names] if isinstance(names, str) else names
    found: dict[str, ThreatModel] = {}
    for name in (part for text in texts for part in split_names(text)):
        base, _, settings = name.partition(":")
        threat = THREAT_MODELS.look_up(ALIASES.get(base, base)).with_settings(settings)
        found.setdefault(threat.name, threat)
    if not found:
        raise InvalidInput(f"no threat model named; choose from {', '.join(THREAT_MODELS)}")
    return tuple(found.values())
