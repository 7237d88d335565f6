"""``axfpm sim``: the Verilog held against the golden model."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from axfpm.completion import Name
from axfpm.console import (
    emit,
    json_option,
    multipliers_option,
    print_table,
    progress_bar,
    seed_option,
)
from golden.errors import InvalidInput
from golden.tables import printable


@click.command("sim")
@click.argument("block", type=Name("sim.runner:BENCHES"), default="multiplier")
@multipliers_option
@click.option(
    "--simulator",
    type=Name("sim.tools:SIMULATORS"),
    default="verilator",
    show_default=True,
    help="icarus or verilator.",
)
@click.option("--vectors", default=20_000, show_default=True, type=int, help="Operand pairs, or beats of a stream.")
@seed_option
@click.option("--stages", type=int, help="Pipeline stages; 0, combinational, where the block can be.")
@click.option("--rows", type=int, help="Rows of an array or engine.")
@click.option("--columns", type=int, help="Columns of an array or engine.")
@click.option("--pace", help="How often streams of an array or engine move: mixed (default), always, half and others.")
@click.option("--network", help="Run this network's inference on the engine: lenet5.")
@click.option("--images", default=1, show_default=True, type=int, help="Images for the network.")
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
    stages: int | None,
    rows: int | None,
    columns: int | None,
    pace: str | None,
    network: str | None,
    images: int,
    waves: bool,
    as_json: bool,
) -> None:
    """Run BLOCK's bench against the golden model; exit code 1 if anything differs.

    Example: axfpm sim multiplier --simulator icarus --vectors 500
    """
    from golden.catalogue import multiplier as look_up
    from sim.build import SimulationError

    names = [str(look_up(name)) for name in multipliers or ("ax-fpm",)]
    shape = {key: value for key, value in (("rows", rows), ("columns", columns)) if value is not None}
    if network is not None and block != "engine":
        raise InvalidInput(
            f"a network runs on the engine, not on {block!r}; write `axfpm sim engine --network {network}`"
        )
    _check_options(ctx, network)
    try:
        if network is not None:
            steps = {"stages": stages} if stages is not None else {}
            passed = _network(network, names, images, seed, shape | steps, as_json)
        else:
            settings: dict[str, Any] = {"simulator": simulator, "vectors": vectors, "seed": seed, "waves": waves}
            passed = _bench(block, names, settings | {"stages": stages or 0, "pace": pace} | shape, as_json)
    except SimulationError as error:
        click.echo("\n".join(printable(line) for line in f"axfpm: {error}".splitlines()), err=True)
        ctx.exit(1)
    if not passed:
        ctx.exit(1)


def _check_options(ctx: click.Context, network: str | None) -> None:
    """Refuse options that would be ignored: a network has vectors of its own, a bench no images."""
    ignored = ("images",) if network is None else ("vectors", "simulator", "waves", "pace")
    given = [name for name in ignored if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        what = "without" if network is None else "with"
        raise InvalidInput(f"--{given[0]} has no meaning {what} --network; leave it out")


def _bench(block: str, names: list[str], settings: dict[str, Any], as_json: bool) -> bool:
    from sim.runner import run

    reports = []
    with progress_bar("simulating") as progress:
        for index, name in enumerate(names):
            progress(index, len(names), name)
            reports.append(run(block, multiplier=name, **settings))

    def text() -> None:
        columns = ["multiplier", "stages", "checks", "differences", "checks/s", "corner classes met"]
        rows: list[list[Any]] = []
        for r in reports:
            met = sum(count > 0 for count in r.corners.values())
            rows.append([r.multiplier, r.stages, r.checks, r.failures, round(r.checks_per_second), met])
        note = ""
        if all(r.throughput for r in reports):
            columns += ["cycles", "first result after", "utilisation"]
            for row, r in zip(rows, reports, strict=True):
                row.extend(vars(r.throughput).values())
            note = (
                f"{settings['vectors']:,} vectors, streams moving {settings['pace'] or 'mixed'}; cycles from the first "
                "weight to the last result; utilisation: products / (rows x columns x cycles)"
            )
        tool = f"{reports[0].simulator} {reports[0].version}"
        print_table(f"{block}: Verilog against the golden model, {tool}, seed {settings['seed']}", columns, rows, note)
        for report in reports:
            for mismatch in report.mismatches:
                click.echo(f"{report.multiplier}: {mismatch}")
            if report.log:
                click.echo(f"log: {report.log}")
            if report.waves:
                click.echo(f"waveforms: {report.waves}")

    emit([report.to_dict() for report in reports], as_json=as_json, text=text)
    return all(report.passed for report in reports)


def _network(network: str, names: list[str], images: int, seed: int, shape: dict[str, Any], as_json: bool) -> bool:
    from sim.network import LAYER_COLUMNS, run_network

    reports = []
    with progress_bar("simulating") as progress:
        for index, name in enumerate(names):
            progress(index, len(names), name)
            reports.append(run_network(network, images=images, multiplier=name, seed=seed, **shape))

    def text() -> None:
        for r in reports:
            equal = "every bit of every logit equals the golden model's" if r.logits_equal else "LOGITS DIFFER"
            title = (
                f"{r.network} on {r.images} images, {r.rows} x {r.columns} engine of {r.multiplier}: {equal}; "
                f"{r.cycles:,} cycles, {r.seconds:.1f} s of simulation"
            )
            note = "bound: utilisation that the shape allows on an array of this size"
            print_table(title, LAYER_COLUMNS, r.layer_rows(), note)

    emit([report.to_dict() for report in reports], as_json=as_json, text=text)
    return all(report.passed for report in reports)
