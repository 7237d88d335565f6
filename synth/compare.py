"""A block for several multipliers, beside baselines: each synthesised by one flow, under one set of conditions.

An area or delay says little alone, so every comparison carries the exact multipliers it is measured against, and the
library, corner and clock that all of its rows share.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from golden.catalogue import Multiplier, distinct, multiplier
from golden.checks import check_count
from golden.errors import InvalidInput
from golden.formats import Format
from golden.progress import Progress
from hdl.limits import check_period, check_stages
from synth.equivalence import Equivalence, check_equivalence
from synth.flow import SynthesisResult, synthesise
from synth.liberty import LibrarySource, read_liberty
from synth.tools import abc, opensta, yosys

__all__ = ["BASELINES", "COLUMNS", "DEFAULT_JOBS", "MAX_JOBS", "SCHEMA", "Comparison", "Row", "compare"]

BASELINES = ("exact", "exact-trunc")
DEFAULT_JOBS = 2
MAX_JOBS = 64
SCHEMA = 2
"""Counts changes of the keys of ``Comparison.to_dict``."""
PROOF_SECONDS = 900
"""Limit for each program of a proof."""
COLUMNS = (
    "multiplier",
    "area um^2",
    "cells",
    "critical path ns",
    "slack ns",
)


@dataclass(frozen=True)
class Row:
    """The block with one multiplier.

    Parameters
    ----------
    multiplier : str or None
        Its canonical name; None where the block has none.
    baseline : bool
        Whether it is one of the baselines.
    result : SynthesisResult
        What synthesis says.
    equivalence : Equivalence or None
        Whether the netlist computes what the design does, where that was asked.
    """

    multiplier: str | None
    baseline: bool
    result: SynthesisResult
    equivalence: Equivalence | None = None

    @property
    def figures(self) -> dict[str, float]:
        """The figures that ratios are taken of: area and critical path."""
        return {
            "area": self.result.area_um2,
            "critical_path": self.result.critical_path_ns,
        }

    def cells(self) -> tuple[str | float | int, ...]:
        """Return the row of a table, in the order of ``COLUMNS``."""
        r = self.result
        return (
            self.multiplier or "-",
            r.area_um2,
            r.cells,
            r.critical_path_ns,
            r.slack_ns,
        )


@dataclass(frozen=True)
class Comparison:
    """A block with multipliers and baselines, synthesised under the same conditions.

    Parameters
    ----------
    block : str
        What was synthesised.
    stages : int
        Pipeline stages, 0 where combinational.
    rows : tuple of Row
        The baselines, then the other multipliers in the order they were asked for; one row for a block without.
    parameters : dict of str to object
        What else the block takes: its sizes, the format of an adder.
    """

    block: str
    stages: int
    rows: tuple[Row, ...]
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def conditions(self) -> str:
        """Library, corner, clock constraint and tools that every row shares, in one sentence."""
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
        names = [row.multiplier for row in self.rows if row.multiplier]
        raise InvalidInput(f"{wanted} is not in this comparison of {', '.join(names) or self.block}")

    def ratios(self, name: str | Multiplier, baseline: str | Multiplier) -> dict[str, float]:
        """Return area and critical path of a multiplier divided by the baseline's; below 1 is a saving.

        Raises
        ------
        InvalidInput
            If either is not part of this comparison.
        """
        return _ratios(self.row(name), self.row(baseline))

    @property
    def baselines(self) -> tuple[Row, ...]:
        """The rows that ratios are taken against."""
        return tuple(row for row in self.rows if row.baseline)

    @property
    def proved(self) -> bool:
        """Whether every netlist whose equivalence was asked is proved equal to its design."""
        return all(row.equivalence is None or row.equivalence.is_equal for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return {
            "schema": SCHEMA,
            "block": self.block,
            "stages": self.stages,
            "parameters": self.parameters,
            "conditions": self.conditions,
            "baselines": [row.multiplier for row in self.baselines],
            "rows": [
                {
                    "multiplier": row.multiplier,
                    "baseline": row.baseline,
                    **row.result.to_dict(),
                    "ratios": {str(base.multiplier): _ratios(row, base) for base in self.baselines},
                    "equivalence": row.equivalence and asdict(row.equivalence),
                }
                for row in self.rows
            ],
        }

    def to_json(self) -> str:
        """Return the comparison as JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """The head of the table: ``COLUMNS``, ratios to each baseline, and the proof where one was asked."""
        ratios = [f"{what} / {base.multiplier}" for base in self.baselines for what in ("area", "delay")]
        return (*COLUMNS, *ratios, *(["netlist"] if any(row.equivalence for row in self.rows) else []))

    def table(self) -> list[tuple[str | float | int, ...]]:
        """Return the rows of a table whose head is ``columns``."""
        lines = []
        for row in self.rows:
            beside = [_ratios(row, base) for base in self.baselines]
            ratios = [each[what] for each in beside for what in ("area", "critical_path")]
            lines.append((*row.cells(), *ratios, *([row.equivalence.outcome] if row.equivalence else [])))
        return lines


