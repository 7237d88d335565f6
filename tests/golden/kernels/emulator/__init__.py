"""Runs kernels compiled for an AVX-512 CPU on an emulated one: Bochs, as a machine that does nothing else.

Bochs interprets each instruction, embedded rounding included, with arithmetic of its own in integers. It says nothing
about speed. ``Machine`` records what a kernel call would run, runs it there in one go, and fills in the results.
"""

from .bochs import missing
from .machine import FEATURES, Machine

__all__ = ["FEATURES", "Machine", "missing"]
