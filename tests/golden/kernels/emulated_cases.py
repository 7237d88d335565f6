"""Kernel calls on the emulated AVX-512 CPU, each with the bits it must give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from emulator import Machine
from kernel_cases import canonical, force, structured

from golden import kernels
from golden.catalogue import Multiplier
from golden.kernels import dispatch, plain
from golden.kernels.bodies.body import Body
from golden.kernels.environment import default_environment


@dataclass(frozen=True)
class Case:
    """Arguments of ``kernels.matmul`` or ``kernels.conv2d``; on a body forced, or on what ``select`` takes."""

    operation: str
    arguments: tuple[Any, ...]
    body: type[Body] | None = None

    def expected(self) -> np.ndarray:
        with default_environment(), np.errstate(all="ignore"):
            return canonical(getattr(plain, self.operation)(*self.arguments))


def matmul(
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None,
    m: Multiplier,
    accumulate: str = "float32",
    body: type[Body] | None = None,
) -> Case:
    return Case("matmul", (x, w, bias, m, accumulate), body)


def emulate(
    cases: Sequence[Case], monkeypatch: pytest.MonkeyPatch, *, cpu: str = "skylake-avx512", threads: int = 1
) -> tuple[list[int], Counter[type[Body] | None]]:
    """Which cases come out differently, and how often each body was used."""
    machine = Machine(cpu)
    got, used = [], Counter()
    choose = dispatch._choose
    with machine.recording(monkeypatch, threads):
        for case in cases:
            with monkeypatch.context() as patch:
                if case.body is not None:
                    force(patch, case.body)
                chosen: list[type[Body] | None] = []
                patch.setattr(dispatch, "_choose", lambda *a, to=chosen: to.append(choose(*a)) or to[-1])
                got.append(getattr(kernels, case.operation)(*case.arguments))
                if not chosen:  # nothing to compute
                    chosen.append(dispatch.select(*case.arguments[-2:]))
                used[chosen[-1]] += 1
    machine.run()
    pairs = enumerate(zip(got, cases, strict=True))
    return [i for i, (out, case) in pairs if not np.array_equal(out.view(np.uint32), case.expected())], used


def single_products(m: Multiplier, body: type[Body], size: int, rng: np.random.Generator) -> Case:
    """size x size structured products on a body, each a sum of its own."""
    x, w = structured(size, rng)[:, None], structured(size, rng)[None]
    # Starting from -0 leaves single products as they are; none of these is zero.
    bias = np.full(size, -0.0 if body(m).signs_zeros else 0.0, np.float32)
    return matmul(x, w, bias, m, body=body)
