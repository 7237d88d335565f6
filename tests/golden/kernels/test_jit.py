"""Narrowing the CPU: one machine runs every dialect that it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden.errors import InvalidInput
from golden.kernels import jit

KERNEL_OF_LEVEL = {"x86-64": "double", "x86-64-v3": "avx2", "x86-64-v4": "avx512"}

SCRIPT = """
import numpy as np
from golden import kernels
from golden.catalogue import multiplier
from golden.kernels.jit import cpu_name
from golden.sums import matmul
rng = np.random.default_rng(0)
x, w = (rng.standard_normal(s).astype(np.float32) for s in ((9, 40), (40, 21)))
body = kernels.select(multiplier("ax-fpm"), "float32")
print(cpu_name(), body.name, matmul(x, w).view(np.uint32).sum(dtype=np.uint64))
"""


def _run(level: str) -> list[str]:
    environment = {**os.environ, "AXFPM_CPU": level, "AXFPM_KERNEL": "", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_every_level_that_this_cpu_reaches_takes_its_kernel_and_gives_the_same_bits() -> None:
    reached = [level for level, features in jit.LEVELS.items() if features <= jit._present()]
    assert "x86-64" in reached or not jit._present() & {"sse2"}
    found = {level: _run(level) for level in reached}
    assert {level: kernel for level, (_, kernel, _) in found.items()} == {
        level: KERNEL_OF_LEVEL[level] for level in reached
    }
    assert all(name == level for level, (name, _, _) in found.items())
    assert len({bits for _, _, bits in found.values()} | {_run("")[2]}) == 1


def test_levels_have_what_bodies_ask_for() -> None:
    from golden.kernels.bodies import BODIES

    asked = {body.name: body.features for body in BODIES}
    assert asked["avx2"] <= jit.LEVELS["x86-64-v3"]
    assert asked["avx512"] <= jit.LEVELS["x86-64-v4"]
    assert not asked["avx512"] <= jit.LEVELS["x86-64-v3"]
    assert not asked["avx2"] <= jit.LEVELS["x86-64"]


def test_unknown_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_CPU", "pentium")
    with pytest.raises(InvalidInput, match="AXFPM_CPU='pentium' names no level; choose from x86-64, x86-64-v3"):
        jit._level.__wrapped__()


def test_level_beyond_this_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_CPU", "x86-64-v4")
    monkeypatch.setattr(jit, "_present", lambda: jit.LEVELS["x86-64-v3"])
    with pytest.raises(InvalidInput, match="asks for avx512bw, avx512cd, avx512dq, avx512f, avx512vl, which this CPU"):
        jit._level.__wrapped__()
