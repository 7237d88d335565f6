"""What the commands share: options, output as text or JSON, progress and notes on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import click

from axfpm.completion import Name
from golden.errors import InvalidInput
from golden.files import check_file, check_folder, check_input, is_stream
from golden.progress import Progress
from golden.tables import plain_console, printable

__all__ = [
    "MULTIPLIER",
    "MULTIPLIER_NAMES",
    "RESUMES",
    "InputPath",
    "OutputFile",
    "OutputFolder",
    "check_apart",
    "check_ending",
    "emit",
    "format_cell",
    "if_interrupted",
    "json_option",
    "layers_option",
    "multiplier_option",
    "multipliers_option",
    "note",
    "plain",
    "print_table",
    "progress_bar",
    "seed_option",
    "what_is_kept",
    "workers_options",
]

QUIET, KEPT, DONE = "axfpm.quiet", "axfpm.kept", "axfpm.done"
"""Keys of click's ``Context.meta``: whether notes are silenced, what is kept of finished parts, how many there are."""

RESUMES = "finished parts are kept, and the same command goes on from there"

PIPE_WIDTH = 200
"""Columns of a table that goes into a file or a pipe, where COLUMNS does not say."""

LINE_SECONDS = 10.0
"""Least time between two lines of progress where there is no terminal."""


