"""cocotb bench of a clocked block that is driven and watched cycle by cycle; ``sim.runner`` prepares and judges it.

``job.npz`` holds ``drive_PORT``, the level of each input in every cycle, and ``watch``, the outputs to record.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from sim.checker import JOB_FILE, RESULT_FILE, sample, save_result

__all__ = ["check_cycles"]


@cocotb.test()
async def check_cycles(dut: Any) -> None:
    """Drive every cycle and record the outputs after its edge."""
    job = np.load(JOB_FILE)
    start = time.perf_counter()
    driven = [name for name in job.files if name.startswith("drive_")]
    inputs = [getattr(dut, name.removeprefix("drive_")) for name in driven]
    watched = [getattr(dut, name) for name in job["watch"].tolist()]
    columns = [job[name].tolist() for name in driven]
    got: list[list[int | str]] = [[] for _ in watched]
    # Inputs change at the falling edge, half a cycle before the rising edge that takes them; outputs are sampled at the
    # falling edge after it.
    falling = FallingEdge(dut.clk)
    Clock(dut.clk, 2, "step").start(start_high=False)
    await falling
    for levels in zip(*columns, strict=True):
        for port, level in zip(inputs, levels, strict=True):
            port.value = level
        await falling
        for port, samples in zip(watched, got, strict=True):
            samples.append(sample(port))
    save_result(Path(RESULT_FILE), got, time.perf_counter() - start)
