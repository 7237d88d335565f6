"""The grammar of targets' names.

    [NETWORK/]BASE[+MODIFIER ...]

BASE is a multiplier's name, dials included, or one in ``TARGETS``, which may take parameters as attacks do: ``ax-fpm``,
``ax-fpm:block=2,carry=widen``, ``noise:draw=7``, ``companding:multiplier=mitchell``; a multiplier's file, too, whose
path may have slashes, unless it begins with a network's name: ``own/my.py:spec``. Modifiers are for multipliers:
``ax-fpm+calibrated``, ``ax-fpm+clamp``, ``ax-fpm+calibrated+clamp``. NETWORK is another network that is built so, and
alone means that network in plain torch: ``pgd-trained``, ``pgd-trained/ax-fpm``, ``independent/e8m1+calibrated``.

``assignment:FILE``, ``assignment:FILE:NUMBER`` and ``assignment:conv1=e8m2;fc1=ax-fpm`` give each layer a multiplier of
its own (``golden.assignments``); behind it may stand ``+calibrated``.

Names are canonical: parameters at their defaults are left out, and equal targets have equal names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import nn

from golden.assignments import Assignment, assignment
from golden.catalogue import MULTIPLIERS, Multiplier, multiplier as look_up
from golden.errors import InvalidInput, InvalidType
from golden.multiplier_files.names import file_part
from golden.pytorch.fitting import require_exact
from golden.registry import add_entry, split_names, unknown
from golden.robustness.row_types import EXACT
from golden.robustness.targets.devices import Device, Fitted, own_copy
from golden.robustness.targets.multipliers import MODIFIERS, on_assignment, on_multiplier

__all__ = ["ASSIGNMENT", "GROUPS", "TARGETS", "Target", "TargetKind", "register_target", "target", "targets"]

GROUPS = ("exact", "multiplier", "control", "row", "reference")
"""What a target stands there for; a multiplier that serves as a control is still in the group ``multiplier``."""
ASSIGNMENT = "assignment"
"""How names of targets begin that are an assignment."""


@dataclass(frozen=True)
class TargetKind:
    """A kind of target that is no multiplier.

    Parameters
    ----------
    name : str
        The name before the colon.
    group : str
        One of ``GROUPS``.
    description : str
        One line: what it is.
    build : callable
        ``build(model, fitted, **parameters) -> Device``. The model is exact, a copy in evaluation mode without
        gradients of its parameters; the exact network, which the device may hold but must not change.
    defaults : mapping of str to int, float or Multiplier
        The parameters and their values where the name gives none; the type says what a parameter takes.
    network : bool
        Whether it is another network, so that its name may stand before a slash: the role of a sibling in ``Fitted``.
    """

    name: str
    group: str
    description: str
    build: Callable[..., Device]
    defaults: Mapping[str, Any] = field(default_factory=dict, hash=False)
    network: bool = False


@dataclass(frozen=True)
class Target:
    """A target with all its parameters, made by ``target`` or ``targets``.

    Parameters
    ----------
    name : str
        Its canonical name.
    group : str
        One of ``GROUPS``.
    description : str
        One line: what it is.
    multiplier : Multiplier or None
        What its products run on; None where they are exact, or layers differ.
    make : callable
        ``make(model, fitted) -> Device``, for ``build``.
    layers : Assignment or None
        What its products run on, layer by layer, where layers differ.
    """

    name: str
    group: str
    description: str
    multiplier: Multiplier | None
    make: Callable[[nn.Module, Fitted], Device] = field(compare=False, repr=False)
    layers: Assignment | None = None

    @property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """All multipliers that its products run on; none where they are exact."""
        if self.layers is not None:
            return self.layers.multipliers
        return () if self.multiplier is None else (self.multiplier,)

    def build(self, model: nn.Module, fitted: Fitted) -> Device:
        """Return the target made from an exact model; the model itself is not changed, nor held.

        Raises
        ------
        InvalidInput
            (a ValueError) If the model is not exact, lacks what the target changes, or does not work in that form.
        InvalidType
            (a TypeError) If the model is no ``torch.nn.Module``.
        """
        require_exact(model)
        device = self.make(own_copy(model), fitted)
        device.module.eval()
        return device

    def __str__(self) -> str:
        return self.name


kinds: dict[str, TargetKind] = {}
"""What is behind ``TARGETS``; the package fills it with its own, without a look at plug-ins' multipliers."""