def _be_quiet(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta[QUIET] = value


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command: ``--json`` and ``--quiet``."""
    quiet = click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_be_quiet, help="No progress and no notes."
    )
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")(
        quiet(command)
    )


def workers_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of commands whose jobs several may do: ``--jobs``, ``--backend`` and ``--scheduler``."""
    for option in (
        click.option("--scheduler", metavar="ADDRESS", help="Of dask: tcp://HOST:8786, or the file that it writes."),
        click.option(
            "--backend", default="processes", show_default=True, help="Who works: processes, or dask, a cluster."
        ),
        click.option(
            "--jobs", default=1, show_default=True, type=int, help="Processes; their number changes no result."
        ),
    ):
        command = option(command)
    return command


seed_option = click.option("--seed", default=0, show_default=True, type=int, help="Random seed.")
MULTIPLIER_NAMES = "Catalogue or dial name, or a file: my.py:spec, mul.v, table.csv"
"""What ``--multiplier`` takes, for its help."""
MULTIPLIER = Name("golden.catalogue:MULTIPLIERS", files=True)
"""The type of whatever names a multiplier."""
multiplier_option = click.option(
    "--multiplier", type=MULTIPLIER, default="ax-fpm", show_default=True, metavar="NAME", help=f"{MULTIPLIER_NAMES}."
)
multipliers_option = click.option(
    "--multiplier",
    "multipliers",
    type=MULTIPLIER,
    multiple=True,
    metavar="NAME",
    help=f"{MULTIPLIER_NAMES}; repeat the option for several.",
)


class InputPath(click.Path):
    """Something to read; the reader says what is wrong with it, but for a name that is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or raise InvalidInput where it is empty or cannot be a name."""
        named = isinstance(param, click.Option)
        return check_input(
            value, option=param.opts[0] if named else param.human_readable_name.strip("[].") if param else "it"
        )


layers_option = click.option(
    "--layers",
    type=InputPath(),
    multiple=True,
    metavar="FILE[:NUMBER]",
    help="A multiplier for each layer, from a file of `axfpm search`; repeat the option for several.",
)


class OutputFile(click.Path):
    """A file to write, checked before anything is computed."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or raise InvalidInput where it cannot be written."""
        return check_file(value, option=param.opts[0] if param else "-o")


class OutputFolder(OutputFile):
    """A folder to write, checked before anything is computed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or raise InvalidInput where it cannot be written or made."""
        return check_folder(value, option=param.opts[0] if param else "-o")


def check_apart(output: Path, *, as_json: bool, option: str = "-o") -> None:
    """Refuse to mix a file with the JSON result on standard output.

    Raises
    ------
    InvalidInput
        If both go to the same place.
    """
    try:
        same = os.path.samestat(output.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return
    if as_json and same and not output.samefile(os.devnull):
        raise InvalidInput(f"--json and {option} {output} both write to standard output; give {option} another file")


def check_ending(path: Path, ending: str, said: str) -> None:
    """Refuse a file whose name says that it is something else; streams have no endings.

    Raises
    ------
    InvalidInput
        If it ends otherwise; the sentence begins with what was ``said`` of its content.
    """
    if path.suffix != ending and not is_stream(path):
        raise InvalidInput(f"{said}, and {path} does not end in {ending}; name the file so")


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


def quiet() -> bool:
    """Whether the command that runs was called with ``--quiet``."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(QUIET))


def note(text: str, *, output: Path | None = None) -> None:
    """Say what was done: on standard output, or on standard error where ``output`` may lead there; not if quiet."""
    if not quiet():
        click.echo(text, err=output is not None and is_stream(output))


def if_interrupted(sentence: str, *, least: int = 1, true: Callable[[], bool] = lambda: True) -> None:
    """What to say where the command is interrupted.

    Parameters
    ----------
    sentence : str
        What is kept of the finished parts.
    least : int
        How far progress must have come.
    true : callable
        Asked then: whether it holds.
    """
    click.get_current_context().meta[KEPT] = (sentence, least, true)


def what_is_kept(context: click.Context) -> str:
    """What the command said of its finished parts, where it holds; else nothing."""
    sentence, least, true = context.meta.get(KEPT, ("", 0, bool))
    return sentence if sentence and context.meta.get(DONE, 0) >= least and true() else ""


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    note: str = "",
    *,
    optional: Sequence[str] = (),
) -> None:
    """Print a table to standard output; columns of numbers are aligned right.

    Parameters
    ----------
    title : str
        Stands above it.
    columns : sequence of str
        The head.
    rows : sequence of sequences
        Strings and numbers.
    note : str
        Stands below it.
    optional : sequence of str
        Columns that are left out where the terminal is too narrow, the first one first; the note says so.
    """
    from rich import box
    from rich.table import Table

    console = plain_console()
    if not console.is_terminal:  # a file or a pipe has no width to respect
        wanted = os.environ.get("COLUMNS", "")
        console = plain_console(width=int(wanted) if wanted.isdigit() and int(wanted) else PIPE_WIDTH)
    left_out: list[str] = []

    def table(caption: str) -> Table:
        made = Table(
            title=printable(title),
            title_justify="left",
            caption=caption or None,
            caption_justify="left",
            box=box.SIMPLE_HEAD,
        )
        shown = [index for index, column in enumerate(columns) if column not in left_out]
        for index in shown:
            numeric = all(isinstance(row[index], int | float) or row[index] in ("", "-") for row in rows)
            made.add_column(printable(columns[index]), justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            made.add_row(*(printable(format_cell(row[index])) for index in shown))
        return made

    roomy = console.options.update(width=10_000)
    for column in optional:
        if console.measure(table(""), options=roomy).maximum <= console.width:
            break
        left_out.append(column)
    missing = f"Too narrow for the columns {', '.join(left_out)}: widen the terminal." if left_out else ""
    console.print(table("\n".join(printable(line) for line in (*note.splitlines(), missing) if line)))


def format_cell(cell: Any) -> str:
    """A table cell as text: four significant digits, thousands separated."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if 1000 <= abs(cell) < 1e15 else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Progress on standard error: call ``(done, total, message)``.

    A bar with the time left on a terminal; elsewhere a line with it now and then; nothing where the command is quiet.
    """
    context = click.get_current_context(silent=True)

    def counted(show: Progress) -> Progress:
        def report(done: int, total: int, message: str) -> None:
            if context is not None:
                context.meta[DONE] = done
            show(done, total, message)

        return report

    console = plain_console(stderr=True)
    if quiet():
        yield counted(lambda done, total, message: None)
    elif not console.is_terminal:
        yield counted(_lines(title))
    else:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress as Bar,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Bar(*columns, console=console, transient=True) as bar:
            task = bar.add_task(title, total=None)

            def report(done: int, total: int, message: str) -> None:
                description = printable(f"{title}: {message}" if message else title)
                bar.update(task, completed=done, total=total, description=description)

            yield counted(report)


def _lines(title: str) -> Progress:
    last = monotonic()
    first: tuple[float, int] | None = None
    latest = 0

    def report(done: int, total: int, message: str) -> None:
        nonlocal last, first, latest
        now = monotonic()
        if first is None or done < latest:
            first = now, done  # what was done before took none of this time; where less is done, other work begins
        latest = done
        if now - last >= LINE_SECONDS:
            last = now
            share = f" {100 * done // total}%" if total else ""
            begun, before = first
            if total and done > before:
                left = timedelta(seconds=round((now - begun) / (done - before) * (total - done)))
                share += f" ({left} left)"
            click.echo(printable(f"axfpm: {title}:{share} {message}"), err=True)

    return report
