"""``axfpm vectors``: operands and results for other simulators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axfpm.completion import Name
from axfpm.console import OutputFolder, emit, json_option, multiplier_option, note, seed_option


@click.command("vectors")
@click.argument("block", type=Name("sim.export:VECTOR_BLOCKS"))
@multiplier_option
@click.option("-n", "count", default=1000, show_default=True, type=int, help="Operand pairs; vectors of an array.")
@seed_option
@click.option("--stages", default=0, show_default=True, type=int, help="Pipeline stages of the design under test.")
@click.option("--rows", type=int, help="Rows of an array; 4 by default.")
@click.option("--columns", type=int, help="Columns of an array; 4 by default.")
@click.option("-o", "output", required=True, type=OutputFolder(), help="Folder to write.")
@json_option
def command(
    block: str, multiplier: str, count: int, seed: int, stages: int, output: Path, as_json: bool, **shape: int | None
) -> None:
    """Write $readmemh files for BLOCK (multiplier, adder, array) and a plain self-checking Verilog testbench.

    Example: axfpm vectors multiplier -n 10000 -o build/vectors
    """
    from sim.export import write_vectors

    files = write_vectors(block, multiplier=multiplier, n=count, seed=seed, stages=stages, out=output, **shape)
    result: dict[str, Any] = {"block": block, "multiplier": multiplier, "n": count, "seed": seed}
    result |= {name: value for name, value in shape.items() if value is not None}
    result["files"] = [str(f) for f in files]
    emit(result, as_json=as_json, text=lambda: note("\n".join(["wrote", *(f"  {f}" for f in files)])))
