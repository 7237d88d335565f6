"""Who is beaten in everything: energy, clean accuracy, and accuracy under attack in every norm, for certain."""

from __future__ import annotations

from axfpm.joint_front.result import JointFront, Network

__all__ = ["beaten_by", "beats", "better_deals", "costs_less"]


def costs_less(first: Network, second: Network) -> bool:
    """Whether the first takes less energy wherever in intervals that hold together the two ratios to exact lie."""
    if first.energy is None or second.energy is None:
        return False
    return first.energy.together[1] < second.energy.together[0]


def beats(front: JointFront, first: Network, second: Network) -> bool:
    """Whether the first costs less and is right more often in everything, all of it beyond the intervals.

    Where two have one and the same energy, which is then one measurement, the rest decides.
    """
    if first.energy is None or second.energy is None or first.name == second.name:
        return False
    same = (first.energy.ratio, first.energy.operands) == (second.energy.ratio, second.energy.operands)
    if not (same or costs_less(first, second)):
        return False
    return all(front.between(first.name, second.name, what)[0] > 0 for what in front.whats)


def beaten_by(front: JointFront, one: Network) -> list[str]:
    """Return the names of those that beat it."""
    return [other.name for other in front.networks if beats(front, other, one)]


def better_deals(front: JointFront, one: Network) -> list[str]:
    """Return the names of those that cost less and are worse in nothing that the intervals tell apart."""
    return [
        other.name
        for other in front.networks
        if costs_less(other, one) and all(front.between(other.name, one.name, what)[1] >= 0 for what in front.whats)
    ]
