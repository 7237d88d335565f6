"""``axfpm verilog``: hardware as Verilog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axfpm.console import emit, json_option, write_text


@click.command("verilog")
@click.argument("block")
@click.option("--multiplier", metavar="NAME", help="Catalogue or dial name; ax-fpm by default.")
@click.option("--format", help="Format of an adder; fp32 by default.")
@click.option("--stages", type=int, help="Pipeline stages; 0, combinational, by default.")
@click.option("--rows", type=int, help="Rows of an array: products per partial sum.")
@click.option("--columns", type=int, help="Columns of an array: results per cycle.")
@click.option("--tree", help="Compressor tree: dadda (default), wallace or plain.")
@click.option("--name", help="Name of the top module, and prefix of every submodule.")
@click.option("-o", "output", type=click.Path(path_type=Path), help="File to write; standard output without it.")
@json_option
def command(block: str, name: str | None, output: Path | None, as_json: bool, **parameters: Any) -> None:
    """Write BLOCK (multiplier, adder, ...) as Verilog; options that the block does not have are refused.

    Example: axfpm verilog multiplier --multiplier ax-fpm --stages 2 -o multiplier.v
    """
    from hdl.verilog import generate

    given = {key: value for key, value in parameters.items() if value is not None}
    text = generate(block, name=name, **given)
    if output is not None:
        write_text(output, text)
    result = {"block": block, **given, "name": name or block, "file": output, "lines": text.count("\n")}
    if output is None:
        result["verilog"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            click.echo(f"wrote {output} ({result['lines']} lines)")

    emit(result, as_json=as_json, text=show)
