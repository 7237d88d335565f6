"""Simulators, or a clear reason for doing without; and lets the tests of this folder import what they share."""

import sys
from pathlib import Path

import pytest

from sim.tools import available

sys.path.insert(0, str(Path(__file__).parent))


def _need(name: str) -> str:
    if available()[name] is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture(scope="session")
def icarus() -> str:
    """The name, where Icarus Verilog is installed."""
    return _need("icarus")


@pytest.fixture(scope="session")
def verilator() -> str:
    """The name, where Verilator is installed."""
    return _need("verilator")
