"""The energy of an image on what an entry runs on: from files of measured inferences, or measured now.

It is that of the package's own network with the operands that it has on that multiplier, beside the exact multiplier in
the same run, so that the ratio of both has the narrow interval of paired measurements. Networks that were trained
further are given the energy of their multiplier: their own operands differ somewhat.

Where an assignment's own was not measured, it is the sum over its layers, each with all layers on its multiplier, as a
search takes it (``axfpm.layer_search.energies``). With w the share that a layer takes of the exact multiplier's energy,
its ratio is the sum of w r over layers, r being a layer's own ratio. The ends of layers add up likewise: that would be
the interval if all erred together, as layers on the same netlists nearly do, and is too wide where they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from axfpm.joint_front.entries import Entry, Front
from axfpm.joint_front.result import Energy
from axfpm.layer_search.energies import LIBRARY
from golden.assignments import Assignment
from golden.cnn.trained import trained_network
from golden.progress import Progress
from synth.energy.inference.result import InferenceEnergy, InferenceRow
from synth.energy.inference.technologies import MEASURED, read

__all__ = ["BASE", "energy_of"]

BASE, TREE = "exact", "dadda"
"""What ratios are taken to, and the compressor tree of the multipliers that are compared."""

Row = tuple[InferenceEnergy, InferenceRow]


def energy_of(
    entry: Entry, front: Front, files: Sequence[Path], *, measure: bool, progress: Progress | None = None
) -> Energy | None:
    """Return the energy of an image on an entry.

    Parameters
    ----------
    entry, front : Entry, Front
        What multiplies, and where it stands.
    files : sequence of Path
        Of ``axfpm energy inference -o``; those of the package stand behind them.
    measure : bool
        Whether to measure what no file has beside the exact multiplier; else that has none.
    progress : callable, optional
        Of a measurement.
    """
    network, runs_on = trained_network(front.model, front.data), entry.runs_on
    results = [result for path in (*files, *sorted(MEASURED.glob("*.json"))) for result in read(path).results]
    whole = _row(results, network.name, str(runs_on))
    if whole is not None:
        return _of(*whole)
    names = [str(m) for m in runs_on.multipliers] if isinstance(runs_on, Assignment) else [runs_on]
    missing = [name for name in names if _row(results, network.name, name) is None]
    if missing and measure:
        from synth.energy.inference.comparison import inference_energy

        results.append(
            inference_energy(network.checkpoint, multiplier=missing, library=LIBRARY, accuracy=False, progress=progress)
        )
    found = {name: row for name in names if (row := _row(results, network.name, name)) is not None}
    if len(found) < len(names):
        return None
    return _summed(found, runs_on) if isinstance(runs_on, Assignment) else _of(*found[runs_on])


def _row(results: Iterable[InferenceEnergy], network: str, name: str) -> Row | None:
    """The row of a multiplier, or of an assignment spelled out, that has a ratio to the exact multiplier."""
    for result in results:
        if (result.network, result.library) == (network, LIBRARY):
            for row in result.rows:
                if row.multiplier == name and (row.tree == TREE or "=" in name) and BASE in row.ratios:
                    return result, row
    return None


def _of(result: InferenceEnergy, row: InferenceRow) -> Energy:
    ratio = row.ratios[BASE]
    return Energy(
        row.image_uj,
        row.image_interval,
        ratio.energy,
        ratio.interval,
        ratio.interval,
        result.conditions.variants,
        result.network,
    )


def _summed(found: Mapping[str, Row], layers: Assignment) -> Energy:
    first, _ = next(iter(found.values()))
    exact = first.row(BASE)
    energies, ratios = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for k, layer in enumerate(exact.layers):
        own = found[str(layers.of_layer(layer.layer))][1].layers[k]
        share = layer.image_uj / exact.image_uj
        for place, pj in enumerate((own.energy_pj, *own.energy_interval)):
            energies[place] += own.macs * pj / 1e6
        for place, ratio in enumerate((own.ratios[BASE].energy, *own.ratios[BASE].interval)):
            ratios[place] += share * ratio
    ends = (ratios[1], ratios[2])
    units = min(result.conditions.variants for result, _ in found.values())
    return Energy(
        energies[0], (energies[1], energies[2]), ratios[0], ends, ends, units, f"{first.network}, layer by layer"
    )
