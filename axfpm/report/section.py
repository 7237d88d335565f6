"""What a report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Figure", "Scope", "Section", "Table"]


@dataclass(frozen=True)
class Table:
    """A table: a caption that names the conditions, columns, rows of strings and numbers."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG text, with its caption."""

    caption: str
    svg: str


@dataclass(frozen=True)
class Scope:
    """How much a report covers.

    Parameters
    ----------
    full : bool
        Everything, instead of what four minutes allow.
    seed : int
        Of every random draw.
    """

    full: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Section:
    """One part of the report.

    Parameters
    ----------
    key, title : str
        Name in ``report.json`` and heading.
    paragraphs : sequence of str
        What was done and what came out.
    command : str
        The command that makes these results alone.
    tables, figures : sequence
        Results.
    data : dict
        The same as JSON-ready values.
    not_run : str
        Why the section was not run; empty where it was.
    failed : str
        Which check failed, or how the section broke off; empty where neither happened.
    details : str
        Where it broke off, for a report of the defect.
    """

    key: str
    title: str
    paragraphs: Sequence[str] = ()
    command: str = ""
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    data: dict[str, Any] = field(default_factory=dict)
    not_run: str = ""
    failed: str = ""
    details: str = ""
