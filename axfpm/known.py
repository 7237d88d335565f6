"""Hardware figures that earlier ``axfpm synth`` runs on this machine measured, for ``axfpm list``."""

from __future__ import annotations

import json
from typing import Any

from axfpm import __version__
from golden.cache import cache_dir

__all__ = ["known_hardware", "remember_hardware"]


def known_hardware() -> dict[str, dict[str, Any]]:
    """Figures by multiplier name; empty where nothing was measured by this version."""
    try:
        return json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}


def remember_hardware(rows: list[dict[str, Any]], conditions: str) -> None:
    """Keep the figures of a comparison of combinational multipliers; a cache that cannot be written is no error."""
    known = known_hardware()
    for row in rows:
        figures = {key: row[key] for key in ("area_um2", "critical_path_ns", "energy_pj")}
        known[row["multiplier"]] = figures | {"conditions": conditions}
    try:
        _file().write_text(json.dumps(known, indent=1))
    except OSError:
        return


def _file() -> Any:
    return cache_dir("known") / f"hardware-{__version__}.json"
