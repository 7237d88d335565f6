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
from golden.checks import check_count
from golden.errors import InvalidInput

DEFAULT_JOBS = 2
OPTIONAL = ("cells", "slack ns")
"""Columns that a narrow terminal does without."""


def _fpga(
    block: str,
    multipliers: Sequence[str],
    target: str,
    seeds: int,
    refresh: bool,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    from hdl.verilog import parameters_of
    from synth.fpga import COLUMNS, ROUTED, compare_fpga

    if multipliers:
        parameters_of(block, "multiplier")
    for key in ("library", "liberty", "dont_use", "wire_loads", "period", "check", *(() if seeds else ("jobs",))):
        if key in settings:
            raise InvalidInput(f"--{key.replace('_', '-')} has no meaning with --target; leave it out")
    jobs = check_count("jobs", settings.pop("jobs", DEFAULT_JOBS))
    with progress_bar("routing" if seeds else "mapping") as progress:
        found = compare_fpga(
            multipliers,
            target=target,
            block=block,
            route=seeds,
            jobs=jobs,
            refresh=refresh,
            progress=progress,
            **settings,
        )
    counts = ("luts", "carries", "flip_flops", "dsps")

    def text() -> None:
        rows = []
        for row in found:
            own = [row["multiplier"] or "-", row["product"] or "-", "on" if row["dsp_inference"] else "off"]
            own += [row[key] for key in counts]
            if seeds:
                own += [f"{row['median_mhz']:.1f}", f"{min(row['fmax_mhz']):.1f} .. {max(row['fmax_mhz']):.1f}"]
                own += [f"{row['start']} -> {row['end']}"]
            rows.append(own)
        columns = (*COLUMNS, *(ROUTED if seeds else ()))
        conditions = f"{found[0]['yosys']}, mapped, not placed"
        if seeds:
            conditions = (
                f"{found[0]['part']}, register to register, median and range of {seeds} seeds; counts of the block "
                f"alone; {found[0]['yosys']}, {found[0]['nextpnr']}"
            )
        sizes = [f"{key.replace('_', ' ')} {settings[key]}" for key in settings]
        print_table(", ".join([block, *sizes, target]), columns, rows, conditions, optional=ROUTED[2:])

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
@click.option("--route", is_flag=True, help="Place and route on that FPGA, and say which clock is reached.")
@click.option("--seeds", type=int, help="Placements of each design with --route, whose median counts; 5 without it.")
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
    route: bool,
    seeds: int | None,
    check: bool,
    refresh: bool,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Synthesise BLOCK (multiplier, significand, adder, mac, pe, array, engine); options it lacks are refused.

    For each of the named multipliers, beside the baselines exact and exact-trunc; an adder has none.

    With --target the block is mapped to an FPGA instead, and with --route placed and routed there.

    Example: axfpm synth multiplier --multiplier ax-fpm --multiplier e8m2 --library nangate45
    """
    settings = given(parameters)
    if_interrupted(RESUMES, true=lambda: writable("synth"))
    if route and target is None:
        raise InvalidInput("--route needs an FPGA; give --target ecp5 or ice40")
    if seeds is not None and not route:
        raise InvalidInput("--seeds has no meaning without --route; leave it out")
    if target is not None:
        asked = {"library": library, "liberty": liberty or None, "dont_use": dont_use or None}
        others = asked | {"wire_loads": wire_loads or None, "period": period, "jobs": jobs, "check": check or None}
        from synth.fpga_route import check_seeds

        placements = check_seeds(seeds) if route else 0
        _fpga(block, multipliers, target, placements, refresh, settings | given(others), as_json)
        return
    from hdl.verilog import parameters_of
    from synth.compare import compare

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
