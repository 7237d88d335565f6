"""The energy of an image on each entry: from files, or measured now.

Where an assignment's own was not measured, it is the sum over its layers, each with all layers on its multiplier, as a
search takes it (``axfpm.layer_search.energies``). The ends of layers add up, too: that would be the interval if all
erred together, as netlists of one multiplier nearly do, and is too wide where they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from axfpm.joint_front.entries import Entry, Front
from axfpm.joint_front.networks import starting_point
from axfpm.joint_front.result import Energy
from axfpm.layer_search.energies import LIBRARY
from golden.assignments import Assignment
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.progress import Progress
from synth.energy.inference.result import InferenceEnergy, InferenceRow
from synth.energy.inference.technologies import MEASURED, read

__all__ = ["energy_of"]

TREE = "dadda"
"""Of the multipliers that are compared."""


def energy_of(
    entry: Entry,
    front: Front,
    trained: TrainedNetwork,
    files: Sequence[Path],
    *,
    measure: bool,
    progress: Progress | None = None,
) -> Energy | None:
    """Return the energy of an image on an entry.

    Parameters
    ----------
    entry, front : Entry, Front
        What multiplies, and where it stands.
    trained : TrainedNetwork
        Its network.
    files : sequence of Path
        Of ``axfpm energy inference -o``; those of the package stand behind them.
    measure : bool
        Whether to measure what no file has. Else a network that was trained further has the energy of the one that it
        was trained from, or of the package's own, an assignment the sum over its layers, and what is in no file none.
    progress : callable, optional
        Of a measurement.
    """
    results = [result for path in (*files, *sorted(MEASURED.glob("*.json"))) for result in read(path).results]
    own = _known(results, trained.name, entry.runs_on)
    if own is not None:
        return own
    if measure:
        from synth.energy.inference.comparison import inference_energy

        assigned = [entry.runs_on] if isinstance(entry.runs_on, Assignment) else []
        found = inference_energy(
            trained.checkpoint,
            multiplier=() if assigned else (str(entry.runs_on),),
            layers=assigned,
            library=LIBRARY,
            baselines=(),
            accuracy=False,
            progress=progress,
        )
        return _of(found, found.rows[0])
    start = trained_network(front.model, front.data, starting_point(entry, front)).name
    plain = trained_network(front.model, front.data).name
    if isinstance(entry.runs_on, Assignment):
        return _summed(results, plain, entry.runs_on)
    return _known(results, start, entry.runs_on) or _known(results, plain, entry.runs_on)


def _known(results: Iterable[InferenceEnergy], network: str, runs_on: str | Assignment) -> Energy | None:
    found = _row(results, network, runs_on)
    return None if found is None else _of(*found)


def _row(
    results: Iterable[InferenceEnergy], network: str, runs_on: str | Assignment
) -> tuple[InferenceEnergy, InferenceRow] | None:
    for result in results:
        if (result.network, result.library) == (network, LIBRARY):
            for row in result.rows:
                if row.multiplier == str(runs_on) and (row.tree == TREE or isinstance(runs_on, Assignment)):
                    return result, row
    return None


def _summed(results: Sequence[InferenceEnergy], network: str, layers: Assignment) -> Energy | None:
    """The sum over layers; None where one of its multipliers was not measured for this network."""
    found = {str(m): _row(results, network, str(m)) for m in layers.multipliers}
    known = [each for each in found.values() if each is not None]
    if len(known) < len(found):
        return None
    sums, units = [0.0, 0.0, 0.0], min(result.conditions.variants for result, _ in known)
    for k, layer in enumerate(known[0][1].layers):
        of = found[str(layers.of_layer(layer.layer))]
        assert of is not None
        own = of[1].layers[k]
        for place, pj in enumerate((own.energy_pj, *own.energy_interval)):
            sums[place] += own.macs * pj / 1e6
    return Energy(sums[0], (sums[1], sums[2]), (sums[1], sums[2]), units, f"{network}, layer by layer")


def _of(result: InferenceEnergy, row: InferenceRow) -> Energy:
    interval = row.image_interval
    return Energy(row.image_uj, interval, interval, result.conditions.variants, result.network)
