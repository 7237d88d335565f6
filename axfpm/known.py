"""Figures that earlier ``axfpm synth`` and ``axfpm energy`` runs on this machine measured, for ``axfpm list``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axfpm import __version__
from golden.cache import Cache

__all__ = ["known_energy", "known_hardware", "remember_energy", "remember_hardware"]

FIGURES = ("area_um2", "critical_path_ns")
_KEY = f"hardware-2-{__version__}"
_ENERGY = f"energy-1-{__version__}"


def known_hardware() -> dict[str, dict[str, Any]]:
    """Figures by multiplier name, each with its conditions; empty where nothing was measured by this version."""
    return Cache("known").get_json(_KEY, lambda value: _read(value, FIGURES)) or {}


def known_energy() -> dict[str, dict[str, Any]]:
    """Energy per product (pJ) by multiplier name, with its conditions; empty where this version measured nothing."""
    return Cache("known").get_json(_ENERGY, lambda value: _read(value, ("energy_pj",))) or {}


def remember_hardware(rows: list[dict[str, Any]], conditions: str) -> None:
    """Keep the figures of a comparison of combinational multipliers; a cache that cannot be written is no error."""
    known = known_hardware()
    for row in rows:
        known[row["multiplier"]] = {key: row[key] for key in FIGURES} | {"conditions": conditions}
    Cache("known").put_json(_KEY, known)


def remember_energy(rows: list[dict[str, Any]], conditions: str) -> None:
    """Keep the energies of combinational multipliers, Dadda trees only; a cache that cannot be written is no error."""
    known = known_energy()
    for row in rows:
        if row["tree"] == "dadda":
            known[row["multiplier"]] = {"energy_pj": row["energy_pj"], "conditions": conditions}
    Cache("known").put_json(_ENERGY, known)


def _read(value: Any, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {
        str(name): {key: float(figures[key]) for key in keys} | {"conditions": str(figures["conditions"])}
        for name, figures in value.items()
    }