TARGETS: Mapping[str, TargetKind] = MappingProxyType(kinds)
"""Targets beside the multipliers by name, read-only; ``register_target`` adds to it."""


def register_target(kind: TargetKind) -> TargetKind:
    """Add a kind of target under a new name, and return it.

    Raises
    ------
    InvalidInput
        If another kind or a multiplier has that name, or it is not made of letters, digits, ``-``, ``_`` and spaces, or
        the group is unknown.
    """
    if not kind.name.strip() or not all(c.isalnum() or c in "-_ " for c in kind.name):
        raise InvalidInput(f"{kind.name!r} cannot name a target; use letters, digits, '-', '_' and spaces")
    if kind.group not in GROUPS:
        raise unknown("group", kind.group, GROUPS)
    if kind.name in MULTIPLIERS:
        raise InvalidInput(f"a multiplier is already named {kind.name!r}; choose another name")
    return add_entry(kinds, "target", kind.name, kind)


def target(name: str | Multiplier | Assignment | Target) -> Target:
    """Look up one target; a ``Multiplier`` or an ``Assignment`` is the network on it, and a ``Target`` passes through.

    Raises
    ------
    InvalidInput
        (a ValueError) If a name or parameter is unknown, or a value does not fit; near misses are listed.
    InvalidType
        (a TypeError) If it is neither a name, a ``Multiplier`` nor a ``Target``.
    """
    if isinstance(name, Target):
        return name
    if isinstance(name, Multiplier):
        return _on(name)
    if isinstance(name, Assignment):
        return _assigned(name)
    if not isinstance(name, str):
        raise InvalidType(f"a target is a name, a Multiplier, an Assignment or a Target, not {type(name).__name__}")
    name = name.strip()
    if name.startswith(f"{ASSIGNMENT}:"):  # slashes in it are those of a path
        return _named_assignment(name.removeprefix(f"{ASSIGNMENT}:"))
    network, slash, rest = name.partition("/")
    networks = [kind.name for kind in TARGETS.values() if kind.network]
    if not slash or (network not in networks and file_part(name) is not None):
        return _target(name)
    if network not in networks:
        raise unknown("network", network, networks)
    inner = _target(rest)
    if inner.name == EXACT:
        return _target(network)
    if inner.name in networks:
        raise InvalidInput(f"{name!r} names two networks; write one of them, and what it runs on after the slash")
    return Target(
        f"{network}/{inner.name}",
        TARGETS[network].group,
        f"{TARGETS[network].description}; {inner.description}",
        inner.multiplier,
        partial(_beside, role=network, make=inner.make),
        inner.layers,
    )


def _beside(model: nn.Module, fitted: Fitted, *, role: str, make: Callable[[nn.Module, Fitted], Device]) -> Device:
    return make(own_copy(fitted.sibling(role)), fitted)


def _target(name: str) -> Target:
    unmodified, *modifiers = name.split("+")
    base, _, settings = unmodified.partition(":")
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            raise unknown("modifier", modifier, MODIFIERS)
    if base not in TARGETS:
        if file_part(unmodified) is None and base not in MULTIPLIERS:
            raise unknown("target", base, [*TARGETS, *MULTIPLIERS])
        return _on(look_up(unmodified), frozenset(modifiers))
    if modifiers:
        raise InvalidInput(f"{base!r} is no multiplier and takes no +{modifiers[0]}; leave it out")
    kind = TARGETS[base]
    values = _parameters(kind, settings)
    shown = [f"{key}={value}" for key, value in values.items() if value != kind.defaults[key]]
    return Target(
        f"{base}:{','.join(shown)}" if shown else base,
        kind.group,
        kind.description,
        None,
        partial(kind.build, **values) if values else kind.build,
    )


