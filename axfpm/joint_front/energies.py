"""The energy of an image on each entry: from files, or measured now."""

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
        was trained from, and what is in no file has none.
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
    return _known(results, start, entry.runs_on) or _known(results, plain, entry.runs_on)


def _known(results: Iterable[InferenceEnergy], network: str, runs_on: str | Assignment) -> Energy | None:
    for result in results:
        if (result.network, result.library) == (network, LIBRARY):
            for row in result.rows:
                if row.multiplier == str(runs_on) and (row.tree == TREE or isinstance(runs_on, Assignment)):
                    return _of(result, row)
    return None


def _of(result: InferenceEnergy, row: InferenceRow) -> Energy:
    interval = row.image_interval
    return Energy(row.image_uj, interval, interval, result.conditions.variants, result.network)
