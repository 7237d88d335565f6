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
@click.option("--tree", help="Compressor tree: dadda (default), wallace, plain; or operator.")
@click.option("--adder-stages", type=int, help="Registers in each adder of a pe, array or engine.")
@click.option("--depth", type=int, help="Words of an engine's activation memory, per row.")
@click.option("--accumulators", type=int, help="Partial sums that an engine holds, per column.")
@click.option("--biases", type=int, help="Bias beats that an engine holds.")
@click.option("--axi", is_flag=True, default=None, help="An engine with AXI4-Stream port names.")
@click.option("--period", default=12.0, show_default=True, type=float, help="Clock period in the SDC file, ns.")
@click.option("--name", help="Name of the top module, and prefix of every submodule.")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="File to write, FILE.v, and FILE.sdc beside it; standard output else.",
)
@json_option
def command(block: str, name: str | None, period: float, output: Path | None, as_json: bool, **parameters: Any) -> None:
    """Write BLOCK (multiplier, adder, pe, array, engine) as Verilog; options that it does not have are refused.

    Example: axfpm verilog multiplier --multiplier ax-fpm --stages 2 -o multiplier.v
    """
    from hdl import sdc
    from hdl.verilog import generate

    given = {key: value for key, value in parameters.items() if value is not None}
    text = generate(block, name=name, **given)
    if output is not None:
        write_text(output, text)
        write_text(output.with_suffix(".sdc"), sdc.generate(block, period_ns=period, **given))
    result = {"block": block, **given, "name": name or block, "file": output, "lines": text.count("\n")}
    if output is None:
        result["verilog"] = text

    def show() -> None:
        if output is None:
            click.echo(text, nl=False)
        else:
            click.echo(f"wrote {output} ({result['lines']} lines)")

    emit(result, as_json=as_json, text=show)
