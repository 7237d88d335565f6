"""The sections of the report: each runs its part of the project and says what came out."""

from __future__ import annotations

from collections.abc import Callable

from axfpm.known import remember_hardware
from axfpm.report import figures
from axfpm.report.energy import energy
from axfpm.report.inference import TITLE as INFERENCE, inference
from axfpm.report.robustness import VERDICTS, robustness, verdict, verdict_on_cifar10
from axfpm.report.section import Figure, Scope, Section, Table
from golden.metrics import error, relative_errors
from golden.progress import Progress

__all__ = ["SECTIONS", "Scope"]


ERROR_NAMES = ("exact-trunc", "ax-fpm", "ax-fpm-widen", "ax-fpm-wrap", "bf16", "mitchell", "e8m3", "e8m2", "e8m1")
HISTOGRAM_NAMES = ("ax-fpm", "ax-fpm-widen", "mitchell", "e8m2")


def arithmetic(scope: Scope, progress: Progress) -> Section:
    """What the multiplier does to a product."""
    n = 1 << (22 if scope.full else 20)
    reports = []
    for index, name in enumerate(ERROR_NAMES):
        progress(index, len(ERROR_NAMES), name)
        reports.append(error(name, n=n, seed=scope.seed))
    by_name = {r.multiplier: r for r in reports}
    uniform = error("ax-fpm", "uniform", n=n, seed=scope.seed)
    ax, narrow, adder = by_name["ax-fpm"], by_name["e8m2"], by_name["mitchell"]
    rows = [(r.multiplier, r.mred, r.nmed, r.bias, r.worst, r.larger, r.mean_ratio) for r in reports]
    return Section(
        key="arithmetic",
        title="What the multiplier does",
        command="axfpm list --json",
        paragraphs=(
            "Ax-FPM multiplies significands by 4 x 4 blocks of AMA5 full adders, which are wires: of 24 rows of "
            "partial products 12 remain, of 576 AND gates 252. The blocks, built cell by cell, equal the closed form "
            "P = (A & L) B + 2 (A & H)(B & T) for all 2^48 operand pairs (the tests prove it by coefficient matrices).",
            f"Its mean relative error is {ax.mred:.3f}; {100 * uniform.larger:.1f}% of products of uniform [-1, 1] "
            f"operands are larger in magnitude than exact ones. For comparison: an exact multiplier of two fraction "
            f"bits (e8m2) has {narrow.mred:.3f}, and Mitchell's logarithmic multiplier, one adder, {adder.mred:.3f}.",
        ),
        tables=(
            Table(
                f"Error over {n:,} pairs of uniform significands, seed {scope.seed}",
                ("multiplier", "MRED", "NMED", "bias", "worst", "share larger", "mean y / ab"),
                rows,
            ),
        ),
        figures=(
            Figure(
                "Partial-product bits that are added: exact (left), and what AMA5 cells leave of it (right).",
                figures.row_dots(),
            ),
            Figure(
                f"Signed relative error of one product, {1 << 18:,} pairs of uniform significands, seed {scope.seed}.",
                figures.error_histogram({k: relative_errors(k, seed=scope.seed) for k in HISTOGRAM_NAMES}),
            ),
        ),
        data={"errors": [r.to_dict() for r in reports], "uniform": uniform.to_dict()},
    )


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
    shown = [row.multiplier for row in comparison.rows if row.multiplier]
    ratio = comparison.ratios("ax-fpm", "exact-trunc")
    narrow = comparison.ratios("e8m2", "exact-trunc")
    errors = [error(name, n=1 << 17, seed=scope.seed).mred for name in shown]
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
            Figure(
                "Area against mean relative error; exact products on the left. Left and low is better.",
                figures.saving_against_error(shown, errors, [row.result.area_um2 for row in comparison.rows], "um^2"),
            ),
        ),
        data=comparison.to_dict(),
    )


def speed(scope: Scope, progress: Progress) -> Section:
    """How fast the emulation is."""
    from golden.speed import COLUMNS, run_bench, table_rows

    result = run_bench(
        not scope.full,
        progress,
        multipliers=None if scope.full else ("ax-fpm", "exact-trunc"),
        threads=(1, 2) if scope.full else (1,),
    )
    first = [row for row in result["rows"] if row["multiplier"] == "ax-fpm" and row["threads"] == 1]
    machine = result["machine"]
    absent = [f"{entry['kernel']}: not run, {entry['reason']}" for entry in result["not_run"]]
    conditions = f"{machine['cpu']}, torch {machine['torch']}, medians interleaved with exact torch in one run"
    slowest, fastest = max(row["ratio"] for row in first), min(row["ratio"] for row in first)
    return Section(
        key="speed",
        title="Emulation speed",
        command="axfpm bench",
        paragraphs=(
            f"Every product and every sum is the hardware's, bit for bit, and ax-fpm still runs {fastest:.1f} to "
            f"{slowest:.1f} times slower than exact torch on one thread of this machine ({conditions}). "
            + " ".join(f"Kernel {sentence}." for sentence in absent),
        ),
        tables=(Table(conditions, COLUMNS, table_rows(result["rows"])),),
        figures=(
            Figure(
                "ax-fpm on one thread, against the bound that the execution ports set.",
                figures.slowdown_bars(
                    [row["shape"] for row in first], [row["ratio"] for row in first], [row["bound"] for row in first]
                ),
            ),
            Figure(
                "Roofline on one thread: what memory (slope) and execution ports (level) allow, and what was reached.",
                figures.roofline(first, result["peaks"][0]),
            ),
        ),
        data=result,
    )


SECTIONS: dict[str, Callable[[Scope, Progress], Section]] = {
    "arithmetic": arithmetic,
    "simulation": simulation,
    "hardware_network": network_on_hardware,
    "synthesis": synthesis,
    "energy": energy,
    "inference": inference,
    "robustness": robustness,
    "verdict": verdict,
    "verdict_cifar10": verdict_on_cifar10,
    "speed": speed,
}
"""In the order of the page; each takes the scope and a progress callable."""

TITLES = {
    "arithmetic": "What the multiplier does",
    "simulation": "Verilog equals the golden model",
    "hardware_network": "A network on the simulated hardware",
    "synthesis": "Area and delay",
    "energy": "Energy",
    "inference": INFERENCE,
    "robustness": "A network on the multiplier, clean and attacked",
    **VERDICTS,
    "speed": "Emulation speed",
}
