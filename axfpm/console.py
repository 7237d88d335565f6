"""What the commands share: options, output as text or JSON, progress on standard error, writing files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from golden.errors import InvalidInput

__all__ = [
    "emit",
    "ensure_folder",
    "format_cell",
    "json_option",
    "multiplier_option",
    "multipliers_option",
    "plain",
    "print_table",
    "progress_bar",
    "seed_option",
    "write_text",
]

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
seed_option = click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed.")
multiplier_option = click.option(
    "--multiplier", default="ax-fpm", show_default=True, metavar="NAME", help="Catalogue or dial name."
)
multipliers_option = click.option(
    "--multiplier",
    "multipliers",
    multiple=True,
    metavar="NAME",
    help="Catalogue or dial name; repeat the option for several.",
)

Progress = Callable[[int, int, str], None]


def plain(value: Any) -> Any:
    """``value`` as JSON has it: numbers that JSON lacks, and paths, become strings."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Path):
        return str(value)
    return value


def emit(result: Any, *, as_json: bool, text: Callable[[], None]) -> None:
    """Print a result as JSON, or call ``text`` to print it for people."""
    if as_json:
        click.echo(json.dumps(plain(result), indent=2, allow_nan=False))
    else:
        text()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> None:
    """Print a table to standard output; columns of numbers are aligned right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=note or None, caption_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) or row[index] in ("", "-") for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(format_cell(cell) for cell in row))
    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width to respect
        console = Console(width=200)
    console.print(table)


def format_cell(cell: Any) -> str:
    """A table cell as text: four significant digits, thousands separated."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if 1000 <= abs(cell) < 1e15 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A progress bar on standard error, where that is a terminal: call ``(done, total, message)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def report(done: int, total: int, message: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{title}: {message}" if message else title)

        yield report


def ensure_folder(path: Path) -> Path:
    """Make an output folder and prove that it can be written, before any long work.

    Raises
    ------
    InvalidInput
        If it cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".axfpm-probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InvalidInput(f"cannot write to {path}: {error.strerror}; choose another folder with -o") from error
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a file, replacing an older one only when the new one is complete.

    Raises
    ------
    InvalidInput
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}; choose another place with -o") from error
    return path
