"""``axfpm draw``: pictures of a multiplier, and of the hardware in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axfpm.circuits import given
from axfpm.completion import Name
from axfpm.console import OutputFile, check_apart, check_ending, emit, json_option, multiplier_option, note
from axfpm.pictures.kinds import picture, settings_of
from golden.catalogue import multiplier as look_up
from golden.files import write


@click.command("draw")
@click.argument("kind", type=Name("axfpm.pictures.kinds:PICTURES"), metavar="PICTURE")
@multiplier_option
@click.option(
    "--tree",
    type=Name("hdl.compressor:TREES"),
    help="Compressor tree of `tree`: dadda (default), wallace, four-two; booth.",
)
@click.option("--rows", type=int, help="Rows of the array.")
@click.option("--columns", type=int, help="Columns of the array.")
@click.option("--stages", type=int, help="Registers in each multiplier of the array; 1 by default.")
@click.option("--vectors", type=int, help="Vectors that enter the array, of `array` and `waves`.")
@click.option("--shape", type=int, nargs=3, metavar="M K N", help="Sizes of the product, of `schedule`.")
@click.option(
    "--pace",
    type=Name("sim.streams:PACES"),
    help="How often the engine's streams move, of `schedule`: always (default), mixed and others.",
)
@click.option("--seed", type=int, help="Random seed of a run; 0 by default.")
@click.option("-o", "output", type=OutputFile(), help="File to write; standard output else.")
@json_option
def command(kind: str, multiplier: str, output: Path | None, as_json: bool, **settings: Any) -> None:
    """Draw PICTURE (rows, tree, histogram, errors, array, schedule, waves) as SVG; waves is WaveJSON, for WaveDrom.

    Rows are the bits of partial products, tree the levels of adders that add them, histogram and errors the relative
    errors. Array, schedule and waves show a short run of the hardware in Amaranth's simulator, held against the golden
    model.

    Example: axfpm draw tree --multiplier ax-fpm -o tree.svg
    """
    settings_of(kind)
    m = look_up(multiplier)
    if output is not None:
        check_apart(output, as_json=as_json)
        ending, format_name = (".json", "WaveJSON") if kind == "waves" else (".svg", "SVG")
        check_ending(output, ending, f"{kind} is {format_name}")
    chosen = given(settings)
    text = picture(kind, m, **chosen)
    if output is not None:
        write(output, text)
    result = {"picture": kind, "multiplier": str(m), **chosen, "file": output}
    if output is None:
        result["text"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            note(f"wrote {output}", output=output)

    emit(result, as_json=as_json, text=show)
