"""``axfpm results``: result files shown, compared, validated, ranked."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.console import InputPath, OutputFile, check_apart, emit, json_option, note, print_table
from golden.errors import InvalidInput
from golden.files import write

__all__ = ["command"]


@click.command("results")
@click.argument("files", type=InputPath(), nargs=-1, metavar="[FILE]...")
@click.option("--validate", is_flag=True, help="Whether each file could stand on a board: whole, and in itself right.")
@click.option("--board", "folder", type=InputPath(), metavar="FOLDER", help="Rank all files of a folder.")
@click.option("--energy", type=InputPath(), metavar="FILE", help="For the board: `axfpm energy --json`.")
@click.option("-o", "output", type=OutputFile(), help="The board's page, .md or .html.")
@json_option
def command(
    files: tuple[Path, ...],
    validate: bool,
    folder: Path | None,
    energy: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Show the results of an evaluation, or compare those of two.

    A file is checked when it is read: its version, every row, and that rates and intervals follow from the counts. The
    name of a preset stands for the file that comes with the package. --validate also asks whether all of its preset is
    there, and ends with 1 where it is not.

    Example: axfpm results build/evaluation/results.jsonl
    """
    if folder is not None:
        if files or validate:
            raise InvalidInput("--board takes the files of its folder; leave out --validate and other files")
        _board(folder, energy, output, as_json=as_json)
    elif energy is not None or output is not None:
        raise InvalidInput(f"{'--energy' if energy is not None else '-o'} is for a board; add --board FOLDER")
    elif not files:
        raise InvalidInput("no result file named; give one, or the name of a preset that comes with the package")
    elif validate:
        _validate(files, as_json=as_json)
    elif len(files) > 2:
        raise InvalidInput(f"{len(files)} files cannot be compared; give two, or --validate")
    else:
        _show(*files, as_json=as_json)


def _show(first: Path, second: Path | None = None, *, as_json: bool) -> None:
    from golden.robustness.records import compare, find, read

    one = read(find(first))
    if second is None:
        emit(one.to_dict(), as_json=as_json, text=lambda: click.echo(one.table(), nl=False))
        return
    found = compare(one, read(find(second)))
    rows = [(*d.row, str(d.first or "-"), str(d.second or "-"), "yes" if d.apart else "no") for d in found]
    columns = ("threat model", "attack", "target", "network", "rate", str(first), str(second), "intervals apart")

    def text() -> None:
        if rows:
            print_table("Rates that differ, or stand in one file only", columns, rows)
        else:
            click.echo("no rate differs")

    emit({"differences": [d.to_dict() for d in found]}, as_json=as_json, text=text)


def _validate(files: tuple[Path, ...], *, as_json: bool) -> None:
    from golden.robustness.records import find
    from golden.robustness.validation import faults

    found = {str(file): faults(find(file)) for file in files}

    def text() -> None:
        for file, wrong in found.items():
            for sentence in wrong or ("whole, and in itself right",):
                click.echo(f"{file}: {sentence}")

    emit({"files": found}, as_json=as_json, text=text)
    if any(found.values()):
        click.get_current_context().exit(1)


def _board(folder: Path, energy: Path | None, output: Path | None, *, as_json: bool) -> None:
    from axfpm.board import page, page_kind
    from golden.robustness.board import board, energy_ratios, files_of

    kind = "board.md"
    if output is not None:
        kind = page_kind(output)
        check_apart(output, as_json=as_json)
    ranked = board(files_of(folder), energy=None if energy is None else energy_ratios(energy))
    if output is not None:
        write(output, page(ranked, kind))
        note(f"wrote {output}", output=output)
    if output is None or as_json:
        emit(ranked.to_dict(), as_json=as_json, text=lambda: click.echo(page(ranked, kind), nl=False))
    for name, wrong in ranked.left_out.items():
        click.echo(f"{name} does not rank: {wrong[0]}", err=True)
    if ranked.left_out:
        click.get_current_context().exit(1)
