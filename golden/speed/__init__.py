"""Emulation speed against exact torch: what is timed, how, and what the machine allows.

In: multipliers, threads, a budget of time. Out: rows of ratios, each with its baseline from the same run
(``axfpm bench``). In the order of the data:

1. ``shapes``: what is timed: matrix products, convolutions, networks.
2. ``running``: times the emulation and exact torch in turns, and makes the rows.
3. ``bounds``: what ports and memory of this machine allow at most, which the rows are set beside.
"""

from golden.speed.bounds import Peaks, operations
from golden.speed.running import COLUMNS, Row, run_bench, table_rows
from golden.speed.shapes import FAMILIES, SHAPES, Shape, cifar_alexnet, networks

__all__ = [
    "COLUMNS",
    "FAMILIES",
    "SHAPES",
    "Peaks",
    "Row",
    "Shape",
    "cifar_alexnet",
    "networks",
    "operations",
    "run_bench",
    "table_rows",
]
