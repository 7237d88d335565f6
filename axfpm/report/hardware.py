"""The sections on hardware: the Verilog against the golden model, a network on the engine, area and delay."""

from __future__ import annotations

from axfpm.known import remember_hardware
from axfpm.pictures.kinds import picture
from axfpm.report import figures
from axfpm.report.section import Figure, Scope, Section, Table
from golden.catalogue import multiplier as look_up
from golden.metrics import error
from golden.progress import Progress

__all__ = ["TITLES", "network_on_hardware", "simulation", "synthesis"]

TITLES = {
    "simulation": "Verilog equals the golden model",
    "hardware_network": "A network on the simulated hardware",
    "synthesis": "Area and delay",
}
"""Titles of the sections, by key."""


def simulation(scope: Scope, progress: Progress) -> Section:
    """The Verilog held against the golden model."""
    from sim.runner import run

    plan = [
        ("ax-fpm", "icarus", 0, 2_000),
        ("ax-fpm", "verilator", 0, 50_000),
        ("ax-fpm", "verilator", 3, 20_000),
        ("exact-trunc", "verilator", 0, 20_000),
    ]
    if scope.full:
        plan += [
            (name, "verilator", 0, 200_000) for name in ("ax-fpm-widen", "ax-fpm-wrap", "exact", "bf16", "mitchell")
        ]
    reports = []
    for index, (name, simulator, stages, vectors) in enumerate(plan):
        progress(index, len(plan), f"{name} in {simulator}")
        reports.append(
            run("multiplier", multiplier=name, simulator=simulator, stages=stages, vectors=vectors, seed=scope.seed)
        )
    progress(len(plan), len(plan) + 1, "adder")
    reports.append(run("adder", simulator="verilator", vectors=50_000, seed=scope.seed))
    rows = [
        (
            r.block if r.block != "multiplier" else r.multiplier,
            r.stages,
            f"{r.simulator} {r.version}",
            r.checks,
            r.failures,
            round(r.checks_per_second),
        )
        for r in reports
    ]
    failures = sum(r.failures for r in reports)
    passed = all(r.passed for r in reports)
    return Section(
        key="simulation",
        title="Verilog equals the golden model",
        command="axfpm sim multiplier --multiplier ax-fpm",
        paragraphs=(
            f"The generated Verilog was driven by cocotb: {sum(r.checks for r in reports):,} results compared bit for "
            f"bit with the golden model, {failures} differences. Operands: every special class, both carry cases, both "
            "ends of the exponent range, and seeded random of three kinds; pipelined designs with random stalls.",
        ),
        tables=(
            Table(
                f"cocotb benches, seed {scope.seed}",
                ("design", "stages", "simulator", "checks", "differences", "checks/s"),
                rows,
            ),
        ),
        figures=(
            Figure(
                "A 3 x 3 array of ax-fpm multipliers as its component ran, a step for each cycle: operands enter each "
                "row, and results leave each column, a little after those of the one before.",
                "The cycles of a run of the array.",
                svg=picture("array", look_up("ax-fpm"), alone=False, seed=scope.seed),
            ),
            Figure(
                "The matrix engine's streams in a product of 5 x 4 by 4 x 4 on a 2 x 2 array, as its component ran.",
                "The schedule of a run of the engine.",
                svg=picture("schedule", look_up("ax-fpm"), alone=False, seed=scope.seed),
            ),
        ),
        data={"benches": [r.to_dict() for r in reports]},
        failed="" if passed else f"{failures} results differ from the golden model",
    )


def network_on_hardware(scope: Scope, progress: Progress) -> Section:
    """A whole network on the simulated matrix engine."""
    key, title = "hardware_network", TITLES["hardware_network"]
    command = "axfpm sim engine --network lenet5 --images 10"
    if not scope.full:
        why = (
            f"building the engine's simulator takes longer than all the rest; run `axfpm report --full`, or `{command}`"
        )
        return Section(key=key, title=title, not_run=why)
    from sim.network import LAYER_COLUMNS, run_network

    progress(0, 1, "8 x 8 engine in Verilator")
    report = run_network("lenet5", images=10, seed=scope.seed)
    return Section(
        key=key,
        title=title,
        command=command,
        paragraphs=(
            f"LeNet-5 on {report.images} digits: every matrix product ran on the Verilog of an {report.rows} x "
            f"{report.columns} weight-stationary engine of {report.multiplier} multipliers, {report.cycles:,} cycles. "
            + ("Every bit of every logit equals the golden model's." if report.logits_equal else "Logits differ."),
        ),
        tables=(Table("Layers; bound: utilisation that the shape allows", LAYER_COLUMNS, report.layer_rows()),),
        data=report.to_dict(),
        failed="" if report.passed else "the simulated engine differs from the golden model",
    )


SYNTHESIS_NAMES = ("ax-fpm", "ax-fpm-widen", "bf16", "mitchell", "e8m3", "e8m2")


def synthesis(scope: Scope, progress: Progress) -> Section:
    """Area and delay."""
    from synth.compare import compare

    names = (*SYNTHESIS_NAMES, *(("ax-fpm-wrap", "ax-array", "ax-bf16", "bf16-trunc", "e8m1") if scope.full else ()))
    comparison = compare(names, progress=progress)
    remember_hardware(comparison.to_dict()["rows"], comparison.conditions)
    ratio = comparison.ratios("ax-fpm", "exact-trunc")
    narrow = comparison.ratios("e8m2", "exact-trunc")
    points = [
        {"name": row.multiplier, "error": error(row.multiplier, n=1 << 17, seed=scope.seed).mred, "area": area}
        for row in comparison.rows
        if row.multiplier and (area := row.result.area_um2)
    ]
    words = "; ".join(f"{p['name']}: error {p['error']:.2g}, {p['area']:,.0f} um^2" for p in points)
    return Section(
        key="synthesis",
        title="Area and delay",
        command="axfpm synth multiplier " + " ".join(f"--multiplier {name}" for name in names),
        paragraphs=(
            f"Against the exact multiplier with the same rounding and the same Dadda compressor tree (exact-trunc), "
            f"ax-fpm takes {ratio['area']:.2f} of the area and {ratio['critical_path']:.2f} of the critical path. A "
            f"designer who accepts its error would pick something narrower: e8m2, which errs less, takes "
            f"{narrow['area']:.2f} and {narrow['critical_path']:.2f}.",
            f"Conditions: {comparison.conditions}.",
        ),
        tables=(Table(comparison.conditions, comparison.columns, comparison.table()),),
        figures=(
            *(
                Figure(
                    f"The compressor tree of {name} by level: dots are bits, shades the adders that take them.",
                    f"The compressor tree of {name}.",
                    svg=picture("tree", look_up(name), alone=False),
                    half=True,
                )
                for name in ("exact-trunc", "ax-fpm")
            ),
            Figure(
                "Error against area; nothing lies left of and below the line.",
                f"{words}.",
                figures.against(
                    points, ("error", figures.ERROR_TITLE), ("area", "area, um^2"), alt_text=f"{words}.", log=False
                ),
            ),
        ),
        data=comparison.to_dict(),
    )
