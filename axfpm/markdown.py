"""Tables in Markdown, and rows of README's, for the pages that ``axfpm.pages`` brings up to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from golden.errors import InvalidInput

__all__ = ["WithInterval", "markdown_table", "rows_behind", "three_digits", "with_interval"]


class WithInterval(Protocol):
    """A ratio of energies."""

    @property
    def energy(self) -> float:
        """The ratio."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """Its ends."""
        ...


def three_digits(value: float) -> str:
    """A number by three digits, all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def with_interval(ratio: WithInterval) -> str:
    """A ratio with its interval: ``0.41 [0.39, 0.44]``."""
    return f"{ratio.energy:.2f} [{ratio.interval[0]:.2f}, {ratio.interval[1]:.2f}]"


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown themselves."""
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def rows_behind(text: str, before: str, beginning: str, rows: Sequence[str], what: str) -> str:
    """Return a page whose table has these rows behind others, in the place of those there were.

    Parameters
    ----------
    text : str
        The page.
    before, beginning : str
        How rows begin behind which they belong, the last of them, and how they begin themselves.
    rows : sequence of str
        Lines with their ends.
    what : str
        What they are, for the message.

    Raises
    ------
    InvalidInput
        If there is no row to stand behind, and rows to put there.
    """
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(beginning)]
    place = 1 + max((k for k, line in enumerate(lines) if line.startswith(before)), default=-1)
    if rows and not place:
        raise InvalidInput(f"there is no row {before!r} in a table; {what} belong behind it")
    return "".join([*lines[:place], *rows, *lines[place:]])
