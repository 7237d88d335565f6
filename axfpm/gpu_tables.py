"""What was measured on a GPU, as the tables of a page: ``axfpm.pages`` puts them there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axfpm.markdown import markdown_table

__all__ = ["MEASURED", "gpu_row", "gpu_tables", "measured_gpu"]

MEASURED = Path(__file__).parents[1] / "golden" / "speed" / "measured"
"""Files that come with the package."""
ROW = "| emulation on an NVIDIA GPU"
SHAPES = ("gemm 4096", "gemm 2048", "fc 64 x 1024 -> 1024")
SUBJECT = "ax-fpm"


def measured_gpu() -> dict[str, Any]:
    """Return what `axfpm bench --device cuda --large --json` and `benchmarks/gpu_evaluation.py` measured.

    Returns
    -------
    dict
        ``bench`` and ``evaluation``, as these two write them.
    """
    return {
        "bench": json.loads((MEASURED / "h100.json").read_text(encoding="utf-8")),
        "evaluation": json.loads((MEASURED / "h100-evaluation.json").read_text(encoding="utf-8")),
    }


def gpu_tables(found: Mapping[str, Any]) -> str:
    """Return two tables: products against exact torch and the ceiling, and networks against the CPU's cores."""
    machine = found["bench"]["machine"]
    head = f"On an {machine['gpu']['name']}, torch {machine['torch']}, Triton {machine['triton']}, "
    rows = [
        (
            row["multiplier"],
            row["shape"],
            f"{row['gmacs']:,.0f}",
            f"{row['ratio']:.1f}",
            "-" if row["ceiling"] is None else f"{row['ceiling']:,.0f}",
            "-" if row["share"] is None else f"{row['share']:.2f}",
        )
        for shape in SHAPES
        for row in found["bench"]["rows"]
        if row["shape"] == shape
    ]
    products = markdown_table(
        ("multiplier", "shape", "10^9 products a second", "times slower than exact torch", "ceiling", "share"), rows
    )
    own = found["evaluation"]
    networks = [
        (
            row["network"],
            f"{row['images']:,}: {1e3 * row['gpu_s']:.1f} ms, {1e3 * row['cpu_s']:.0f} ms",
            f"{row['cpu_s'] / row['gpu_s']:.0f}",
            "yes" if row["same_bits"] else "**no**",
            f"{row['step_images']:,}: {row['step_ms']:.1f} ms, {row['unrecorded_step_ms']:.1f} ms",
            f"{row['attacked']['attack']}, {row['attacked']['images']} images",
            f"{row['attacked']['cpu_s'] / row['attacked']['gpu_s']:.1f}",
        )
        for row in own["rows"]
    ]
    columns = (
        "network",
        "test images: GPU, CPU",
        "times faster",
        "same bits",
        "images: a step of an attack, replayed and not",
        "white-box on three targets",
        "times faster",
    )
    return (
        f"{head}`axfpm bench --device cuda --large`, medians, interleaved with exact torch without TF32:\n\n"
        f"{products}\n\n"
        f"Networks on `{own['multiplier']}` there, against {own['machine']['cpu_threads']} threads or processes of the "
        f"same machine's CPU, with AVX-512 (`python benchmarks/gpu_evaluation.py`):\n\n"
        f"{markdown_table(columns, networks)}"
    )


def gpu_row(text: str, found: Mapping[str, Any]) -> str:
    """Return README with its row on GPUs."""
    (large,) = (row for row in found["bench"]["rows"] if (row["multiplier"], row["shape"]) == (SUBJECT, "gemm 4096"))
    first = found["evaluation"]["rows"]
    bits = "the same" if all(row["same_bits"] for row in first) else "**other**"
    forward = ", ".join(
        f"{row['cpu_s'] / row['gpu_s']:.0f} times ({row['images']:,} test images, {row['network']})" for row in first
    )
    attacked = ", ".join(
        f"{own['cpu_s'] / own['gpu_s']:.1f} times ({own['images']:,})" for own in (row["attacked"] for row in first)
    )
    said = (
        f"{large['gmacs'] / 1e3:.1f} 10^12 products a second on an {found['bench']['machine']['gpu']['name']}, "
        f"{large['share']:.2f} of the ceiling by counted instructions, {large['ratio']:.1f} times slower than exact "
        f"torch; against {found['evaluation']['machine']['cpu_threads']} CPU threads faster by {forward}, in {bits} "
        f"bits, and under PGD by {attacked}"
    )
    row = (
        f"{ROW} (`pip install 'axfpm[gpu]'`) | {said} | `axfpm bench --device cuda --large`, "
        "`python benchmarks/gpu_evaluation.py`, `make test-gpu`; [emulation](docs/emulation.md) |\n"
    )
    return "".join(row if line.startswith(ROW) else line for line in text.splitlines(keepends=True))
