"""Inferences of one network on several cell libraries, with the verdicts that follow, and the files that keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from synth.energy.inference.accuracy import Accuracy, Share
from synth.energy.inference.claims import Verdict, decide
from synth.energy.inference.result import InferenceEnergy, InferenceRow, LayerRow, Ratio
from synth.energy.result import Conditions

__all__ = ["FORMAT", "MEASURED", "VERSION", "Inferences", "read"]

FORMAT, VERSION = "axfpm inference energy", 1
MEASURED = Path(__file__).with_name("measured")
"""Files that come with the package, a network each."""


@dataclass(frozen=True)
class Inferences:
    """Inferences of one network on one or more libraries.

    Raises
    ------
    InvalidInput
        If there is none, or two are of one library, or of two networks.
    """

    results: tuple[InferenceEnergy, ...]

    def __post_init__(self) -> None:
        libraries = [result.library for result in self.results]
        if not libraries or len(set(libraries)) < len(libraries):
            raise InvalidInput(f"a library comes twice among {', '.join(libraries)}, or there is none; give each once")
        if len({(result.network, result.block) for result in self.results}) > 1:
            raise InvalidInput("the results are of several networks or blocks; give those of one")

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What the rule says of each claim against each baseline."""
        return decide(self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return all results, and the verdicts, as plain JSON types."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "results": [result.to_dict() for result in self.results],
        }

    def to_json(self) -> str:
        """Return the results as JSON text, which ``read`` reads."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"


def read(path: str | Path) -> Inferences:
    """Return the results of a file that ``Inferences.to_json`` wrote; verdicts follow from them.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is of another kind or version, or damaged.
    """
    path = Path(path)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}; measure again") from None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise InvalidInput(f"{path} holds no energies of inferences; `axfpm energy inference -o FILE` writes them")
    if plain.get("version") != VERSION:
        raise InvalidInput(
            f"{path} is of version {plain.get('version')!r} and this axfpm reads version {VERSION}; measure again, or "
            "use the axfpm that wrote it"
        )
    try:
        return Inferences(tuple(map(_result, plain["results"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}); measure again") from None


def _result(plain: Mapping[str, Any]) -> InferenceEnergy:
    given = {key: plain["conditions"][key] for key in Conditions.__dataclass_fields__ if key in plain["conditions"]}
    conditions = Conditions(**{**given, "dont_use": tuple(given["dont_use"])})
    own = {key: plain[key] for key in ("network", "data", "block", "stages")}
    return InferenceEnergy(**own, conditions=conditions, rows=tuple(map(_row, plain["rows"])))


def _row(plain: Mapping[str, Any]) -> InferenceRow:
    layers = tuple(
        LayerRow(**{**layer, "energy_interval": tuple(layer["energy_interval"]), "ratios": _ratios(layer["ratios"])})
        for layer in plain["layers"]
    )
    known, accuracy = plain["accuracy"], None
    if known is not None:
        raw, calibrated = (
            Share(int(known[key]["k"]), int(known[key]["n"]), tuple(known[key]["interval"]))
            for key in ("raw", "calibrated")
        )
        accuracy = Accuracy(raw, calibrated)
    own = {**plain, "image_interval": tuple(plain["image_interval"])}
    return InferenceRow(**{**own, "accuracy": accuracy, "layers": layers, "ratios": _ratios(plain["ratios"])})


def _ratios(plain: Mapping[str, Any]) -> dict[str, Ratio]:
    return {name: Ratio(each["energy"], tuple(each["interval"])) for name, each in plain.items()}
