"""``axfpm vectors``: operands and results for other simulators."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.console import emit, json_option, multiplier_option, seed_option


@click.command("vectors")
@click.argument("block")
@multiplier_option
@click.option("-n", "count", default=1000, show_default=True, type=int, help="Operand pairs.")
@seed_option
@click.option("--stages", default=0, show_default=True, type=int, help="Pipeline stages of the design under test.")
@click.option("-o", "output", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@json_option
def command(block: str, multiplier: str, count: int, seed: int, stages: int, output: Path, as_json: bool) -> None:
    """Write $readmemh operands and results for BLOCK, with a plain self-checking Verilog testbench.

    Example: axfpm vectors multiplier -n 10000 -o build/vectors
    """
    from sim.vectors import write_vectors

    files = write_vectors(block, multiplier=multiplier, n=count, seed=seed, stages=stages, out=output)
    result = {"block": block, "multiplier": multiplier, "n": count, "seed": seed, "files": [str(f) for f in files]}
    emit(result, as_json=as_json, text=lambda: click.echo("\n".join(["wrote", *(f"  {f}" for f in files)])))
