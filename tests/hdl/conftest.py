"""Fixtures that run hardware: combinational logic in Amaranth's simulator, Verilog text in Icarus."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hdl.bits import Word

Evaluate = Callable[[Callable[[Module, list[Word]], Word], Sequence[int], Iterable[Sequence[int]]], list[int]]


def _evaluate(
    build: Callable[[Module, list[Word]], Word], widths: Sequence[int], vectors: Iterable[Sequence[int]]
) -> list[int]:
    m = Module()
    inputs = [Signal(width, name=f"i{k}") for k, width in enumerate(widths)]
    value = build(m, list(inputs))
    output = Signal(value.shape())
    m.d.comb += output.eq(value)
    results = []

    async def bench(ctx) -> None:
        for vector in vectors:
            for signal, item in zip(inputs, vector, strict=True):
                ctx.set(signal, item)
            results.append(ctx.get(output))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return results


@pytest.fixture
def evaluate() -> Evaluate:
    """Drive a combinational circuit with each vector; return its output for each."""
    return _evaluate


@pytest.fixture
def icarus(tmp_path: Path) -> Callable[..., str]:
    """Compile Verilog texts together with Icarus and return what the simulation prints."""
    return lambda **sources: _icarus(tmp_path, sources)


def _icarus(folder: Path, sources: dict[str, str]) -> str:
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    files = []
    for name, text in sources.items():
        files.append(folder / f"{name}.v")
        files[-1].write_text(text)
    subprocess.run(["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", folder / "sim", *files], check=True)
    return subprocess.run(["vvp", "-n", folder / "sim"], check=True, capture_output=True, text=True).stdout
