"""What each layer takes on each candidate, from measured energies of inferences.

The files hold, for each multiplier, the energy of a multiply-accumulate of each layer with all layers on that very
multiplier (``synth.energy.inference``). Summing them over layers that have different ones takes a layer's activations
to be as dear as they were there: what multiplies before it changes how large they are and how many are zero. What an
assignment takes with its own activations, ``axfpm energy inference --layers`` measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from synth.energy.inference.layers import NETWORKS
from synth.energy.inference.result import EXCLUDED, InferenceEnergy, InferenceRow
from synth.energy.inference.technologies import MEASURED, Inferences, read

__all__ = ["LIBRARY", "LayerEnergies", "layer_energies"]

LIBRARY = "osu018"


@dataclass(frozen=True, eq=False)
class LayerEnergies:
    """Energies of the layers of one network on some multipliers, by one library.

    Parameters
    ----------
    network : str
        The network with its parameters.
    library : str
        The cell library.
    layers : tuple of str
        Names, in the order of execution.
    energy : numpy.ndarray
        float64, (layers, multipliers): of one image, uJ.
    area : numpy.ndarray
        float64, (multipliers,): of the circuit that computes a multiply-accumulate, um^2.
    conditions : str
        What was measured and how, in words, and what is left out.
    """

    network: str
    library: str
    layers: tuple[str, ...]
    energy: np.ndarray
    area: np.ndarray
    conditions: str

    @property
    def excluded(self) -> str:
        """What an inference spends besides, and is in no figure."""
        return EXCLUDED


def layer_energies(
    network: str,
    candidates: Sequence[Multiplier],
    *,
    files: Iterable[str | Path] = (),
    library: str = LIBRARY,
) -> LayerEnergies:
    """Return the energies of a network's layers on candidates.

    Parameters
    ----------
    network : str
        The network with its parameters, as results name it: ``lenet5 (lenet5-mnist)``.
    candidates : sequence of Multiplier
        In the order of the columns.
    files : iterable of str or Path
        Files of ``axfpm energy inference -o``, the first that has a candidate first; those that come with the package
        stand behind them.
    library : str
        The cell library whose figures are taken.

    Raises
    ------
    InvalidInput
        If a file cannot be read, or a candidate was not measured there for this network and library, or the
        measurements are of different circuits or layers.
    """
    given = [(Path(path), read(path)) for path in files]
    measured = [*given, *((path, read(path)) for path in sorted(MEASURED.glob("*.json")))]
    results = [(path, result) for path, each in measured for result in _of(each, network, library)]
    rows = [_row(results, network, library, m) for m in candidates]
    (_, first, _), *_ = rows
    layers = tuple(layer.layer for layer in first.rows[0].layers)
    for path, result, row in rows:
        found = (result.block, result.stages, result.conditions.clock, tuple(layer.layer for layer in row.layers))
        if found != (first.block, first.stages, first.conditions.clock, layers):
            raise InvalidInput(
                f"{path} measures {row.name} on {found[0]} with {found[1]} stages at another clock or on other layers "
                f"than the other candidates; measure all of them by one `axfpm energy inference`"
            )
    return LayerEnergies(
        network=network,
        library=first.library,
        layers=layers,
        energy=np.array([[layer.image_uj for layer in row.layers] for _, _, row in rows]).T,
        area=np.array([row.area_um2 for _, _, row in rows]),
        conditions=str(first),
    )


def _of(found: Inferences, network: str, library: str) -> list[InferenceEnergy]:
    return [result for result in found.results if (result.network, result.library) == (network, library)]


def _row(
    results: Sequence[tuple[Path, InferenceEnergy]], network: str, library: str, m: Multiplier
) -> tuple[Path, InferenceEnergy, InferenceRow]:
    """The row of a multiplier: of the first file that has it, the one of least energy."""
    for path, result in results:
        own = [row for row in result.rows if row.multiplier == str(m)]
        if own:
            return path, result, min(own, key=lambda row: row.image_uj)
    known = dict.fromkeys(row.multiplier for _, result in results for row in result.rows)
    there = f", where {', '.join(known)} were" if known else ""
    raise InvalidInput(
        f"{m} was not measured for {network} on {library}{there}; give --energies a file of "
        f"`axfpm energy inference{_option(network)} --multiplier {m} --library {library} -o FILE`"
    )


def _option(network: str) -> str:
    """How the network is named where its inferences are measured; nothing where they cannot be."""
    checkpoint = network.partition("(")[2].removesuffix(")")
    named = [name for name in NETWORKS if checkpoint == name or checkpoint.startswith(f"{name}-")]
    return f" --network {max(named, key=len)}" if named else ""
