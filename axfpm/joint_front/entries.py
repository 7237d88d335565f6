"""What stands on the joint fronts: networks, what was done to them, and what their products run on.

A front is of one data set and one architecture; all of its networks are judged on the same images. Searched
assignments are those of docs/search.md, which chose them on training images.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from golden.assignments import Assignment
from golden.registry import Registry
from golden.robustness.row_types import EXACT
from golden.robustness.targets import Target, target
from golden.robustness.targets.names import ASSIGNMENT

__all__ = ["FRONTS", "HOWS", "Entry", "Front"]

HOWS = {
    "catalogue": "the network as it was trained, on a multiplier of the catalogue",
    "calibrated": "with biases that carry the gains of its layers",
    "fine-tuned": "trained for an epoch more on the multiplier",
    "adversarially trained": "trained on images perturbed by PGD, exactly, or from there for an epoch more on the "
    "multiplier",
    "searched": "a multiplier for each layer, found by axfpm search",
}
"""What was done to a network, in words."""


@dataclass(frozen=True)
class Entry:
    """A network on what its products run on.

    Parameters
    ----------
    on : str
        Name of the target: a multiplier with or without ``+calibrated``, ``exact torch``, or an assignment.
    how : str
        A name in ``HOWS``.
    tuned : bool
        Whether the network is trained for an epoch more on the multiplier: on clean images, or where it was trained on
        perturbed ones on such.
    """

    on: str
    how: str = "catalogue"
    tuned: bool = False

    @property
    def target(self) -> Target:
        """What the network is changed to."""
        return target(self.on)

    @property
    def adversarial(self) -> bool:
        """Whether its network is the adversarially trained one."""
        return self.how == "adversarially trained"

    @property
    def runs_on(self) -> str | Assignment:
        """What multiplies: a multiplier's name, or the assignment; for plain torch the exact multiplier."""
        found = self.target
        if found.layers is not None:
            return found.layers
        return "exact" if found.multiplier is None else str(found.multiplier)

    @property
    def exact(self) -> bool:
        """Whether it is a network in plain torch."""
        return self.on == EXACT

    @property
    def name(self) -> str:
        """Its name on the front; no other entry has it."""
        if self.how in ("catalogue", "calibrated"):
            return self.on
        layers = self.target.layers
        where = " on it" if self.tuned and self.adversarial else ""
        return f"{self.on if layers is None else _short(layers)} ({self.how}{where})"


def _short(layers: Assignment) -> str:
    """The multiplier of most layers, and the layers that have others: ``e8m1, fc2 ax-fpm, fc3 exact``."""
    most = Counter(str(m) for m in layers.values()).most_common(1)[0][0]
    others = ((f"layer {name}" if name.isdigit() else name, m) for name, m in layers.items() if str(m) != most)
    return ", ".join([most, *(f"{name} {m}" for name, m in others)])


@dataclass(frozen=True)
class Front:
    """Entries that are judged on the same images.

    Parameters
    ----------
    data, model : str
        Names of the data set and the architecture.
    entries : tuple of Entry
        The exact network first; the most telling ones early, as an interrupted measurement ends anywhere.
    attacked : int
        How many of the test images are attacked, spread evenly over all.
    """

    data: str
    model: str
    entries: tuple[Entry, ...]
    attacked: int

    @property
    def references(self) -> tuple[Entry, ...]:
        """Networks in plain torch: what the others are held against."""
        return tuple(entry for entry in self.entries if entry.exact)


def _assigned(model_layers: str, letters: str) -> str:
    names = {"x": "exact", "a": "ax-fpm", "b": "bf16", "8": "e8m1", "2": "e8m2"}
    pairs = zip(model_layers.split(), letters.split(), strict=True)
    return f"{ASSIGNMENT}:" + ";".join(f"{layer}={names[letter]}" for layer, letter in pairs)


LENET5, ALEXNET = "conv1 conv2 fc1 fc2 fc3", "1 4 7 9 11 15 17"
TUNED = tuple(Entry(name, "fine-tuned", tuned=True) for name in ("ax-fpm", "e8m1", "e8m2"))

FRONTS = Registry(
    "front",
    {
        "mnist": Front(
            "mnist",
            "lenet5",
            (
                Entry(EXACT),
                Entry(EXACT, "adversarially trained"),
                *(Entry(name) for name in ("ax-fpm", "e8m1", "e8m2")),
                *(Entry(name, "adversarially trained") for name in ("e8m2", "ax-fpm", "e8m1")),
                *(Entry(name) for name in ("bf16", "mitchell")),
                *TUNED,
                *(Entry(_assigned(LENET5, letters), "searched") for letters in ("8 8 8 a x", "x 8 8 a x")),
                *(Entry(name, "adversarially trained", tuned=True) for name in ("ax-fpm", "e8m1")),
                *(Entry(_assigned(LENET5, letters), "searched") for letters in ("8 8 a x x", "x x 8 8 8")),
                Entry("bf16", "adversarially trained"),
            ),
            attacked=100,
        ),
        "cifar10": Front(
            "cifar10",
            "alexnet",
            (
                Entry(EXACT),
                *(Entry(name) for name in ("ax-fpm", "e8m2", "bf16", "mitchell")),
                TUNED[0],
                Entry("e8m1"),
                TUNED[2],
                Entry("ax-fpm+calibrated", "calibrated"),
                TUNED[1],
                Entry(EXACT, "adversarially trained"),
                *(Entry(name, "adversarially trained", tuned=True) for name in ("ax-fpm", "e8m1")),
                *(
                    Entry(_assigned(ALEXNET, letters), "searched")
                    for letters in ("b 8 8 8 8 8 8", "b b 2 8 8 8 a", "b b 2 8 2 8 b")
                ),
                *(
                    Entry(name, "adversarially trained")
                    for name in ("e8m2", _assigned(ALEXNET, "b 8 8 8 8 8 8"), "bf16")
                ),
            ),
            attacked=200,
        ),
    },
)
"""Fronts by data set."""
