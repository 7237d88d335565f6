"""The board as a page, Markdown or HTML; ``golden.robustness.board`` ranks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.errors import InvalidInput
from golden.robustness.board import BASELINE, Board, Entry
from golden.tables import printable
from golden.templates import render

__all__ = ["page", "page_kind"]

COLUMNS = (
    *("rank", "target", "adaptive robust accuracy", "clean accuracy", "twin robust accuracy", "energy", "model"),
    *("training seeds", "n", "attacks", "file"),
)
PARAGRAPHS = (
    "Ranked by robust accuracy under the white-box suite: right clean and under the best of all its attacks for each "
    "image, which are made for this target. Twin: under examples made for the exact network. Rates of several networks "
    "are their mean, with the interval (95%) of one sample of their mean size.",
    f"Energy: of one product, as a share of {BASELINE}'s; a range is over cell libraries.",
    "attacks: sets of examples in the white-box suite. n: images of each network.",
)
KINDS = {".md": "board.md", ".html": "board.html"}


def page_kind(path: str | Path) -> str:
    """The template for a page's name.

    Raises
    ------
    InvalidInput
        If it ends in neither ``.md`` nor ``.html``.
    """
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise InvalidInput(f"{path} is no page that a board can be; end its name in {' or '.join(KINDS)}")
    return kind


def page(board: Board, template: str) -> str:
    """The board as text, by one of ``KINDS``."""
    cell: Callable[[object], str] = _markdown if template == "board.md" else printable
    tasks = [
        (
            cell(f"{preset}, {norm} {budget:g}"),
            [tuple(map(cell, _cells(rank, entry))) for rank, entry in enumerate(entries, 1)],
        )
        for (preset, norm, budget), entries in board.tasks.items()
    ]
    left_out = [
        (cell(name), cell(why[0] + (f" (and {len(why) - 1} more faults)" if len(why) > 1 else "")))
        for name, why in board.left_out.items()
    ]
    paragraphs = PARAGRAPHS if tasks else (*PARAGRAPHS, "No file ranks yet.")
    return render("axfpm", template, paragraphs=paragraphs, columns=COLUMNS, tasks=tasks, left_out=left_out)


def _cells(rank: int, entry: Entry) -> tuple[object, ...]:
    return (
        *(rank, entry.target, entry.adaptive, entry.clean, entry.twin or "-", entry.energy or "-"),
        *(entry.model, entry.seeds, entry.adaptive.n, entry.attacks, entry.file),
    )


def _markdown(text: object) -> str:
    """Text whose characters mean nothing in a table of Markdown, nor as HTML in it."""
    return "".join(f"\\{c}" if c in r"\`*_[]|<>&#" else c for c in printable(text))
