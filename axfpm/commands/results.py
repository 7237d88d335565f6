"""``axfpm results``: result files shown, validated, compared."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.console import emit, json_option, print_table

__all__ = ["command"]


@click.command("results")
@click.argument("first", type=click.Path(path_type=Path), metavar="FILE")
@click.argument("second", type=click.Path(path_type=Path), required=False, metavar="[FILE]")
@json_option
def command(first: Path, second: Path | None, as_json: bool) -> None:
    """Show the results of an evaluation, or compare those of two.

    A file is checked when it is read: its version, every row, and that rates and intervals follow from the counts. The
    name of a preset stands for the file that comes with the package.

    Example: axfpm results build/evaluation/results.jsonl
    """
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
