"""The section on emulation: how fast it is on this machine."""

from __future__ import annotations

from axfpm.report import figures
from axfpm.report.section import Figure, Scope, Section, Table
from golden.progress import Progress

__all__ = ["TITLE", "speed"]

TITLE = "Emulation speed"


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
    words = "Times slower than exact torch. " + "; ".join(f"{row['shape']}: {row['ratio']:.1f}" for row in first)
    rates = "10^9 multiply-accumulates per second. " + "; ".join(
        f"{row['shape']}: {row['gmacs']:.3g}, exact torch {row['torch_gmacs']:.3g}" for row in first
    )
    return Section(
        key="speed",
        title=TITLE,
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
                f"{words}.",
                figures.slowdown_bars(first, alt_text=f"{words}."),
            ),
            Figure(
                "Roofline on one thread: what memory (slope) and execution ports (level) allow, and what was reached.",
                f"{rates}.",
                figures.roofline(first, result["peaks"][0], alt_text=f"{rates}."),
            ),
        ),
        data=result,
    )
