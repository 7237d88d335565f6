"""Emulation speed against exact torch: what is timed, how, and what the machine allows.

In: multipliers, threads, a budget of time. Out: rows of ratios, each with its baseline from the same run
(``axfpm bench``). In the order of the data:

1. ``shapes``: what is timed: matrix products, convolutions, networks.
2. ``running``: times the emulation and exact torch in turns, and makes the rows.
3. ``bounds``: what ports and memory of this machine allow at most, which the rows are set beside.
4. ``gpu``: the same on an NVIDIA GPU, beside what its issue of instructions allows.

``measured/catalogue.json`` is what ``axfpm bench --threads 1 --json`` printed for all multipliers of the catalogue on a
machine that did nothing else; ``measured/h100.json`` what ``axfpm bench --device cuda --large --json`` printed, one
multiplier after the other, and ``measured/h100-evaluation.json`` what ``benchmarks/gpu_evaluation.py`` did.
"""

from golden.speed.bounds import Peaks, operations
from golden.speed.gpu import GPU_COLUMNS, gpu_rows, run_gpu_bench
from golden.speed.running import COLUMNS, Row, run_bench, table_rows
from golden.speed.shapes import FAMILIES, SHAPES, Shape, cifar_alexnet, networks

__all__ = [
    "COLUMNS",
    "FAMILIES",
    "GPU_COLUMNS",
    "SHAPES",
    "Peaks",
    "Row",
    "Shape",
    "cifar_alexnet",
    "gpu_rows",
    "networks",
    "operations",
    "run_bench",
    "run_gpu_bench",
    "table_rows",
]
