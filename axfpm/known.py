"""Hardware figures that earlier ``axfpm synth`` runs on this machine measured, for ``axfpm list``."""

from __future__ import annotations

from typing import Any

from axfpm import __version__
from golden.cache import Cache

__all__ = ["known_hardware", "remember_hardware"]

FIGURES = ("area_um2", "critical_path_ns")
_KEY = f"hardware-2-{__version__}"


def known_hardware() -> dict[str, dict[str, Any]]:
    """Figures by multiplier name, each with its conditions; empty where nothing was measured by this version."""
    return Cache("known").get_json(_KEY, _read) or {}


def remember_hardware(rows: list[dict[str, Any]], conditions: str) -> None:
    """Keep the figures of a comparison of combinational multipliers; a cache that cannot be written is no error."""
    known = known_hardware()
    for row in rows:
        known[row["multiplier"]] = {key: row[key] for key in FIGURES} | {"conditions": conditions}
    Cache("known").put_json(_KEY, known)


def _read(value: Any) -> dict[str, dict[str, Any]]:
    return {
        str(name): {key: float(figures[key]) for key in FIGURES} | {"conditions": str(figures["conditions"])}
        for name, figures in value.items()
    }
