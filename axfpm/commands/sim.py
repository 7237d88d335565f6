"""``axfpm sim``: the Verilog held against the golden model."""

from __future__ import annotations

import click

from axfpm.console import emit, json_option, multipliers_option, print_table, progress_bar, seed_option


@click.command("sim")
@click.argument("block", default="multiplier")
@multipliers_option
@click.option("--simulator", default="verilator", show_default=True, help="icarus or verilator.")
@click.option("--vectors", default=20_000, show_default=True, type=int, help="Operand pairs.")
@seed_option
@click.option("--stages", default=0, show_default=True, type=int, help="Pipeline stages; 0 is combinational.")
@click.option("--waves", is_flag=True, help="Record waveforms, and say where.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    block: str,
    multipliers: tuple[str, ...],
    simulator: str,
    vectors: int,
    seed: int,
    stages: int,
    waves: bool,
    as_json: bool,
) -> None:
    """Run BLOCK's cocotb bench against the golden model; exit code 1 if anything differs.

    Example: axfpm sim multiplier --simulator icarus --vectors 500
    """
    from golden.catalogue import multiplier as look_up
    from sim.build import SimulationError
    from sim.runner import run

    names = [str(look_up(name)) for name in multipliers or ("ax-fpm",)]
    settings = {"simulator": simulator, "vectors": vectors, "seed": seed, "stages": stages, "waves": waves}
    reports = []
    with progress_bar("simulating") as progress:
        for index, name in enumerate(names):
            progress(index, len(names), name)
            try:
                reports.append(run(block, multiplier=name, **settings))
            except SimulationError as error:
                raise click.ClickException(str(error)) from error

    def text() -> None:
        rows = [
            (r.multiplier, r.stages, r.checks, r.failures, round(r.checks_per_second), len(r.corners)) for r in reports
        ]
        columns = ("multiplier", "stages", "checks", "differences", "checks/s", "corner classes met")
        tool = f"{reports[0].simulator} {reports[0].version}"
        print_table(f"{block}: Verilog against the golden model, {tool}, seed {seed}", columns, rows)
        for report in reports:
            for mismatch in report.mismatches:
                click.echo(f"{report.multiplier}: {mismatch}")
            if report.log:
                click.echo(f"log: {report.log}")
            if report.waves:
                click.echo(f"waveforms: {report.waves}")

    emit([report.to_dict() for report in reports], as_json=as_json, text=text)
    if not all(report.passed for report in reports):
        ctx.exit(1)
