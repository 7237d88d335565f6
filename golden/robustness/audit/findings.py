"""What checks found: rows with their evidence, as data, JSON and a table."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from golden.tables import plain_console, printable

__all__ = ["FAIL", "MASKING", "NOT_APPLICABLE", "PASS", "ROBUSTNESS", "Audit", "Evidence", "Finding", "Found"]

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not applicable"
MASKING, ROBUSTNESS = "masking", "robustness"
MEANING = {
    MASKING: "Masking: a failure means that an evaluation by the standard attack cannot be trusted.",
    ROBUSTNESS: "Robustness: what stronger attackers find; for information, whatever the status.",
}


@dataclass(frozen=True)
class Evidence:
    """What a status rests on.

    Parameters
    ----------
    summary : str
        One line for people.
    numbers : mapping of str to object
        JSON-ready; counts are of images.
    tolerance : str
        The line between pass and fail, with its numbers.
    more : str
        The command, or the call, that shows more.
    """

    summary: str
    numbers: Mapping[str, Any] = field(hash=False)
    tolerance: str = ""
    more: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: summary, numbers, tolerance, more."""
        return {
            "summary": self.summary,
            "numbers": dict(self.numbers),
            "tolerance": self.tolerance,
            "more": self.more,
        }


@dataclass(frozen=True)
class Found:
    """What one check says of one case: ``PASS``, ``FAIL`` or ``NOT_APPLICABLE``, and why."""

    status: str
    evidence: Evidence


@dataclass(frozen=True)
class Finding:
    """One row of an audit.

    Parameters
    ----------
    name : str
        Of the check.
    group : str
        ``masking`` or ``robustness``.
    status : str
        ``pass``, ``fail`` or ``not applicable``.
    evidence : Evidence
        What it rests on.
    """

    name: str
    group: str
    status: str
    evidence: Evidence

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: name, group, status, evidence."""
        return {"name": self.name, "group": self.group, "status": self.status, "evidence": self.evidence.to_dict()}


@dataclass(frozen=True)
class Audit:
    """All that an audit found.

    Parameters
    ----------
    settings : mapping of str to object
        JSON-ready: ``model``, ``multiplier``, ``norm``, ``eps`` and where it comes from (``eps_from``), ``samples``,
        ``seed``, ``clean`` (a proportion).
    checks : tuple of Finding
        In the order of ``golden.robustness.audit.checks.CHECKS``.
    """

    settings: Mapping[str, Any] = field(hash=False)
    checks: tuple[Finding, ...]

    @property
    def masked(self) -> tuple[Finding, ...]:
        """The checks of group *masking* that fail; where there are none, the standard attack can be trusted so far."""
        return tuple(row for row in self.checks if row.group == MASKING and row.status == FAIL)

    def __getitem__(self, name: str) -> Finding:
        """The row of a check by its name."""
        return {row.name: row for row in self.checks}[name]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ``settings``, ``masked`` (names) and ``checks``."""
        return {
            "settings": dict(self.settings),
            "masked": [row.name for row in self.masked],
            "checks": [row.to_dict() for row in self.checks],
        }

    def to_json(self) -> str:
        """JSON text; the same audit gives the same text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def table(self, *, width: int = 128) -> str:
        """Plain text, ``width`` characters wide at most: one row for each check, and how to see more of failures."""
        from rich import box
        from rich.table import Table

        s, text = self.settings, io.StringIO()
        console = plain_console(file=text, width=width, color_system=None)
        clean, on = s["clean"], f" on {s['multiplier']}" if s["multiplier"] else ""
        budget = f"{s['norm']} {s['eps']:.4g} ({s['eps_from']})"
        right = f"{s['samples']} images, {clean['k']} classified correctly"
        console.print(printable(f"{s['model']}{on}: {right}; {budget}, seed {s['seed']}"))
        for group, meaning in MEANING.items():
            shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
            for column in (group, "status", "found", "fails where"):
                shown.add_column(column, overflow="fold")
            rows = [row for row in self.checks if row.group == group]
            for row in rows:
                shown.add_row(*map(printable, (row.name, row.status, row.evidence.summary, row.evidence.tolerance)))
            console.print(shown)
            console.print(meaning)
            for row in rows:
                if row.status == FAIL and row.evidence.more:
                    console.print(printable(f"more of {row.name}: {row.evidence.more}"), soft_wrap=True)
        masked = ", ".join(row.name for row in self.masked)
        console.print(
            printable(f"Not to be trusted: {masked}." if masked else "No sign that the standard attack is misled.")
        )
        return text.getvalue()
