"""``axfpm synth``: area, delay and power."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from axfpm.console import (
    RESUMES,
    emit,
    if_interrupted,
    json_option,
    multipliers_option,
    print_table,
    progress_bar,
)
from axfpm.known import remember_hardware
from golden.cache import writable
from golden.catalogue import multiplier as look_up
from golden.errors import InvalidInput


def _fpga(block: str, multipliers: Sequence[str], target: str, stages: int, refresh: bool, as_json: bool) -> None:
    from synth.fpga import COLUMNS, compare_fpga

    if block != "multiplier":
        raise InvalidInput(f"FPGA figures are of the block multiplier, not of {block!r}; leave out --target")
    with progress_bar("mapping") as progress:
        found = compare_fpga(multipliers, target=target, stages=stages, refresh=refresh, progress=progress)
    counts = ("luts", "carries", "flip_flops", "dsps")

    def text() -> None:
        rows = [
            (row["multiplier"], row["product"], "on" if row["dsp_inference"] else "off", *(row[key] for key in counts))
            for row in found
        ]
        print_table(f"{block}, {stages} stages, {target}", COLUMNS, rows, f"{found[0]['yosys']}, mapped, not placed")

    emit(found, as_json=as_json, text=text)


@click.command("synth")
@click.argument("block", default="multiplier")
@multipliers_option
@click.option("--liberty", type=click.Path(path_type=Path), help="Cell library; OSU018 (180 nm) without it.")
@click.option("--period", type=float, help="Clock constraint in ns.")
@click.option("--stages", default=0, show_default=True, type=int, help="Pipeline stages; 0 is combinational.")
@click.option("--target", help="An FPGA instead of a cell library: ice40, ecp5 or xilinx.")
@click.option("--refresh", is_flag=True, help="Synthesise again even where a result is kept.")
@json_option
def command(
    block: str,
    multipliers: tuple[str, ...],
    liberty: Path | None,
    period: float | None,
    stages: int,
    target: str | None,
    refresh: bool,
    as_json: bool,
) -> None:
    """Synthesise BLOCK for the named multipliers beside the baselines exact and exact-trunc.

    Example: axfpm synth multiplier --multiplier ax-fpm --multiplier e8m2
    """
    if_interrupted(RESUMES, true=lambda: writable("synth"))
    if target is not None:
        _fpga(block, multipliers or ("ax-fpm",), target, stages, refresh, as_json)
        return
    from hdl.verilog import CIRCUITS
    from synth.compare import COLUMNS, compare

    CIRCUITS.look_up(block)
    for name in multipliers:
        look_up(name)
    with progress_bar("synthesising") as progress:
        comparison = compare(
            multipliers or ("ax-fpm",),
            block=block,
            stages=stages,
            liberty=liberty,
            period_ns=period,
            refresh=refresh,
            progress=progress,
        )
    result = comparison.to_dict()
    if block == "multiplier" and stages == 0:
        remember_hardware(result["rows"], comparison.conditions)

    def text() -> None:
        rows = [
            (*row.cells(), *(comparison.ratios(row.multiplier, base)["area"] for base in result["baselines"]))
            for row in comparison.rows
        ]
        columns = (*COLUMNS, *(f"area / {base}" for base in result["baselines"]))
        print_table(f"{block}, {stages} stages", columns, rows, comparison.conditions)

    emit(result, as_json=as_json, text=text)
