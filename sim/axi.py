"""The matrix engine behind AXI4-Stream names: the engine's jobs, driven by cocotbext-axi."""

from __future__ import annotations

from typing import Any

from sim.engine import ENGINE
from sim.job import Bench, Setting

__all__ = ["AXI_ENGINE"]

_INPUTS = tuple(f"s_axis_{name}" for name in ("command", "activations", "weights", "biases"))
_RESULTS = "m_axis_results"


def _ports(_: Setting) -> tuple[str, ...]:
    streams = (f"{name}_{part}" for name in (*_INPUTS, _RESULTS) for part in ("tdata", "tvalid", "tready"))
    return (*streams, f"{_RESULTS}_tkeep", f"{_RESULTS}_tlast", "done", "cycles", "stalled", "error", "clk", "rst")


def _parameters(setting: Setting) -> dict[str, Any]:
    return {**ENGINE.parameters(setting), "axi": True}


AXI_ENGINE = Bench("sim.benches.axi", _ports, _parameters, ENGINE.prepare, ENGINE.shape, streams=True)
"""For ``sim.runner.run("engine", bench=AXI_ENGINE)``; needs the package cocotbext-axi."""
