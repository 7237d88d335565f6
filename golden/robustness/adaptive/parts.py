"""The parts of the attack, and what each costs and leaves out where it is switched off."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OFF", "Parts"]


@dataclass(frozen=True)
class Parts:
    """Which parts take part; they change what runs do, not how many there are.

    Parameters
    ----------
    steps, restarts : int
        Gradient steps of a run, and runs.
    first_layer : int
        Rounds of the discrete search after each run; 0 leaves it out.
    smooth : int
        Points over which gradients are averaged, in the search and in every third run; 0 does not.
    losses, gradients, twins : int
        1 or 0: whether runs take turns in all losses, in all kinds of gradient, and in starts from twins.
    queries : int
        Scores asked by random squares where there is no gradient at all; 0 leaves that out.
    grid : int
        Examples lie on multiples of 1 / ``grid``, 255 for images of 8 bits; 0 leaves them free. This is no part of the
        attack but a bound on the attacker, so that it is not in ``OFF``.
    """

    steps: int = 40
    restarts: int = 6
    first_layer: int = 10
    smooth: int = 4
    losses: int = 1
    gradients: int = 1
    twins: int = 1
    queries: int = 1000
    grid: int = 0


OFF = {"first_layer": 0, "smooth": 0, "losses": 0, "gradients": 0, "twins": 0, "queries": 0}
"""Everything but plain runs along the module's own gradient of the cross-entropy, from random starts."""
