"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Axis", "Explorer", "Figure", "Origin", "Picture", "Scope", "Section", "Table"]

Origin = Literal["run", "file", "both"]
"""Where figures are from: measured as the report was made, or read from results that come with the package."""


@dataclass(frozen=True)
class Table:
    """A table: a caption that names the conditions, columns, rows of strings and numbers.

    Parameters
    ----------
    caption : str
        What it shows, and under which conditions.
    columns : sequence of str
        The head; units stand there.
    rows : sequence of sequences
        Strings and numbers.
    origin : Origin, optional
        Where its figures are from; the section's where it is not given.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    origin: Origin | None = None


@dataclass(frozen=True)
class Picture:
    """An image of a gallery.

    Parameters
    ----------
    title : str
        Stands below it.
    alt : str
        What it shows, for those who do not see it.
    png : bytes
        The image.
    """

    title: str
    alt: str
    png: bytes


@dataclass(frozen=True)
class Figure:
    """A chart, a drawing, or pictures in rows, with a caption.

    Parameters
    ----------
    caption : str
        What it shows, and under which conditions.
    alt : str
        What it says, in words: for those who do not see it.
    chart : mapping
        A Vega-Lite specification; empty where there is something else instead.
    svg : str
        A drawing by ``axfpm.pictures``, for a place inside a page.
    pictures : mapping of str to sequence of Picture
        Rows of pictures by their headings.
    half : bool
        Whether two of its kind stand side by side where there is room.
    origin : Origin, optional
        Where its figures are from; the section's where it is not given.
    """

    caption: str
    alt: str
    chart: Mapping[str, Any] = field(default_factory=dict, hash=False)
    svg: str = ""
    pictures: Mapping[str, Sequence[Picture]] = field(default_factory=dict, hash=False)
    half: bool = False
    origin: Origin | None = None


@dataclass(frozen=True)
class Axis:
    """Something that multipliers are compared by.

    Parameters
    ----------
    key : str
        Its name in the rows of an ``Explorer``.
    title : str
        With the unit, and where it is from.
    group : str
        Axes of a group stand together.
    better : {"less", "more"}
        Which way is better.
    log : bool
        Whether its axis is logarithmic.
    origin : Origin
        Where its values are from.
    """

    key: str
    title: str
    group: str
    better: Literal["less", "more"] = "less"
    log: bool = True
    origin: Origin = "file"


@dataclass(frozen=True)
class Explorer:
    """All multipliers by all axes: the view in which a reader chooses what stands against what.

    Parameters
    ----------
    axes : sequence of Axis
        What can be chosen; groups in one piece.
    rows : sequence of dict
        ``name``, ``family``, and ``values``: by axis ``value``, ``low``, ``high`` (the same where there is no interval)
        and ``text``.
    chart : mapping
        A Vega-Lite specification whose data and titles the page fills in.
    across, up : str
        The axes to begin with.
    caption : str
        What the view shows.
    """

    axes: Sequence[Axis]
    rows: Sequence[dict[str, Any]]
    chart: Mapping[str, Any]
    across: str
    up: str
    caption: str

    @property
    def families(self) -> list[str]:
        """Kinds of multipliers, in the order of the rows."""
        return list(dict.fromkeys(row["family"] for row in self.rows))

    @property
    def groups(self) -> dict[str, list[Axis]]:
        """Axes by group."""
        found: dict[str, list[Axis]] = {}
        for axis in self.axes:
            found.setdefault(axis.group, []).append(axis)
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ``axes`` and ``rows``."""
        return {"axes": [vars(axis) for axis in self.axes], "rows": list(self.rows)}


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
    origin : Origin
        Where its figures are from.
    explorer : Explorer, optional
        The view of the catalogue.
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
    origin: Origin = "run"
    explorer: Explorer | None = None

    @property
    def state(self) -> Literal["done", "not run", "failed"]:
        """How it went."""
        return "failed" if self.failed else "not run" if self.not_run else "done"