def _ratios(row: Row, base: Row) -> dict[str, float]:
    own, other = row.figures, base.figures
    return {key: own[key] / other[key] if other[key] else float("nan") for key in own}


def compare(
    multipliers: Iterable[str | Multiplier] = (),
    *,
    block: str = "multiplier",
    stages: int | None = None,
    liberty: LibrarySource = None,
    dont_use: Sequence[str] = (),
    wire_loads: bool = False,
    period_ns: float | None = None,
    baselines: Sequence[str | Multiplier] | None = None,
    jobs: int = DEFAULT_JOBS,
    refresh: bool = False,
    check: bool = False,
    progress: Progress | None = None,
    **parameters: Any,
) -> Comparison:
    """Synthesise a block for multipliers and their baselines, and set them side by side.

    Parameters
    ----------
    multipliers : iterable of str or Multiplier
        What to compare; those that are baselines too appear once. None for a block that has no multiplier.
    block : str
        A name in ``hdl.circuits.CIRCUITS``: the block that is built around each multiplier.
    stages : int, optional
        Pipeline stages; 0 is combinational; the block's own default where None.
    liberty : str, path, sequence of paths or Library, optional
        The cell library, as for ``synth.liberty.read_liberty``; the default one where None.
    dont_use : sequence of str
        Patterns of cells that are not used, beside the library's own.
    wire_loads : bool
        Time with the library's own default wire load, instead of without wires.
    period_ns : float, optional
        Clock constraint; the library's ``period_ns`` where None.
    baselines : sequence of str or Multiplier, optional
        What ratios are taken against; ``BASELINES`` where None and the block has a multiplier.
    jobs : int
        Synthesiser processes at once, from 1 to ``MAX_JOBS``.
    refresh : bool
        Synthesise even where results are kept.
    check : bool
        Prove each netlist equal to its design (``synth.equivalence``).
    progress : callable, optional
        Called as ``progress(done, total, name)`` after each multiplier, by one thread at a time.
    **parameters
        What else the block takes, as for ``hdl.verilog.generate``: ``rows``, ``columns``, ``tree``, ``format``.

    Raises
    ------
    InvalidInput
        If a multiplier, block, parameter, library, period, number of stages or of jobs cannot be used.
    InvalidType
        If ``stages`` or ``jobs`` is not an integer, or the period no number.
    MissingTool
        If a program of the flow is not installed.
    """
    if stages is not None:
        check_stages(stages)
    check_count("jobs", jobs, 1, MAX_JOBS, "a synthesiser process each")
    if isinstance(multipliers, str | Multiplier):
        multipliers = [multipliers]
    if period_ns is not None:
        period_ns = check_period(period_ns)
    named = list(multipliers)
    from hdl.verilog import generate, parameters_of

    takes = parameters_of(block, *parameters)
    if named or baselines:
        parameters_of(block, "multiplier")
    if baselines is None:
        baselines = BASELINES if "multiplier" in takes else ()
    bases = list(dict.fromkeys(multiplier(name) for name in baselines))
    wanted: list[Multiplier | None] = [*distinct([*bases, *(multiplier(name) for name in named)])]
    if "multiplier" not in takes:
        wanted = [None]
    if not wanted:
        raise InvalidInput("there is nothing to compare; name at least one multiplier or baseline")
    settings: dict[str, Any] = {**takes, **parameters, "stages": takes["stages"] if stages is None else stages}
    settings.pop("multiplier", None)

    # What is missing is said before minutes are spent.
    yosys()
    opensta()
    library = read_liberty(liberty, dont_use=dont_use, wire_loads=wire_loads)
    if check:
        abc()

    finished = 0
    lock = threading.Lock()

    def one(m: Multiplier | None) -> Row:
        nonlocal finished
        own: dict[str, Any] = settings | {"multiplier": m} if m else settings
        with lock:  # elaboration is Python and shares state; only the synthesiser runs beside another
            verilog = generate(block, **own)
        result = synthesise(verilog, top=block, liberty=library, period_ns=period_ns, refresh=refresh)
        proof = (
            check_equivalence(verilog, result, top=block, liberty=library, timeout_s=PROOF_SECONDS) if check else None
        )
        with lock:
            finished += 1
            if progress is not None:
                progress(finished, len(wanted), str(m or block))
        return Row(str(m) if m else None, m in bases, result, proof)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(one, m) for m in wanted]
        try:
            rows = tuple(future.result() for future in futures)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    plain: dict[str, Any] = {key: value.name if isinstance(value, Format) else value for key, value in settings.items()}
    return Comparison(block, plain.pop("stages"), rows, plain)
