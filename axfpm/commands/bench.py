"""``axfpm bench``: emulation speed against exact torch on this machine."""

from __future__ import annotations

from typing import Any

import click

from axfpm.console import emit, json_option, multipliers_option, print_table, progress_bar

COLUMNS = ("shape", "multiplier", "kernel", "threads", "GMAC/s", "exact torch GMAC/s", "times slower", "port bound")


def table_rows(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows of the table in the order of ``COLUMNS``."""
    keys = ("shape", "multiplier", "kernel", "threads", "gmacs", "torch_gmacs", "ratio", "bound")
    return [tuple("-" if row[key] is None else row[key] for key in keys) for row in rows]


@click.command("bench")
@multipliers_option
@click.option("--threads", multiple=True, type=click.IntRange(min=1), help="Threads; repeat for several. 1 and 2 else.")
@click.option("--full", is_flag=True, help="Larger shapes, 10 000 images, multipliers without a fast kernel too.")
@json_option
def command(multipliers: tuple[str, ...], threads: tuple[int, ...], full: bool, as_json: bool) -> None:
    """Time matrix products, convolutions and whole networks against exact torch: interleaved medians of one run.

    Example: axfpm bench --multiplier ax-fpm --threads 1
    """
    import torch

    from golden.bench import cifar_alexnet, run_bench
    from golden.cnn.models import build

    images = 10_000 if full else 250
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = {
            f"LeNet-5, {images} images": (build("lenet5"), torch.rand(images, 1, 28, 28, generator=generator)),
            "CIFAR AlexNet, 32 images": (cifar_alexnet(), torch.rand(32, 3, 32, 32, generator=generator)),
        }
    with progress_bar("measuring") as progress:
        result = run_bench(
            not full,
            lambda line: progress(0, 1, line),
            multipliers=multipliers or None,
            threads=threads or (1, 2),
            networks=networks,
        )

    def text() -> None:
        absent = "; ".join(f"not run: {entry['kernel']} ({entry['reason']})" for entry in result["not_run"])
        print_table("Emulation speed", COLUMNS, table_rows(result["rows"]), absent)

    emit(result, as_json=as_json, text=text)
