"""cocotb bench of a two-operand block, combinational or pipelined; ``sim.runner`` prepares and judges it.

The runner leaves operands, expected words and the schedule in ``job.npz``; a driver presents them, a monitor samples
the output. The loops record and do nothing else: the golden model ran before, the checker runs after.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import Immediate
from cocotb.triggers import FallingEdge, Timer

from sim.checker import JOB_FILE, RESULT_FILE, sample, save_result

__all__ = ["check_operands"]


@cocotb.test()
async def check_operands(dut: Any) -> None:
    """Drive every operand pair and record every output."""
    job = np.load(JOB_FILE)
    start = time.perf_counter()
    got = await (_pipelined(dut, job) if "enable" in job else _combinational(dut, job))
    save_result(Path(RESULT_FILE), got, time.perf_counter() - start)


async def _combinational(dut: Any, job: Any) -> list[int | str]:
    a, b, y = dut.a, dut.b, dut.y
    settle = Timer(1, "step")
    await settle  # Icarus ignores what is put on an input before time starts
    got: list[int | str] = []
    for word_a, word_b in zip(job["a"].tolist(), job["b"].tolist(), strict=True):
        a.set(Immediate(word_a))
        b.set(Immediate(word_b))
        await settle
        got.append(sample(y))
    return got


async def _pipelined(dut: Any, job: Any) -> list[int | str]:
    # Inputs change at the falling edge, half a cycle before the rising edge that takes them; the output is sampled at
    # the falling edge after it.
    a, b, y, en, rst = dut.a, dut.b, dut.y, dut.en, dut.rst
    pairs = job["pair"]
    cycles = zip(
        job["a"][pairs].tolist(), job["b"][pairs].tolist(), job["enable"].tolist(), job["reset"].tolist(), strict=True
    )
    falling = FallingEdge(dut.clk)
    Clock(dut.clk, 2, "step").start(start_high=False)
    await falling
    got: list[int | str] = []
    for word_a, word_b, enable, reset in cycles:
        a.value = word_a
        b.value = word_b
        en.value = enable
        rst.value = reset
        await falling
        got.append(sample(y))
    return got
