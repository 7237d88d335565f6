"""The same multipliers on several cell libraries: ratios side by side, their spread, and the files that keep them.

A ratio that holds on one technology only says something of that technology. The spread is the least and the greatest
ratio over all libraries of a result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from synth.energy.result import Energy, from_dict
from synth.libraries import recognise

__all__ = ["FORMAT", "MEASURED", "VERSION", "Technologies", "read", "short_name"]

FORMAT, VERSION = "axfpm energy", 1
MEASURED = Path(__file__).with_name("measured")
"""Files that come with the package: ``technologies.json`` where it was measured."""


def short_name(result: Energy) -> str:
    """The name of a result's library as on the command line; its own where it is none of those."""
    known = recognise(result.conditions.library)
    return result.conditions.library if known is None else known.name


@dataclass(frozen=True)
class Technologies:
    """Results of the same multipliers on one or more libraries.

    Parameters
    ----------
    results : tuple of Energy
        One for each library.

    Raises
    ------
    InvalidInput
        If two are of one library.
    """

    results: tuple[Energy, ...]

    def __post_init__(self) -> None:
        if len(set(self.libraries)) < len(self.results):
            raise InvalidInput(f"a library comes twice among {', '.join(self.libraries)}; give each once")

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of the libraries."""
        return tuple(map(short_name, self.results))

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines that every result has."""
        first, *others = (result.baselines for result in self.results)
        return tuple(name for name in first if all(name in other for other in others))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows that every result has."""
        first, *others = ([row.name for row in result.rows] for result in self.results)
        return tuple(name for name in first if all(name in other for other in others))

    def ratios(self, name: str, baseline: str, figure: str = "energy") -> dict[str, float]:
        """Return the ratio of a multiplier to a baseline by library: ``energy``, ``area`` or ``critical_path``.

        Raises
        ------
        InvalidInput
            If a result has not both.
        """
        return {
            library: float(getattr(result.row(name).ratios[result.row(baseline).name], figure))
            for library, result in zip(self.libraries, self.results, strict=True)
        }

    def columns(self, baseline: str) -> tuple[str, ...]:
        """Return the head of the table of ratios to a baseline."""
        return (f"energy / {baseline}", *self.libraries, "spread")

    def table(self, baseline: str | None = None) -> list[tuple[str | float, ...]]:
        """Return a row for each multiplier: its energy ratio on each library, and the spread over them.

        Parameters
        ----------
        baseline : str, optional
            One of ``baselines``; the second where None, which is ``exact-trunc`` unless others were asked for.
        """
        base = baseline or self.baselines[min(1, len(self.baselines) - 1)]
        return [(name, *self.ratios(name, base).values(), self.spread(name, base)) for name in self.names]

    def spread(self, name: str, baseline: str, figure: str = "energy") -> str:
        """Return the least and the greatest ratio over the libraries, in words."""
        values = self.ratios(name, baseline, figure).values()
        return f"{min(values):.3f} .. {max(values):.3f}"

    def to_dict(self) -> dict[str, Any]:
        """Return all results, and the ratios side by side in ``rows``, as plain JSON types."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "libraries": list(self.libraries),
            "rows": [
                {
                    "multiplier": name,
                    "ratios": {
                        base: {
                            "energy": (found := self.ratios(name, base)),
                            "spread": [min(found.values()), max(found.values())],
                        }
                        for base in self.baselines
                    },
                }
                for name in self.names
            ],
            "results": [result.to_dict() for result in self.results],
        }

    def to_json(self) -> str:
        """Return the results as JSON text, which ``read`` reads."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"


def read(path: str | Path) -> Technologies:
    """Return the results of a file that ``Technologies.to_json`` wrote.

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
        raise InvalidInput(f"{path} holds no energies of axfpm; `axfpm energy -o FILE` writes them")
    if plain.get("version") != VERSION:
        raise InvalidInput(
            f"{path} is of version {plain.get('version')!r} and this axfpm reads version {VERSION}; measure again, or "
            "use the axfpm that wrote it"
        )
    try:
        return _checked(map(from_dict, plain["results"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path} is damaged ({error}); measure again") from None


def _checked(results: Iterable[Energy]) -> Technologies:
    found = Technologies(tuple(results))
    if not found.results or not found.names:
        raise ValueError("it has no rows")
    return found