def _on(m: Multiplier, modifiers: frozenset[str] = frozenset()) -> Target:
    chosen = [modifier for modifier in MODIFIERS if modifier in modifiers]
    return Target(
        "+".join([str(m), *chosen]),
        "multiplier",
        "; ".join([f"the network on {m}", *(MODIFIERS[modifier] for modifier in chosen)]),
        m,
        partial(on_multiplier, multiplier=m, modifiers=modifiers),
    )


def _named_assignment(text: str) -> Target:
    layers, *modifiers = text.split("+")
    for modifier in modifiers:
        if modifier != "calibrated":
            raise InvalidInput(f"an assignment takes +calibrated and no other modifier, not +{modifier}; leave it out")
    return _assigned(assignment(layers), frozenset(modifiers))


def _assigned(layers: Assignment, modifiers: frozenset[str] = frozenset()) -> Target:
    return Target(
        "+".join([f"{ASSIGNMENT}:{layers}", *modifiers]),
        "multiplier",
        "; ".join(["the network with each layer on a multiplier of its own", *map(MODIFIERS.__getitem__, modifiers)]),
        None,
        partial(on_assignment, assignment=layers, modifiers=modifiers),
        layers,
    )


def _parameters(kind: TargetKind, settings: str) -> dict[str, Any]:
    texts: dict[str, str] = {}
    for part in filter(None, settings.split(",")):
        key, equals, text = part.partition("=")
        last = next(reversed(texts), None)
        if key not in kind.defaults and last and isinstance(kind.defaults[last], Multiplier):
            texts[last] += f",{part}"  # a dial of the multiplier before it
        elif key not in kind.defaults:
            takes = f"takes {', '.join(kind.defaults)}" if kind.defaults else "takes no parameters"
            raise InvalidInput(f"target {kind.name!r} has no parameter {key!r}; it {takes}")
        elif not equals or not text or key in texts:
            raise InvalidInput(
                f"cannot read {part!r} of target {kind.name!r}; write {kind.name}:key=value,key=value, each key once"
            )
        else:
            texts[key] = text
    return {key: _value(kind, key, texts[key]) if key in texts else default for key, default in kind.defaults.items()}


def _value(kind: TargetKind, key: str, text: str) -> Any:
    default = kind.defaults[key]
    if isinstance(default, Multiplier):
        return look_up(text)
    try:
        value = type(default)(text)
    except ValueError:
        what = "a whole number" if isinstance(default, int) else "a number"
        raise InvalidInput(f"{key}={text} is not {what}; write for example {key}={default}") from None
    if not 0 <= value < (1 << 32 if isinstance(default, int) else math.inf):
        limit = "below 2^32" if isinstance(default, int) else "finite"
        raise InvalidInput(f"{key}={text} is out of range; give a value of 0 or more, {limit}")
    return value


def targets(
    names: str | Multiplier | Assignment | Target | Iterable[str | Multiplier | Assignment | Target],
) -> tuple[Target, ...]:
    """Look up targets: names, or one string with commas between them; each is there once, in order.

    A comma separates both targets and parameters: what has ``=``, and no ``:`` before it, goes on with the target
    before it. ``"ax-fpm:block=2,carry=widen,noise:draw=3,int8"`` is three targets.

    Raises
    ------
    InvalidInput
        As ``target``; or if there is none, or two different ones have the same name.
    InvalidType
        As ``target``.
    """
    if isinstance(names, str | Multiplier | Assignment | Target):
        names = [names]
    found: list[Target] = []
    for name in names:
        if not isinstance(name, str):
            found.append(target(name))
            continue
        found += map(target, split_names(name))
    found = list(dict.fromkeys(found))
    if not found:
        raise InvalidInput(f"no target named; give a multiplier, or one of {', '.join(TARGETS)}")
    if len({t.name for t in found}) < len(found):
        raise InvalidInput("two of these targets have the same name; give each multiplier one with axfpm.register")
    return tuple(found)
