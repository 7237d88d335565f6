"""cocotb bench of a block of operands, combinational or pipelined; ``sim.runner`` prepares and judges it.

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


def _operands(job: Any) -> list[str]:
    return [name for name in "abc" if name in job]


async def _combinational(dut: Any, job: Any) -> list[int | str]:
    y = dut.y
    ports = [getattr(dut, name) for name in _operands(job)]
    settle = Timer(1, "step")
    await settle  # Icarus ignores what is put on an input before time starts
    got: list[int | str] = []
    for words in zip(*(job[name].tolist() for name in _operands(job)), strict=True):
        for port, word in zip(ports, words, strict=True):
            port.set(Immediate(word))
        await settle
        got.append(sample(y))
    return got


async def _pipelined(dut: Any, job: Any) -> list[int | str]:
    # Inputs change at the falling edge, half a cycle before the rising edge that takes them; the output is sampled at
    # the falling edge after it.
    y, en, rst = dut.y, dut.en, dut.rst
    ports = [getattr(dut, name) for name in _operands(job)]
    # A third operand comes with the product of its pair, later.
    shown = [job[name][job["c_pair" if name == "c" else "pair"]].tolist() for name in _operands(job)]
    cycles = zip(zip(*shown, strict=True), job["enable"].tolist(), job["reset"].tolist(), strict=True)
    falling = FallingEdge(dut.clk)
    Clock(dut.clk, 2, "step").start(start_high=False)
    await falling
    got: list[int | str] = []
    for words, enable, reset in cycles:
        for port, word in zip(ports, words, strict=True):
            port.value = word
        en.value = enable
        rst.value = reset
        await falling
        got.append(sample(y))
    return got
