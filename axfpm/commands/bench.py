"""``axfpm bench``: emulation speed against exact torch on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from axfpm.console import (
    OutputFile,
    check_apart,
    check_ending,
    emit,
    json_option,
    multipliers_option,
    print_table,
    progress_bar,
)
from golden.catalogue import multiplier as look_up
from golden.checks import check_count
from golden.errors import InvalidInput
from golden.files import write

MOST_THREADS = 1024


@click.command("bench")
@multipliers_option
@click.option("--threads", multiple=True, type=int, help="Threads; repeat for several. 1 and 2 else.")
@click.option(
    "--full", is_flag=True, help="Larger shapes, all of MNIST's test images, multipliers without a fast kernel too."
)
@click.option("--small", is_flag=True, help="Small calls, batches, depthwise and narrow layers besides.")
@click.option("--large", is_flag=True, help="Matrix products up to 4096^3 besides.")
@click.option("--device", default="cpu", show_default=True, help="Where: cpu, or an NVIDIA GPU: cuda, cuda:1.")
@click.option("--plot", type=OutputFile(), metavar="FILE", help="Draw the first one's roofline as SVG.")
@json_option
def command(
    multipliers: tuple[str, ...],
    threads: tuple[int, ...],
    full: bool,
    small: bool,
    large: bool,
    device: str,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Time matrix products, convolutions and whole networks against exact torch: interleaved medians of one run.

    Example: axfpm bench --multiplier ax-fpm --threads 1
    """
    if plot is not None:
        check_ending(plot, ".svg", "--plot draws SVG")
        check_apart(plot, as_json=as_json, option="--plot")
    for count in threads:
        check_count("threads", count, 1, MOST_THREADS)
    for name in multipliers:
        look_up(name)
    if device != "cpu":
        _on_gpu(device, multipliers, threads, full, small, large, plot, as_json)
        return
    # Threads of torch's OpenMP spin between calls by default, and would take the cores from the emulation.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from golden.speed import COLUMNS, networks, run_bench, table_rows

    timed = networks(full)
    with progress_bar("measuring") as progress:
        result = run_bench(
            not full,
            progress,
            multipliers=multipliers or None,
            threads=threads or (1, 2),
            networks=timed,
            small=small,
            large=large,
        )
    if plot is not None:
        from axfpm.report.charts import svg
        from axfpm.report.figures import roofline

        first = result["rows"][0]
        like_first = [row for row in result["rows"] if all(row[key] == first[key] for key in ("multiplier", "threads"))]
        write(plot, svg(roofline(like_first, result["peaks"][0])), option="--plot")

    def text() -> None:
        absent = "; ".join(f"not run: {entry['kernel']} ({entry['reason']})" for entry in result["not_run"])
        note = (
            "port bound and limit: measured by loops of nothing but a product's operations; speedup: over one thread"
            + (f"; {absent}" if absent else "")
        )
        print_table("Emulation speed", COLUMNS, table_rows(result["rows"]), note)

    emit(result, as_json=as_json, text=text)


def _on_gpu(
    device: str,
    multipliers: tuple[str, ...],
    threads: tuple[int, ...],
    full: bool,
    small: bool,
    large: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    from golden.pytorch.devices import check_name

    check_name(device)
    if threads or plot is not None:
        raise InvalidInput(
            f"{'--threads' if threads else '--plot'} is for the CPU; leave it out with --device {device}"
        )
    from golden.speed import GPU_COLUMNS, gpu_rows, networks, run_gpu_bench

    with progress_bar("measuring") as progress:
        result = run_gpu_bench(
            not full,
            progress,
            multipliers=multipliers or None,
            networks=networks(full),
            small=small,
            large=large,
            device=device,
        )
    note = "exact torch without TF32; ceiling: by counted instructions at the GPU's highest clock"
    title = f"Emulation speed on {result['machine']['gpu']['name']}"
    emit(result, as_json=as_json, text=lambda: print_table(title, GPU_COLUMNS, gpu_rows(result["rows"]), note))
