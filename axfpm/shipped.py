"""What the files that come with the package say of a multiplier: area, delay and energy, speed, and robustness.

Read with the plain installation: intervals are those that stand in the files, and no package for networks is needed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["shipped_hardware", "shipped_robustness", "shipped_speed", "shipped_suites"]

SPEED = Path(__file__).parents[1] / "golden" / "speed" / "measured" / "catalogue.json"
"""What ``axfpm bench --threads 1 --json`` printed for every multiplier of the catalogue."""

EXACT, CALIBRATED = "exact torch", "+calibrated"


def shipped_hardware(name: str) -> list[dict[str, Any]]:
    """Area (um^2), critical path (ns) and energy (pJ) of one product by a Dadda tree, by cell library.

    Parameters
    ----------
    name : str
        Canonical name of a multiplier.

    Returns
    -------
    list of dict
        ``library``, ``area_um2``, ``critical_path_ns``, ``energy_pj``, ``energy_interval`` (95%), ``ratios`` to each
        baseline, ``conditions`` (of which ``where``: cells and clock, ``how``: operands and intervals), ``file``; empty
        where the multiplier was not measured.
    """
    from synth.energy.technologies import MEASURED, read

    file = MEASURED / "technologies.json"
    if not file.is_file():
        return []
    known = read(file)
    return [
        {
            "library": library,
            "area_um2": row["area_um2"],
            "critical_path_ns": row["critical_path_ns"],
            "energy_pj": row["energy_pj"],
            "energy_interval": row["energy_interval"],
            "ratios": row["ratios"],
            "conditions": str(result.conditions),
            "where": f"{result.conditions.library}, corner {result.conditions.corner}, {result.conditions.clock}",
            "how": f"{result.conditions.layout}; {result.conditions.pairs} products, {result.conditions.stimulus}, "
            f"seed {result.conditions.seed}; {result.conditions.intervals}",
            "file": _place(file),
        }
        for library, result in zip(known.libraries, known.results, strict=True)
        for row in result.to_dict()["rows"]
        if row["multiplier"] == name and row["tree"] == "dadda"
    ]


def shipped_speed(name: str) -> dict[str, Any]:
    """How many times slower than exact torch a multiplier is emulated.

    Parameters
    ----------
    name : str
        Canonical name of a multiplier.

    Returns
    -------
    dict
        ``rows`` of ``shape``, ``ratio`` (medians, interleaved) and ``gmacs``, ``threads``, ``kernel``, ``machine``,
        ``file``; empty where the multiplier was not measured.
    """
    known = json.loads(SPEED.read_text(encoding="utf-8"))
    rows = [row for row in known["rows"] if row["multiplier"] == name]
    if not rows:
        return {}
    return {
        "rows": [{key: row[key] for key in ("shape", "ratio", "gmacs")} for row in rows],
        **{key: rows[0][key] for key in ("threads", "kernel")},
        "machine": known["machine"],
        "file": _place(SPEED),
    }


def shipped_robustness(name: str) -> list[dict[str, Any]]:
    """Robust accuracy of networks on a multiplier, and the rule's verdict where it was asked, by preset.

    Parameters
    ----------
    name : str
        Canonical name of a multiplier; the same with calibrated biases is found with it.

    Returns
    -------
    list of dict
        ``preset``, ``model``, ``data``, ``file``; ``rows`` of ``threat_model`` (``clean`` where nobody attacks, with
        neither norm nor budget), ``norm``, ``budget``, ``target``, ``rate`` (mean over networks), ``exact`` (the exact
        networks', under the best attacks on them) and ``networks`` (the share of each with its interval); ``verdicts``:
        what the rule says by threat model. Empty where nothing was evaluated.
    """
    from golden.robustness.records import MEASURED

    return [found for file in sorted(MEASURED.glob("*.jsonl.gz"), key=_preset) if (found := _of(name, file))]


def shipped_suites(threat_model: str) -> list[dict[str, Any]]:
    """Robust accuracy of all targets under the best of a threat model's attacks for each image, by preset and norm.

    Parameters
    ----------
    threat_model : str
        Its name.

    Returns
    -------
    list of dict
        ``preset``, ``model``, ``data``, ``norm``, ``budget`` and ``targets``: by name ``multiplier`` (what its products
        run on; None where it is no multiplier's), ``clean`` and ``robust``, the shares of each network (``k``, ``n``).
    """
    from golden.robustness.records import MEASURED

    return [task for file in sorted(MEASURED.glob("*.jsonl.gz"), key=_preset) for task in _tasks(threat_model, file)]


def _tasks(threat_model: str, file: Path) -> list[dict[str, Any]]:
    settings: dict[str, Any] = {}
    clean: dict[str, list[Any]] = {}
    suites: dict[tuple[str, float], dict[str, list[Any]]] = {}
    for kind, row in _rows(file):
        if kind == "settings":
            settings = row
        elif kind == "clean":
            clean.setdefault(row["target"], []).append(row["accuracy"])
        elif kind == "suite" and row["threat_model"] == threat_model:
            task = suites.setdefault((row["norm"], row["budget"]), {})
            task.setdefault(row["target"], []).append(row["robust_accuracy"])
    return [
        {
            "preset": _preset(file),
            **{key: settings[key] for key in ("model", "data")},
            **{"norm": norm, "budget": budget},
            "targets": {
                target: {
                    "multiplier": target.rpartition("/")[2].partition("+")[0]
                    if target in settings["multipliers"]
                    else None,
                    "clean": clean[target],
                    "robust": robust,
                }
                for target, robust in found.items()
                if target in clean
            },
        }
        for (norm, budget), found in suites.items()
    ]


def _of(name: str, file: Path) -> Any:
    """What one file says; something empty where that is nothing."""
    settings: dict[str, Any] = {}
    cases: dict[tuple[str, str | None, float | None], dict[str, list[Any]]] = {}
    verdicts: list[dict[str, Any]] = []
    own = (name, name + CALIBRATED)
    for kind, row in _rows(file):
        if kind == "settings":
            settings = row
        elif kind == "verdict":
            ruled = [one for one in (row, *row.get("others", ())) if one.get("subject") in own]
            verdicts = [{"target": one["subject"], **summary} for one in ruled for summary in one["summaries"]]
        elif row["target"] in (*own, EXACT):
            suite = kind == "suite"
            case = (row["threat_model"], row["norm"], row["budget"]) if suite else ("clean", None, None)
            share = row["robust_accuracy" if suite else "accuracy"]
            cases.setdefault(case, {}).setdefault(row["target"], []).append(share)
    rows = [
        {
            **dict(zip(("threat_model", "norm", "budget"), case, strict=True)),
            "target": target,
            "rate": _mean(found[target]),
            "exact": _mean(found[EXACT]),
            "networks": found[target],
        }
        for case, found in cases.items()
        for target in own
        if target in found and EXACT in found
    ]
    return rows and {
        "preset": _preset(file),
        **{key: settings[key] for key in ("model", "data")},
        "file": _place(file),
        "rows": rows,
        "verdicts": verdicts,
    }


def _rows(file: Path) -> Iterator[tuple[str, Any]]:
    """Kind and content of the lines, without those of single attacks and pictures, which are most of them."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield "settings", json.loads(next(lines))["settings"]
        for line in lines:
            if line.startswith(('{"clean"', '{"suite"', '{"verdict"')):
                ((kind, row),) = json.loads(line).items()
                yield kind, row


def _mean(shares: list[Any]) -> float:
    return sum(share["rate"] for share in shares) / len(shares)


def _preset(file: Path) -> str:
    return file.name.partition(".")[0]


def _place(file: Path) -> str:
    """The file as a path inside the package."""
    return file.relative_to(Path(__file__).parents[1]).as_posix()
