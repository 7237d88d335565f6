"""``axfpm synth``: area and delay, and the netlist proved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from axfpm.circuits import circuit_options, given
from axfpm.completion import Name
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
from axfpm.library_options import library_options, library_source
from golden.cache import writable
from golden.catalogue import multiplier as look_up
from golden.errors import InvalidInput

OPTIONAL = ("cells", "slack ns")
"""Columns that a narrow terminal does without."""


def _fpga(
    block: str, multipliers: Sequence[str], target: str, refresh: bool, settings: dict[str, Any], as_json: bool
) -> None:
    from synth.fpga import COLUMNS, compare_fpga

    if block != "multiplier":
        raise InvalidInput(f"FPGA figures are of the block multiplier, not of {block!r}; leave out --target")
    stages = settings.pop("stages", 0)
    if settings:
        option = next(iter(settings)).replace("_", "-")
        raise InvalidInput(f"--{option} has no meaning with --target; leave it out")
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
@click.argument("block", type=Name("hdl.circuits:CIRCUITS"), default="multiplier")
@multipliers_option
@library_options
@click.option("--period", type=float, help="Clock constraint in ns; the library's own without it, 12 ns of OSU018.")
@click.option("--jobs", type=int, help="Synthesiser processes at once; 2 without it.")
@circuit_options
@click.option(
    "--target", type=Name("synth.fpga:TARGETS"), help="An FPGA instead of a cell library: ice40, ecp5 or xilinx."
)
@click.option("--check", is_flag=True, help="Prove each netlist equal to its design; exit code 1 where that fails.")
@click.option("--refresh", is_flag=True, help="Synthesise again even where a result is kept.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    block: str,
    multipliers: tuple[str, ...],
    library: str | None,
    liberty: tuple[Path, ...],
    dont_use: tuple[str, ...],
    wire_loads: bool,
    period: float | None,
    jobs: int | None,
    target: str | None,
    check: bool,
    refresh: bool,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Synthesise BLOCK (multiplier, significand, adder, pe, array, engine); options that it does not have are refused.

    For each of the named multipliers, beside the baselines exact and exact-trunc; an adder has none.

    Example: axfpm synth multiplier --multiplier ax-fpm --multiplier e8m2 --library nangate45
    """
    settings = given(parameters)
    if_interrupted(RESUMES, true=lambda: writable("synth"))
    if target is not None:
        asked = {"library": library, "liberty": liberty or None, "dont_use": dont_use or None}
        others = asked | {"wire_loads": wire_loads or None, "period": period, "jobs": jobs, "check": check or None}
        _fpga(block, multipliers or ("ax-fpm",), target, refresh, settings | given(others), as_json)
        return
    from hdl.verilog import parameters_of
    from synth.compare import DEFAULT_JOBS, compare

    takes = parameters_of(block, *settings, *(["multiplier"] if multipliers else []))
    for name in multipliers:
        look_up(name)
    with progress_bar("synthesising") as progress:
        comparison = compare(
            multipliers or (("ax-fpm",) if "multiplier" in takes else ()),
            block=block,
            liberty=library_source(library, liberty),
            dont_use=dont_use,
            wire_loads=wire_loads,
            period_ns=period,
            jobs=DEFAULT_JOBS if jobs is None else jobs,
            refresh=refresh,
            check=check,
            progress=progress,
            **settings,
        )
    result = comparison.to_dict()
    if block == "multiplier" and not any(settings.values()) and not (dont_use or wire_loads):
        remember_hardware(result["rows"], comparison.conditions)

    def text() -> None:
        sizes = [f"{key.replace('_', ' ')} {value}" for key, value in comparison.parameters.items() if value]
        title = ", ".join([block, f"{comparison.stages} stages", *sizes])
        print_table(title, comparison.columns, comparison.table(), comparison.conditions, optional=OPTIONAL)
        for row in comparison.rows:
            if row.equivalence and row.equivalence.detail:
                click.echo(f"{row.multiplier or block}: {row.equivalence.outcome}: {row.equivalence.detail}")

    emit(result, as_json=as_json, text=text)
    if not comparison.proved:
        ctx.exit(1)
