"""A board of results: targets ranked by what is left of them under the adaptive attack, files by anybody side by side.

What ranks is robust accuracy under the white-box suite, the best of all attacks for each image, since every other
figure can be had by an attacker's weakness. Only equal tasks are compared: the same preset, so the same data, attacks
and budget. Several networks of a file are shown as tables of results show them, by the mean of their rates. Files that
``validation`` finds faults in do not rank.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.errors import InvalidInput
from golden.robustness.records import MEASURED, read
from golden.robustness.result_tables import grouped, mean
from golden.robustness.results import Results
from golden.robustness.statistics import Proportion
from golden.robustness.validation import faults

__all__ = ["BASELINE", "Board", "Entry", "board", "energy_ratios", "files_of"]

RANKING, BESIDE = "white-box", "twin"
BASELINE = "exact-trunc"
"""Multiplier that energy is a share of."""


@dataclass(frozen=True)
class Entry:
    """A target of one file.

    Parameters
    ----------
    target : str
        Its name; draws of noise together.
    multiplier : str or None
        What its products run on.
    adaptive, clean : Proportion
        Robust accuracy under the white-box suite, and clean accuracy.
    twin : Proportion or None
        Robust accuracy under the twin suite; None where the target is not in it.
    energy : str
        A product's energy as a share of ``BASELINE``'s, or the range of shares over several cell libraries; empty where
        it is not known.
    model, seeds : str
        The networks, and their training seeds.
    attacks : int
        Sets of examples in the white-box suite.
    file : str
        Name of the file, or of the preset that comes with the package.
    """

    target: str
    multiplier: str | None
    adaptive: Proportion
    clean: Proportion
    twin: Proportion | None
    energy: str
    model: str
    seeds: str
    attacks: int
    file: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the parameters by name."""
        return {k: v.to_dict() if isinstance(v, Proportion) else v for k, v in vars(self).items()}


@dataclass(frozen=True)
class Board:
    """All entries.

    Parameters
    ----------
    tasks : mapping of (preset, norm, budget) to tuple of Entry
        Each ranked, the best first; of equal ones the file that was read first.
    left_out : mapping of str to tuple of str
        Files that do not rank, with their faults.
    """

    tasks: Mapping[tuple[str, str, float], tuple[Entry, ...]]
    left_out: Mapping[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ``tasks`` with ``preset``, ``norm``, ``budget`` and ranked ``entries``; ``left_out``."""
        tasks = [
            {"preset": preset, "norm": norm, "budget": budget, "entries": [entry.to_dict() for entry in entries]}
            for (preset, norm, budget), entries in self.tasks.items()
        ]
        return {"tasks": tasks, "left_out": {name: list(why) for name, why in self.left_out.items()}}


def files_of(folder: str | Path) -> dict[str, Path]:
    """Result files by the name that a board shows: those that come with the package, then those of a folder.

    Raises
    ------
    InvalidInput
        If there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; make it, and put result files of `axfpm evaluate -o` into it")
    own = {f"{path.name.partition('.')[0]} (axfpm)": path for path in sorted(MEASURED.glob("*.jsonl.gz"))}
    theirs = sorted(path for path in folder.rglob("*") if path.name.endswith((".jsonl", ".jsonl.gz")))
    return {**own, **{path.relative_to(folder).as_posix(): path for path in theirs}}


def energy_ratios(path: str | Path, baseline: str = BASELINE) -> dict[str, str]:
    """Energy by multiplier as a share of a baseline's, out of what ``axfpm energy --json`` printed.

    ``rows`` hold ``multiplier`` and ``ratios``: baseline to a number, or to an object with a number under ``energy``,
    or with numbers there by cell library.

    Raises
    ------
    InvalidInput
        If the file cannot be read, or has no such rows.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))["rows"]
        return {row["multiplier"]: _ratio(row["ratios"][baseline]) for row in rows if baseline in row["ratios"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "it has no rows with multiplier and ratios"
        raise InvalidInput(f"cannot read energy from {path}: {why}; give what `axfpm energy --json` printed") from None


def _ratio(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value["energy"]
    numbers = [float(one) for one in (value.values() if isinstance(value, Mapping) else (value,))]
    least, most = f"{min(numbers):.2f}", f"{max(numbers):.2f}"
    return least if least == most else f"{least} .. {most}"


def board(files: Mapping[str, Path], *, energy: Mapping[str, str] | None = None) -> Board:
    """Rank the targets of result files.

    Parameters
    ----------
    files : mapping of str to Path
        By the name to show.
    energy : mapping of str to str, optional
        Multiplier to energy, as ``energy_ratios`` returns it.
    """
    tasks: dict[tuple[str, str, float], list[Entry]] = {}
    left_out = {}
    for name, path in files.items():
        wrong = faults(path)
        if wrong:
            left_out[name] = wrong
            continue
        results = read(path)
        for task, entries in _entries(results, name, energy or {}):
            tasks.setdefault(task, []).extend(entries)
    ranked = {
        task: tuple(sorted(entries, key=lambda e: -(e.adaptive.rate or 0.0))) for task, entries in sorted(tasks.items())
    }
    return Board(ranked, left_out)


def _entries(
    results: Results, file: str, energy: Mapping[str, str]
) -> Iterable[tuple[tuple[str, str, float], list[Entry]]]:
    settings = results.settings
    for norm, budget in settings["budgets"].items():
        suites = [row for row in results.suites if (row.norm, row.budget) == (norm, budget)]
        ranking = [row for row in suites if row.threat_model == RANKING]
        beside = [row for row in suites if row.threat_model == BESIDE]
        entries = []
        for name, rows in grouped(ranking):
            members = {row.target for row in rows}
            clean = [row.accuracy for row in results.clean if row.target in members]
            twin = [row.robust_accuracy for row in beside if row.target in members]
            multiplier = _multiplier(rows[0].target, settings)
            entries.append(
                Entry(
                    name,
                    multiplier,
                    mean([row.robust_accuracy for row in rows]),
                    mean(clean),
                    mean(twin) if twin else None,
                    energy.get(multiplier or "", ""),
                    ", ".join(dict.fromkeys(row.model for row in rows)),
                    ", ".join(dict.fromkeys(str(row.seed) for row in rows)),
                    max(row.attacks for row in rows),
                    file,
                )
            )
        yield (settings["preset"], norm, budget), entries


def _multiplier(name: str, settings: Mapping[str, Any]) -> str | None:
    """What a target runs on, of the settings' targets with a multiplier: its name without network and modifiers."""
    return name.rpartition("/")[2].partition("+")[0] if name in settings["multipliers"] else None
