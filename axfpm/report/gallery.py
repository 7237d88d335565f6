"""Images of an evaluation as pictures of the report: clean ones, and what attacks make of them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from axfpm.report.section import Figure, Picture

if TYPE_CHECKING:
    from golden.robustness.results import Results
    from golden.robustness.row_types import Picture as Record

__all__ = ["examples"]

MOST_ROWS = 12
ATTACKS = ("pgd", "pgd-l2", "ddn", "cw")


def examples(results: Results) -> Figure | None:
    """The images that the results keep, a row for each attack and target; None where there is nothing to compare."""
    cases: dict[tuple[str, str, str], list[Record]] = {}
    for record in results.pictures:
        if not record.attack or _is_shown(results, record):
            cases.setdefault((record.threat_model, record.attack, record.target), []).append(record)
    if len(cases) < 2:
        return None
    most = min(len(found) for found in cases.values())
    rows = {}
    for (threat_model, attack, target), found in list(cases.items())[:MOST_ROWS]:
        name = f"{threat_model}, {attack}, on {target}" if threat_model else f"clean, on {target}"
        rows[name] = [
            Picture(f"{r.label}: {r.predicted}", f"a {r.label}, taken for a {r.predicted}; {name}", _png(r))
            for r in found[:most]
        ]
    wrong = sum(r.label != r.predicted for found in cases.values() for r in found[:most])
    return Figure(
        "Examples: the true class, and what the network that each is for makes of it.",
        f"{most} images under {len(rows)} conditions; {wrong} of all are put into a wrong class.",
        pictures=rows,
    )


def _is_shown(results: Results, record: Record) -> bool:
    """Whether it is worth a row: crafted on the exact network by few attacks, or for ax-fpm, at a budget."""
    kind = record.attack.partition(":")[0]
    if record.threat_model == "twin":
        chosen = kind in ATTACKS
    else:
        chosen = record.target == "ax-fpm" and kind.startswith("adaptive")
    budget = re.search(r"eps=([0-9.e+-]+)", record.attack)
    return chosen and (budget is None or float(budget[1]) in results.settings.get("budgets", {}).values())


def _png(record: Record) -> bytes:
    from matplotlib.image import imsave

    pixels = np.frombuffer(bytes.fromhex(record.pixels), np.uint8)
    pixels = pixels.reshape(record.channels, record.height, record.width)
    # Of one channel three: a map of colours rounds grey levels.
    image = np.ascontiguousarray(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0))
    buffer = io.BytesIO()
    # Without its author's name the same image has the same bytes whatever version drew it.
    imsave(buffer, image, format="png", metadata={"Software": ""})
    return buffer.getvalue()
