"""The loops that measure the CPU's bounds: exactly the instructions they are timed for, and their sum is right."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import inner_loop

from golden.kernels import peaks
from golden.kernels.calls import address
from golden.kernels.jit import assembly
from golden.kernels.peaks import CHAINS, peak_module


@pytest.mark.parametrize("counts", [(1, 0), (2, 0), (5, 1), (5, 3), (3, 4), (1, 3)])
@pytest.mark.parametrize("lanes", [8, 16])
def test_peak_loop_holds_the_operations_that_it_is_timed_for(counts: tuple[int, int], lanes: int) -> None:
    loop = inner_loop(assembly(peak_module(lanes, True, counts), cpu="skylake-avx512"))
    vectors = [line.split()[0] for line in loop if "mm" in line]
    assert len([name for name in vectors if name.startswith("vfmadd")]) == CHAINS * counts[0]
    assert len([name for name in vectors if name.startswith(("vand", "vpand", "vpadd"))]) == CHAINS * counts[1]
    assert len(vectors) == CHAINS * sum(counts)


@pytest.mark.parametrize("counts", [(1, 0), (5, 5)])
def test_peak_loop_multiplies_where_nothing_is_fused(counts: tuple[int, int]) -> None:
    loop = inner_loop(assembly(peak_module(4, False, counts), cpu="x86-64"))
    names = [line.split()[0] for line in loop]
    assert names.count("mulps") == names.count("addps") == CHAINS * counts[0]


def test_peak_loop_adds_up() -> None:
    lanes = peaks._lanes()
    out = np.empty((CHAINS, lanes), np.float32)
    operands = np.full((5, lanes), 0.5, np.float32)
    operands[2:].view(np.uint32)[:] = np.array([[0xFFFFFFFF], [0], [0x3F800000]], np.uint32)
    peaks._peak((5, 3))(10, address(operands), address(out))
    assert (out == 10 * 5 * 0.25).all()
