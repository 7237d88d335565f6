"""Emulation speed against exact torch: what is timed, how, and what the machine allows."""

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
