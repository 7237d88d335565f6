"""What a network has to keep of exact ones, and the cheapest that does: for certain, and as far as is not excluded.

A level is a claim on differences from references, the networks in plain torch: so its figures are the data's own.
Margins are those of the rules that speak of these differences elsewhere: a loss of clean accuracy below
``golden.robustness.equivalence.MARGIN`` counts as none, a gain of robust accuracy below
``golden.robustness.rule.LEAST`` as no defence, and so a loss below it as no weakness. Where the reference itself errs
often, a quarter more errors than it makes are a third.

A network is at a level *for certain* where the intervals of all differences that it speaks of lie within it, and it
*cannot be excluded* where each reaches into it. Intervals of a front hold together, so that whatever is picked is said
rightly with their probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axfpm.joint_front.dominance import costs_less
from axfpm.joint_front.energies import BASE
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
    accuracy : str
        Name of the network in plain torch whose clean accuracy is compared with.
    lost : float
        Points of it that may be lost.
    robustness : str or None
        Name of that whose robust accuracy is; None where none is asked.
    weaker : float
        Points of that that may be lost, in each norm.
    """

    accuracy: str
    lost: float
    robustness: str | None = None
    weaker: float = 0.0

    def __str__(self) -> str:
        lost = f"lose at most {_points(self.lost)} of the clean accuracy of {self.accuracy}"
        if self.robustness is None:
            return lost
        whose = "it" if self.robustness == self.accuracy else self.robustness
        if self.weaker == 0:
            return f"{lost} and withstand no less than {whose} in each norm"
        return f"{lost} and withstand at most {_points(self.weaker)} less than {whose} in each norm"


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
        Whose clean accuracy is compared with.
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
        """The cheapest that meets the level for certain; None where there is none."""
        return next(iter(self.certain), None)

    @property
    def perhaps(self) -> Network | None:
        """The cheapest that cannot be excluded, where by its figure it takes less than all that are certain."""
        first = next(iter(self.possible), None)
        if first is None or (self.build is not None and _ratio(first) >= _ratio(self.build)):
            return None
        return first

    @property
    def sentence(self) -> str:
        """What to build, with what is not certain about it."""
        return f"On {self.data}, to {self.level}, {self.advice}; {self.doubt} ({self.uncertainty})."

    @property
    def brief(self) -> str:
        """What to build and what is in doubt, by names and shares of the exact one's energy."""
        best, perhaps = self.build, self.perhaps
        said = "nothing for certain" if best is None else f"{best.name}, {_share(best)}"
        doubt = "" if perhaps is None else f"; not excluded {perhaps.name}, {_share(perhaps)}"
        return f"to {self.level}: {said}{doubt}"

    @property
    def advice(self) -> str:
        """What to build for certain."""
        best = self.build
        if best is None:
            return "nothing here is certain to do"
        count = len(self.certain)
        one = "the only one that does" if count == 1 else f"the cheapest of {count} that do"
        if best.name == self.reference.name:
            return f"build {best.name} itself ({_in_uj(best)}), {one} so for certain"
        near = [each.name for each in self.certain[1:] if not costs_less(best, each)]
        untold = f" (in energy not told apart from {', '.join(near)})" if near else ""
        return f"build {best.name}: {_in_uj(best)}, {_of_exact(best)}, {one} so for certain{untold}"

    @property
    def doubt(self) -> str:
        """Which cheaper one cannot be excluded."""
        perhaps = self.perhaps
        if perhaps is None:
            return "no cheaper one is left in doubt"
        others = f", the cheapest of {len(self.possible)} of which that can be said" if len(self.possible) > 1 else ""
        return (
            f"it cannot be excluded that {perhaps.name} does, too, at {_in_uj(perhaps)}, {_of_exact(perhaps)}{others}"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: names instead of networks, and the sentence."""
        return {
            "level": str(self.level),
            **vars(self.level),
            "certain": [each.name for each in self.certain],
            "not_excluded": [each.name for each in self.possible],
            "sentence": self.sentence,
        }


def levels_of(front: JointFront) -> tuple[Level, ...]:
    """Return the levels of a front, by the clean accuracy of each network in plain torch.

    Clean accuracy alone; with no less of its own robustness but for the margin, and none at all; then with the
    robustness of each other reference. Where a quarter more errors are more than the margin, with that, too.
    """
    references = [each for each in front.networks if each.target == EXACT]
    found = []
    for each in references:
        own = each.name
        found += [Level(own, MARGIN), Level(own, MARGIN, own, LEAST), Level(own, MARGIN, own)]
        found += [Level(own, MARGIN, other.name) for other in references if other is not each]
        more = round(MORE_ERRORS * 100 * (each.clean.n - each.clean.k) / each.clean.n, 1)
        if more > MARGIN:
            found += [Level(own, more), Level(own, more, own, LEAST), Level(own, more, own)]
    return tuple(found)


def standing(front: JointFront, level: Level, network: Network) -> str:
    """Return whether a network is at a level: ``CERTAIN``, ``POSSIBLE`` or ``EXCLUDED``."""
    asked = [("clean", level.accuracy, level.lost)]
    if level.robustness is not None:
        asked += [(norm, level.robustness, level.weaker) for norm in front.whats[1:]]
    ends = [(front.between(network.name, reference, what), margin) for what, reference, margin in asked]
    if all(low >= -margin for (low, _), margin in ends):
        return CERTAIN
    return EXCLUDED if any(high < -margin for (_, high), margin in ends) else POSSIBLE


def choices(front: JointFront) -> tuple[Choice, ...]:
    """Return what follows at each level; networks whose energy is not known are left out."""
    known = sorted((each for each in front.networks if each.energy is not None), key=_ratio)
    said = front.settings
    uncertainty = (
        f"{said['test_images']:,} test images, {said['attacked']} of them attacked; all intervals hold together at "
        f"{said['confidence']:.0%}; one network of each kind"
    )
    found = []
    for level in levels_of(front):
        by = {each.name: standing(front, level, each) for each in known}
        certain, possible = (tuple(each for each in known if by[each.name] == what) for what in (CERTAIN, POSSIBLE))
        found.append(Choice(level, certain, possible, front.network(level.accuracy), front.data, uncertainty))
    return tuple(found)


def _energy(network: Network) -> Energy:
    assert network.energy is not None
    return network.energy


def _ratio(network: Network) -> float:
    return _energy(network).ratio


def _in_uj(network: Network) -> str:
    return f"{float(f'{_energy(network).image_uj:.3g}'):g} uJ an image"


def _of_exact(network: Network) -> str:
    """Its energy by that of the exact multiplier, which the references run on."""
    return f"{_share(network)} of the energy of {BASE}"


def _share(network: Network) -> str:
    energy = _energy(network)
    return f"{energy.ratio:.2f} [{energy.together[0]:.2f}, {energy.together[1]:.2f}]"


def _points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"
