"""Multipliers beside their baselines: each synthesised by one flow, under one set of conditions.

An area, delay or power figure says little alone, so every comparison carries the exact multipliers it is measured
against, and the library, corner, clock and stimulus that all of its rows share.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.catalogue import Multiplier, distinct, multiplier
from golden.checks import check_count
from golden.errors import InvalidInput
from golden.progress import Progress
from hdl.limits import check_period, check_stages
from synth.flow import DEFAULT_PERIOD_NS, SynthesisResult, synthesise
from synth.liberty import read_liberty
from synth.tools import opensta, yosys

__all__ = ["BASELINES", "COLUMNS", "MAX_JOBS", "Comparison", "Row", "compare"]

BASELINES = ("exact", "exact-trunc")
MAX_JOBS = 2
COLUMNS = (
    "multiplier",
    "area um^2",
    "cells",
    "critical path ns",
    "slack ns",
    "vectorless power mW",
    "vectorless energy pJ/cycle",
)


@dataclass(frozen=True)
class Row:
    """One multiplier of a comparison.

    Parameters
    ----------
    multiplier : str
        Its canonical name.
    baseline : bool
        Whether it is one of the baselines.
    result : SynthesisResult
        What synthesis says.
    """

    multiplier: str
    baseline: bool
    result: SynthesisResult

    @property
    def figures(self) -> dict[str, float]:
        """The figures that ratios are taken of: area, critical path, power."""
        return {
            "area": self.result.area_um2,
            "critical_path": self.result.critical_path_ns,
            "power": self.result.power.total_mw,
        }

    def cells(self) -> tuple[str | float | int, ...]:
        """Return the row of a table, in the order of ``COLUMNS``."""
        r = self.result
        return (
            self.multiplier,
            r.area_um2,
            r.cells,
            r.critical_path_ns,
            r.slack_ns,
            r.power.total_mw,
            r.energy_pj,
        )


@dataclass(frozen=True)
class Comparison:
    """Multipliers and baselines, synthesised under the same conditions.

    Parameters
    ----------
    block : str
        What was synthesised.
    stages : int
        Pipeline stages, 0 where combinational.
    rows : tuple of Row
        The baselines, then the other multipliers in the order they were asked for.
    """

    block: str
    stages: int
    rows: tuple[Row, ...]

    @property
    def conditions(self) -> str:
        """Library, corner, clock constraint, tools and stimulus that every row shares, in one sentence."""
        return self.rows[0].result.conditions

    def row(self, name: str | Multiplier) -> Row:
        """Return the row of a multiplier.

        Raises
        ------
        InvalidInput
            If the multiplier is not part of this comparison.
        """
        wanted = str(multiplier(name))
        for row in self.rows:
            if row.multiplier == wanted:
                return row
        raise InvalidInput(f"{wanted} is not in this comparison of {', '.join(row.multiplier for row in self.rows)}")

    def ratios(self, name: str | Multiplier, baseline: str | Multiplier) -> dict[str, float]:
        """Return area, critical path and power of a multiplier divided by the baseline's; below 1 is a saving.

        Raises
        ------
        InvalidInput
            If either is not part of this comparison.
        """
        own, other = self.row(name).figures, self.row(baseline).figures
        return {key: own[key] / other[key] if other[key] else float("nan") for key in own}

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        baselines = [row.multiplier for row in self.rows if row.baseline]
        return {
            "block": self.block,
            "stages": self.stages,
            "conditions": self.conditions,
            "baselines": baselines,
            "rows": [
                {
                    "multiplier": row.multiplier,
                    "baseline": row.baseline,
                    **row.result.to_dict(),
                    "ratios": {base: self.ratios(row.multiplier, base) for base in baselines},
                }
                for row in self.rows
            ],
        }

    def to_json(self) -> str:
        """Return the comparison as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    def table(self) -> list[tuple[str | float | int, ...]]:
        """Return the rows of a table whose head is ``COLUMNS``."""
        return [row.cells() for row in self.rows]


def compare(
    multipliers: Iterable[str | Multiplier],
    *,
    block: str = "multiplier",
    stages: int = 0,
    liberty: str | Path | None = None,
    period_ns: float | None = None,
    baselines: Sequence[str | Multiplier] = BASELINES,
    jobs: int = MAX_JOBS,
    refresh: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Synthesise multipliers and their baselines, and set them side by side.

    Parameters
    ----------
    multipliers : iterable of str or Multiplier
        What to compare; those that are baselines too appear once.
    block : str
        The hardware block that is built around each multiplier.
    stages : int
        Pipeline stages; 0 is combinational.
    liberty : path, optional
        The cell library; the default one where None.
    period_ns : float, optional
        Clock constraint; ``synth.flow.DEFAULT_PERIOD_NS`` where None.
    baselines : sequence of str or Multiplier
        What ratios are taken against.
    jobs : int
        Synthesiser processes at once, 1 or 2.
    refresh : bool
        Synthesise even where results are kept.
    progress : callable, optional
        Called as ``progress(done, total, name)`` after each multiplier, by one thread at a time.

    Raises
    ------
    InvalidInput
        If a multiplier, block, library, period, number of stages or of jobs cannot be used.
    InvalidType
        If ``stages`` or ``jobs`` is not an integer, or the period no number.
    MissingTool
        If a program of the flow is not installed.
    """
    check_stages(stages)
    check_count("jobs", jobs, 1, MAX_JOBS, "a synthesiser process each")
    if isinstance(multipliers, str | Multiplier):
        multipliers = [multipliers]
    period = check_period(DEFAULT_PERIOD_NS if period_ns is None else period_ns)
    bases = list(dict.fromkeys(multiplier(name) for name in baselines))
    wanted = distinct([*bases, *(multiplier(name) for name in multipliers)])
    if not wanted:
        raise InvalidInput("there is nothing to compare; name at least one multiplier or baseline")

    # What is missing is said before minutes are spent.
    yosys()
    opensta()
    read_liberty(liberty)
    from hdl.verilog import generate

    finished = 0
    lock = threading.Lock()

    def one(m: Multiplier) -> Row:
        nonlocal finished
        with lock:  # elaboration is Python and shares state; only the synthesiser runs beside another
            verilog = generate(block, multiplier=m, stages=stages)
        result = synthesise(verilog, top=block, liberty=liberty, period_ns=period, refresh=refresh)
        with lock:
            finished += 1
            if progress is not None:
                progress(finished, len(wanted), str(m))
        return Row(str(m), m in bases, result)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(one, m) for m in wanted]
        try:
            rows = tuple(future.result() for future in futures)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Comparison(block, stages, rows)
