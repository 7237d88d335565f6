"""Emulation speed against exact torch: what is timed, how, and what the machine allows."""

from golden.bench.bounds import Peaks, operations
from golden.bench.running import Row, run_bench
from golden.bench.shapes import FAMILIES, SHAPES, Shape, cifar_alexnet, networks

__all__ = ["FAMILIES", "SHAPES", "Peaks", "Row", "Shape", "cifar_alexnet", "networks", "operations", "run_bench"]
