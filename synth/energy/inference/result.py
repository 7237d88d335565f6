"""The energy of an inference on several multipliers under the same conditions: rows, their layers, tables."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from golden.errors import InvalidInput
from synth.energy.inference.accuracy import Accuracy
from synth.energy.result import Conditions
from synth.energy.rows import Design
from synth.libraries import recognise

__all__ = ["EXCLUDED", "InferenceEnergy", "InferenceRow", "LayerRow", "Ratio"]

EXCLUDED = "memories, the clock tree, pooling, cycles in which an array loads or idles, and wires"
"""What is spent by an inference and is in no figure here."""


@dataclass(frozen=True)
class Ratio:
    """An energy divided by a baseline's, and its 95% interval; below 1 is a saving."""

    energy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class LayerRow:
    """One layer on one multiplier.

    Parameters
    ----------
    layer : str
        Its name in the network.
    macs : int
        Multiply-accumulates of one image.
    energy_pj, energy_pj_zero_delay : float
        Mean energy of one of them (pJ) with glitches, and if nothing glitched.
    energy_interval : tuple of float
        95% interval of ``energy_pj``.
    energy_pj_by_classes : float
        ``energy_pj`` by the second path (``synth.energy.inference.classes``).
    image_uj : float
        Energy of the layer for one image, uJ.
    ratios : dict of str to Ratio
        By baseline.
    """

    layer: str
    macs: int
    energy_pj: float
    energy_interval: tuple[float, float]
    energy_pj_zero_delay: float
    energy_pj_by_classes: float
    image_uj: float
    ratios: dict[str, Ratio]


@dataclass(frozen=True)
class InferenceRow:
    """An inference on one multiplier: means over its netlists and windows, summed over layers.

    Parameters
    ----------
    multiplier, tree : str
        Its canonical name, and the compressor tree it is built with; of an assignment layers and multipliers spelled
        out.
    baseline : bool
        Whether ratios are taken to it.
    image_uj, image_uj_zero_delay : float
        Energy of one image (uJ) with glitches, and if nothing glitched.
    image_interval : tuple of float
        95% interval of ``image_uj``.
    image_uj_by_classes : float
        ``image_uj`` by the second path.
    area_um2, critical_path_ns, period_ns : float
        Of the circuit that was measured, means over its netlists. Of an assignment: the sum of one circuit of each
        multiplier that it uses, and the slowest of them.
    accuracy : Accuracy or None
        Of the network on this multiplier; None where it was not asked for.
    layers : tuple of LayerRow
        In the order of execution.
    ratios : dict of str to Ratio
        Of ``image_uj``, by baseline.
    """

    multiplier: str
    tree: str
    baseline: bool
    image_uj: float
    image_interval: tuple[float, float]
    image_uj_zero_delay: float
    image_uj_by_classes: float
    area_um2: float
    critical_path_ns: float
    period_ns: float
    accuracy: Accuracy | None
    layers: tuple[LayerRow, ...]
    ratios: dict[str, Ratio]

    @property
    def name(self) -> str:
        """The name of the row."""
        return Design(self.multiplier, self.tree).name

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON types."""
        return {**_plain(asdict(self)), "accuracy": None if self.accuracy is None else self.accuracy.to_dict()}


@dataclass(frozen=True)
class InferenceEnergy:
    """The energy of an inference of one network on several multipliers, on one library.

    Parameters
    ----------
    network : str
        The network with its parameters, as in ``lenet5 (lenet5-mnist)``.
    data : str
        The data set that it classifies.
    block : str
        The circuit that was measured.
    stages : int
        Its pipeline stages.
    conditions : Conditions
        What every row shares.
    rows : tuple of InferenceRow
        The baselines, then the other multipliers in the order they were asked for.
    """

    network: str
    data: str
    block: str
    stages: int
    conditions: Conditions
    rows: tuple[InferenceRow, ...]

    @property
    def library(self) -> str:
        """The name of the library as on the command line; its own where it is none of those."""
        known = recognise(self.conditions.library)
        return self.conditions.library if known is None else known.name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows."""
        return tuple(row.name for row in self.rows)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the rows that ratios are taken to."""
        return tuple(row.name for row in self.rows if row.baseline)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(layer.macs for layer in self.rows[0].layers)

    def row(self, name: str) -> InferenceRow:
        """Return a row by its name.

        Raises
        ------
        InvalidInput
            If there is none.
        """
        if name not in self.names:
            raise InvalidInput(f"{name} is not in this result of {', '.join(self.names)}")
        return self.rows[self.names.index(name)]

    def __str__(self) -> str:
        return (
            f"{self.network}, {self.macs:,} multiply-accumulates an image, each on the block {self.block} with "
            f"{self.stages} stages; without {EXCLUDED}; {self.conditions}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        own = asdict(self.conditions)
        return {
            "library": self.library,
            "network": self.network,
            "data": self.data,
            "block": self.block,
            "stages": self.stages,
            "macs": self.macs,
            "excluded": EXCLUDED,
            "conditions": {**own, "dont_use": list(own["dont_use"]), "tools": dict(own["tools"])},
            "in_words": str(self),
            "baselines": list(self.baselines),
            "rows": [row.to_dict() for row in self.rows],
        }

    def to_json(self) -> str:
        """Return the result as JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The head of the table."""
        ratios = (f"/ {name}" for name in self.baselines)
        return ("multiplier", "uJ an image", "95%", "by classes", *ratios, "accuracy", "calibrated")

    def table(self) -> list[tuple[str | float, ...]]:
        """Return the rows of a table whose head is ``columns``."""
        return [
            (
                row.name,
                row.image_uj,
                f"{row.image_interval[0]:.4g} .. {row.image_interval[1]:.4g}",
                row.image_uj_by_classes,
                *(_shown(row.ratios[name], own=name == row.name) for name in self.baselines),
                *(("-", "-") if row.accuracy is None else (str(row.accuracy.raw), str(row.accuracy.calibrated))),
            )
            for row in self.rows
        ]

    @property
    def layer_columns(self) -> tuple[str, ...]:
        """The head of the table of layers."""
        return ("layer", "MACs", *self.names)

    def layer_table(self) -> list[tuple[str | float, ...]]:
        """Return a row for each layer: energy of one multiply-accumulate, pJ, and its interval, by multiplier."""
        return [
            (layer.layer, layer.macs, *(_of_layer(row.layers[k]) for row in self.rows))
            for k, layer in enumerate(self.rows[0].layers)
        ]


def _of_layer(layer: LayerRow) -> str:
    return f"{layer.energy_pj:.3g} [{layer.energy_interval[0]:.3g}, {layer.energy_interval[1]:.3g}]"


def _shown(ratio: Ratio, *, own: bool) -> str:
    return "1" if own else f"{ratio.energy:.3f} [{ratio.interval[0]:.3f}, {ratio.interval[1]:.3f}]"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
