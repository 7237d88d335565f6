"""What an inference takes on one multiplier: its layers and their sum, with intervals, beside the baselines.

A unit is what is drawn alike: one netlist with windows of its own in every layer; where there are few netlists, equal
parts of the windows of each. A unit's energy of an image is the sum over layers of multiply-accumulates times the mean
over its windows, so that the interval of the sum needs no assumption on how layers depend on each other. Units of equal
place have the same windows in every design, so that ratios are of the same operations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from synth.energy.inference.accuracy import Accuracy
from synth.energy.inference.classes import energy_by_classes
from synth.energy.inference.result import InferenceRow, LayerRow, Ratio
from synth.energy.intervals import FEWEST_UNITS, mean_interval, ratio_interval
from synth.energy.rows import Design, Run
from synth.energy.stimulus import HELD

__all__ = ["Inference", "make_rows", "parts_of"]


@dataclass(frozen=True, eq=False)
class Inference:
    """One network on one design, as it was measured.

    Parameters
    ----------
    design : Design
        What was built; of an assignment its name stands there.
    runs : sequence of sequences of Run
        The netlists of what computes each layer, layer after layer: one and the same design, or where layers have
        multipliers of their own several. Each netlist is measured on windows of its own, the same number of each layer,
        layer after layer; of each design those layers count that it computes.
    activations : sequence of numpy.ndarray
        float32, (windows, ``HELD``), for each run.
    shares : numpy.ndarray
        float64, (layers, classes): ``classes.shares_of`` each layer on this multiplier.
    accuracy : Accuracy or None
        Of the network there.
    waits : int
        How many cycles after it came to the ports an operation is multiplied.
    """

    design: Design
    runs: Sequence[Sequence[Run]]
    activations: Sequence[np.ndarray] = field(repr=False)
    shares: np.ndarray = field(repr=False)
    accuracy: Accuracy | None = None
    waits: int = 0

    def operations(self, *, zero_delay: bool = False) -> np.ndarray:
        """Energy of each operation, pJ, float64, (runs, layers, windows, ``HELD``).

        It is that of the cycle in which the operation is multiplied: what registers take before, and sums behind, falls
        to its neighbours. Streams are circles, so that the last operation is multiplied in the first cycle recorded.
        """
        layers = [self._of(runs, zero_delay=zero_delay)[:, k] for k, runs in enumerate(self.runs)]
        return np.stack(layers, axis=1)

    def _of(self, runs: Sequence[Run], *, zero_delay: bool) -> np.ndarray:
        """Energy of each operation on one design, all layers."""
        found = [(run.measured.zero_delay if zero_delay else run.measured.with_glitches).total for run in runs]
        return np.roll(np.stack(found), -self.waits, axis=1).reshape(len(runs), len(self.shares), -1, HELD)

    @property
    def built(self) -> list[Sequence[Run]]:
        """The netlists of each design that takes part, once."""
        return list({id(runs): runs for runs in self.runs}.values())

    def units(self) -> np.ndarray:
        """Mean energy of an operation in each layer of each unit, pJ, float64, (units, layers)."""
        windows = self.operations().mean(3)
        parts = parts_of(len(self.runs[0]))
        return np.concatenate([part.mean(2) for part in np.split(windows, parts, axis=2)])

    def by_classes(self) -> np.ndarray:
        """Mean energy of an operation in each layer by the second path, pJ, float64, (layers,)."""
        energies = np.concatenate(self.operations(), axis=1)
        words = [each.reshape(len(self.shares), -1, HELD) for each in self.activations]
        activations = np.concatenate(words, axis=1)
        found = [energy_by_classes(*layer) for layer in zip(self.shares, activations, energies, strict=True)]
        return np.array(found)


def parts_of(runs: int) -> int:
    """Return into how many units the windows of each of so many netlists are split: one where they are enough."""
    return 1 if runs >= FEWEST_UNITS else -(-FEWEST_UNITS // runs)


def make_rows(measured: Sequence[Inference], names: Sequence[str], macs: Sequence[int]) -> tuple[InferenceRow, ...]:
    """Sum up each design, and set it beside the baselines among them.

    Parameters
    ----------
    measured : sequence of Inference
        All on the same windows.
    names, macs : sequence
        Of the layers: name, and multiply-accumulates of one image.
    """
    bases = {each.design.name: each.units() for each in measured if each.design.baseline}
    return tuple(_row(each, names, macs, bases) for each in measured)


def _row(own: Inference, names: Sequence[str], macs: Sequence[int], bases: Mapping[str, np.ndarray]) -> InferenceRow:
    units, second = own.units(), own.by_classes()
    counts = np.array(macs, np.float64) / 1e6  # pJ of an operation become uJ of an image
    instant = own.operations(zero_delay=True).mean((0, 2, 3))
    layers = tuple(
        LayerRow(
            layer=name,
            macs=macs[k],
            energy_pj=float(units[:, k].mean()),
            energy_interval=mean_interval(units[:, k]),
            energy_pj_zero_delay=float(instant[k]),
            energy_pj_by_classes=float(second[k]),
            image_uj=float(counts[k] * units[:, k].mean()),
            ratios={base: _ratio(units[:, k], given[:, k]) for base, given in bases.items()},
        )
        for k, name in enumerate(names)
    )
    images = units @ counts
    return InferenceRow(
        multiplier=own.design.multiplier,
        tree=own.design.tree,
        baseline=own.design.baseline,
        image_uj=float(images.mean()),
        image_interval=mean_interval(images),
        image_uj_zero_delay=float(instant @ counts),
        image_uj_by_classes=float(second @ counts),
        area_um2=float(sum(np.mean([run.area_um2 for run in runs]) for runs in own.built)),
        critical_path_ns=float(max(np.mean([run.critical_path_ns for run in runs]) for runs in own.built)),
        period_ns=float(max(np.mean([run.period_ns for run in runs]) for runs in own.built)),
        accuracy=own.accuracy,
        layers=layers,
        ratios={base: _ratio(images, given @ counts) for base, given in bases.items()},
    )


def _ratio(units: np.ndarray, base: np.ndarray) -> Ratio:
    return Ratio(float(units.mean() / base.mean()), ratio_interval(units, base))
