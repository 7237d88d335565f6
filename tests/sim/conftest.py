"""Simulators, or a clear reason for doing without."""

import pytest

from sim.tools import available


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
