"""``axfpm verilog``: hardware as Verilog."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.console import emit, json_option, multiplier_option, write_text


@click.command("verilog")
@click.argument("block")
@multiplier_option
@click.option("--stages", default=0, show_default=True, type=int, help="Pipeline stages; 0 is combinational.")
@click.option("--name", default=None, help="Name of the top module, and prefix of every submodule.")
@click.option("-o", "output", type=click.Path(path_type=Path), help="File to write; standard output without it.")
@json_option
def command(block: str, multiplier: str, stages: int, name: str | None, output: Path | None, as_json: bool) -> None:
    """Write BLOCK (multiplier) as Verilog.

    Example: axfpm verilog multiplier --multiplier ax-fpm --stages 2 -o multiplier.v
    """
    from hdl.verilog import generate

    text = generate(block, name=name, multiplier=multiplier, stages=stages)
    if output is not None:
        write_text(output, text)
    result = {"block": block, "multiplier": multiplier, "stages": stages, "file": output, "lines": text.count("\n")}
    if output is None:
        result["verilog"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            click.echo(f"wrote {output} ({result['lines']} lines)")

    emit(result, as_json=as_json, text=show)
