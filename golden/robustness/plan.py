"""What an evaluation consists of: stages, and from them the examples to craft and whom to show them to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from golden.errors import InvalidInput
from golden.robustness.attacks import Attack
from golden.robustness.targets import Target
from golden.robustness.threats import ThreatModel

__all__ = ["Examples", "Plan", "Shown", "Stage", "plan"]


@dataclass(frozen=True)
class Stage:
    """One threat model with its attacks, whom they are for, and how much of it is done.

    Parameters
    ----------
    threat_model : ThreatModel
        What the attacker knows.
    attacks : tuple of Attack
        The same for every target.
    targets : tuple of Target
        Whom examples are crafted for, one by one, or together where the threat model's source is shared.
    shown : tuple of Target
        Who else sees each of the examples.
    samples, networks : int or None
        How many of the images and of the networks; all where None.
    gradients : tuple of str
        How multipliers are differentiated, one after the other.
    scales : tuple of float
        Factors by which perturbations of minimal norm are stretched, besides 1.
    brittleness : bool
        Whether successes are judged once more after rounding to 8 bits and under small noise.
    extra : bool
        Whether the stage is left out of the suite that decides: ablations, sweeps, reproductions.
    """

    threat_model: ThreatModel
    attacks: tuple[Attack, ...]
    targets: tuple[Target, ...]
    shown: tuple[Target, ...] = ()
    samples: int | None = None
    networks: int | None = None
    gradients: tuple[str, ...] = ("scaled",)
    scales: tuple[float, ...] = ()
    brittleness: bool = False
    extra: bool = False


@dataclass(frozen=True)
class Examples:
    """One crafting: an attack on one source, over the images of its stage.

    Parameters
    ----------
    network : int
        Which of the networks.
    threat_model, attack : ThreatModel, Attack
        What the attacker knows and does.
    target : Target or None
        Whom it is for; None where that makes no difference.
    gradient : str
        How a multiplier is differentiated.
    samples : int
        How many images.
    """

    network: int
    threat_model: ThreatModel
    attack: Attack
    target: Target | None
    gradient: str
    samples: int


@dataclass(frozen=True)
class Shown:
    """Who sees examples, and in which views."""

    examples: Examples
    target: Target
    scales: tuple[float, ...]
    brittleness: bool
    extra: bool


@dataclass(frozen=True)
class Plan:
    """All of it, in the order of the results.

    Parameters
    ----------
    examples : tuple of Examples
        Each to be crafted once.
    shown : tuple of Shown
        Each to be judged once.
    left_out : tuple of str
        Pairs that were asked for and make no sense, as sentences.
    """

    examples: tuple[Examples, ...]
    shown: tuple[Shown, ...]
    left_out: tuple[str, ...]


def plan(stages: Sequence[Stage], exact: Target, networks: int, images: int) -> Plan:
    """Return what stages amount to.

    Parameters
    ----------
    stages : sequence of Stage
        What is asked for.
    exact : Target
        The exact network: it sees every example whose source is shared, or was trained.
    networks, images : int
        How many there are.

    Raises
    ------
    InvalidInput
        If a threat model allows none of its attacks, or a stage asks for more networks or images than there are, or
        stages of one threat model that decide together are of different sizes.
    MissingTool
        If a package that an attack is made of is missing.
    """
    _require_common_images(stages, images)
    examples: dict[Examples, None] = {}
    shown: dict[tuple[Examples, Target], Shown] = {}
    left_out: dict[str, None] = {}
    for stage in stages:
        threat = stage.threat_model
        for what, asked, there in (("networks", stage.networks, networks), ("images", stage.samples, images)):
            if asked is not None and asked > there:
                raise InvalidInput(
                    f"{threat.name} asks for {asked} {what} and there are {there}; give more, or ask less"
                )
        allowed = [attack for attack in stage.attacks if threat.allows(attack)]
        if stage.attacks and not allowed:
            has = sorted(threat.access - {"nothing"}) or ["nothing"]
            raise InvalidInput(
                f"none of these attacks suits {threat.name}, whose attacker has {' and '.join(has)}; "
                "add one that needs no more"
            )
        for attack in stage.attacks:
            attack.check_installed()
            if attack not in allowed:
                left_out[f"{attack} in {threat.name}: its attacker has no {attack.kind.access}"] = None
        for network in range(stage.networks or networks):
            for attack in allowed:
                for target in (None,) if threat.shared else stage.targets:
                    for gradient in stage.gradients if target is not None else stage.gradients[:1]:
                        case = Examples(network, threat, attack, target, gradient, stage.samples or images)
                        examples[case] = None
                        for seen in _audience(stage, target, exact):
                            scales = stage.scales if attack.minimal else ()
                            shown.setdefault((case, seen), Shown(case, seen, scales, stage.brittleness, stage.extra))
    return Plan(tuple(examples), tuple(shown.values()), tuple(left_out))


def _audience(stage: Stage, target: Target | None, exact: Target) -> Iterable[Target]:
    first = (exact, *stage.targets) if target is None else (target,)
    return dict.fromkeys((*first, *stage.shown))


def _require_common_images(stages: Sequence[Stage], images: int) -> None:
    sizes: dict[str, int] = {}
    for stage in stages:
        size = stage.samples or images
        if not stage.extra and sizes.setdefault(stage.threat_model.name, size) != size:
            raise InvalidInput(
                f"stages of {stage.threat_model.name} take {sizes[stage.threat_model.name]} and {size} images, and the "
                "best attack for each image needs the same ones; make them equal, or mark one as extra"
            )
