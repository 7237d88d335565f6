"""What a network has to keep of an exact one, and the cheapest that does: for certain, and as far as is not excluded.

A level is a claim on differences from a reference, a network in plain torch: so its figures are the data's own. Two
margins are those of the rules that speak of these differences elsewhere: a loss of clean accuracy below
``golden.robustness.equivalence.MARGIN`` counts as none, a gain of robust accuracy below
``golden.robustness.rule.LEAST`` as no defence, and so a loss below it as no weakness. A third is the reference's own:
a quarter more errors than it makes.

A network is at a level *for certain* where the intervals of all differences that it speaks of lie within it, and it
*cannot be excluded* where each reaches into it. Intervals of a front hold together, so that whatever is picked is said
rightly with their probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axfpm.joint_front.dominance import costs_less
from axfpm.joint_front.result import Energy, JointFront, Network
from golden.robustness.equivalence import MARGIN
from golden.robustness.row_types import EXACT
from golden.robustness.rule import LEAST

__all__ = ["CERTAIN", "EXCLUDED", "MORE_ERRORS", "POSSIBLE", "Choice", "Level", "choices", "levels_of", "standing"]

CERTAIN, POSSIBLE, EXCLUDED = "certain", "not excluded", "excluded"
MORE_ERRORS = 0.25
"""Share by which errors may grow."""


@dataclass(frozen=True)
class Level:
    """What is asked.

    Parameters
    ----------
    reference : str
        Name of the network in plain torch that is compared with.
    lost : float
        Points of clean accuracy that may be lost against it.
    weaker : float or None
        Points of robust accuracy that may be lost against it in each norm; None where none is asked.
    """

    reference: str
    lost: float
    weaker: float | None

    def __str__(self) -> str:
        lost = f"loses at most {_points(self.lost)} of the clean accuracy of {self.reference}"
        if self.weaker is None:
            return lost
        kept = (
            "withstands no less in each norm"
            if self.weaker == 0
            else (f"at most {_points(self.weaker)} of its robust accuracy in each norm")
        )
        return f"{lost} and {kept}"


@dataclass(frozen=True)
class Choice:
    """What follows at a level.

    Parameters
    ----------
    level : Level
        What is asked.
    certain : tuple of Network
        Those that meet it for certain, the cheapest first.
    possible : tuple of Network
        Those that cannot be excluded, the cheapest first.
    reference : Network
        What is compared with.
    data, uncertainty : str
        The data set, and what all of it rests on.
    """

    level: Level
    certain: tuple[Network, ...]
    possible: tuple[Network, ...]
    reference: Network
    data: str
    uncertainty: str

    @property
    def build(self) -> Network | None:
        """The cheapest that meets the level for certain; None where none but the reference itself does."""
        return next((each for each in self.certain if each.name != self.reference.name), None)

    @property
    def perhaps(self) -> Network | None:
        """The cheapest that cannot be excluded, where by its figure it takes less than all that are certain."""
        first = next(iter(self.possible), None)
        if first is None or (self.certain and _uj(first) >= _uj(self.certain[0])):
            return None
        return first

    @property
    def sentence(self) -> str:
        """What to build, with what is not certain about it."""
        best, perhaps = (self.certain[0] if self.certain else None), self.perhaps
        asked = f"{self.data}: of what {self.level}"
        if best is None:
            said = "nothing is certain to be so cheap or dear, as no energy is known"
        elif best.name == self.reference.name:
            alone = (
                "it is the only one that does so for certain"
                if len(self.certain) == 1
                else (f"the cheapest of {len(self.certain)} that do so for certain")
            )
            said = f"build {best.name} itself ({_in_uj(best)}): {alone}"
        else:
            said = (
                f"build {best.name}: {_in_uj(best)}, {_ratio(best, self.reference)} of the energy of "
                f"{self.reference.name}, the cheapest of {len(self.certain)} that do so for certain"
                f"{self._not_told_apart(best)}"
            )
        if perhaps is None:
            more = "no cheaper one remains that could not be excluded"
        else:
            others = f", the cheapest of {len(self.possible)} such" if len(self.possible) > 1 else ""
            more = (
                f"it cannot be excluded that {perhaps.name} does so, too, at {_in_uj(perhaps)}, "
                f"{_ratio(perhaps, self.reference)} of that energy{others}"
            )
        return f"{asked}, {said}; {more} ({self.uncertainty})."

    def _not_told_apart(self, best: Network) -> str:
        near = [each.name for each in self.certain[1:] if not costs_less(best, each)]
        return f" (whose energy is not told apart from that of {', '.join(near)})" if near else ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: names instead of networks, and the sentence."""
        return {
            "level": str(self.level),
            "reference": self.level.reference,
            "lost": self.level.lost,
            "weaker": self.level.weaker,
            "certain": [each.name for each in self.certain],
            "not_excluded": [each.name for each in self.possible],
            "sentence": self.sentence,
        }


def levels_of(front: JointFront) -> tuple[Level, ...]:
    """Return the levels of a front: four for each of its networks in plain torch."""
    found = []
    for each in front.networks:
        if each.target == EXACT:
            errors = 100 * (each.clean.n - each.clean.k) / each.clean.n
            found += [
                Level(each.name, MARGIN, None),
                Level(each.name, MARGIN, LEAST),
                Level(each.name, MARGIN, 0.0),
                Level(each.name, round(MORE_ERRORS * errors, 2), LEAST),
            ]
    return tuple(found)


def standing(front: JointFront, level: Level, network: Network) -> str:
    """Return whether a network is at a level: ``CERTAIN``, ``POSSIBLE`` or ``EXCLUDED``."""
    asked = [("clean", level.lost)]
    if level.weaker is not None:
        asked += [(norm, level.weaker) for norm in front.whats[1:]]
    ends = [(front.between(network.name, level.reference, what), margin) for what, margin in asked]
    if all(low >= -margin for (low, _), margin in ends):
        return CERTAIN
    return EXCLUDED if any(high < -margin for (_, high), margin in ends) else POSSIBLE


def choices(front: JointFront) -> tuple[Choice, ...]:
    """Return what follows at each level; networks whose energy is not known are left out."""
    known = sorted((each for each in front.networks if each.energy is not None), key=_uj)
    said = front.settings
    uncertainty = (
        f"{said['test_images']:,} test images, {said['attacked']} of them attacked; all intervals hold together at "
        f"{said['confidence']:.0%}; one network of each kind"
    )
    found = []
    for level in levels_of(front):
        by = {each.name: standing(front, level, each) for each in known}
        certain, possible = (tuple(each for each in known if by[each.name] == what) for what in (CERTAIN, POSSIBLE))
        found.append(Choice(level, certain, possible, front.network(level.reference), front.data, uncertainty))
    return tuple(found)


def _energy(network: Network) -> Energy:
    assert network.energy is not None
    return network.energy


def _uj(network: Network) -> float:
    return _energy(network).image_uj


def _in_uj(network: Network) -> str:
    energy = _energy(network)
    return f"{energy.image_uj:.3g} uJ an image [{energy.together[0]:.3g}, {energy.together[1]:.3g}]"


def _ratio(network: Network, reference: Network) -> str:
    """Its energy by the reference's, with all that the ends of both allow."""
    own, other = _energy(network), reference.energy
    if other is None:
        return "an unknown share"
    low, high = own.together[0] / other.together[1], own.together[1] / other.together[0]
    return f"{own.image_uj / other.image_uj:.2f} [{low:.2f}, {high:.2f}]"


def _points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"
