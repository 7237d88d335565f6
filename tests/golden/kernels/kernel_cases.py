"""Operands and references shared by the kernel tests."""

from __future__ import annotations

import re

import numpy as np
import pytest

from golden import kernels
from golden.catalogue import Multiplier, multiplier
from golden.kernels import plain
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Body
from golden.kernels.environment import default_environment
from golden.kernels.functions import magnitude_range
from golden.kernels.jit import cpu_features
from golden.reference import sum_of_products

SPECIAL_WORDS = (
    0x00000000, 0x80000000,  # zeros
    0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF,  # subnormals
    0x00800000, 0x80800001, 0x01000000, 0x00FFFFFF,  # the least normals
    0x7F7FFFFF, 0xFF7FFFFF, 0x7EFFFFFF, 0x7F000000,  # the greatest
    0x7F800000, 0xFF800000,  # infinities
    0x7FC00000, 0xFFC12345, 0x7F800001, 0xFFBFFFFF,  # NaNs, quiet and signalling, with payloads
    0x3F800000, 0xBFFFFFFF, 0x3F808080, 0x1FFFFFFF, 0x20000000, 0x5F800000,
)  # fmt: skip

NAMES = (
    "exact", "exact-trunc", "ax-fpm", "ax-fpm-widen", "ax-fpm-wrap", "ax-array", "ax-fpm:block=2", "ax-fpm:block=3",
    "ax-fpm:block=12,carry=widen", "ax-fpm:product=nearest", "bf16", "bf16-trunc", "ax-bf16", "e8m1", "e8m10",
    "ax-bf16:carry=widen,operands=nearest", "e8m3:product=truncate", "mitchell", "ax-fpm:cell=AMA1",
    "ax-fpm:cell=AMA3,block=8,carry=wrap",
)  # fmt: skip


def operands(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Activations or weights: ``normal``, ``relu`` (half zeros), ``bits`` (any word) or ``special``."""
    if kind == "special":
        return rng.choice(np.array(SPECIAL_WORDS, np.uint32), shape).view(np.float32)
    if kind == "bits":
        return rng.integers(0, 1 << 32, shape, dtype=np.uint32).view(np.float32)
    values = rng.standard_normal(shape).astype(np.float32)
    return np.maximum(values, np.float32(-0.0)) if kind == "relu" else values


def structured(size: int, rng: np.random.Generator) -> np.ndarray:
    """Values in +-[1, 2) whose fractions are random, near the ends, sparse or dense: carries and ties are frequent."""
    sparse = (1 << rng.integers(0, 23, size)) | (1 << rng.integers(0, 23, size))
    ends = rng.integers(0, 4, size) - 2
    random = rng.integers(0, 1 << 23, size)
    fraction = np.choose(rng.integers(0, 4, size), [random, sparse, ~sparse, ends]) & 0x7FFFFF
    word = 0x3F800000 | fraction | rng.integers(0, 2, size) << 31
    return word.astype(np.uint32).view(np.float32)


def canonical(out: np.ndarray) -> np.ndarray:
    """The bits of results, every NaN as 0x7FC00000."""
    bits = out.copy().view(np.uint32)
    bits[np.isnan(out)] = 0x7FC00000
    return bits


def plain_matmul(x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, m: Multiplier, accumulate: str) -> np.ndarray:
    """Bits of the plain kernel's result."""
    with default_environment(), np.errstate(all="ignore"):
        return canonical(plain.matmul(x, w, bias, m, accumulate))


def literal_matmul(x: np.ndarray, w: np.ndarray, bias: np.ndarray, m: Multiplier) -> np.ndarray:
    """Bits of arithmetic.md section 5, a product and an addition at a time."""
    rows, columns, start = (v.view(np.uint32).tolist() for v in (x, np.ascontiguousarray(w.T), bias))
    sums = [sum_of_products(row, column, m, s) for row in rows for column, s in zip(columns, start, strict=True)]
    return np.array(sums, np.uint32).reshape(len(rows), len(columns))


def usable(body: type[Body], m: Multiplier) -> bool:
    """Whether this machine can run a body for a multiplier."""
    return body.accepts(m) and body.features <= cpu_features()


def force(monkeypatch: pytest.MonkeyPatch, body: type[Body]) -> None:
    """Make ``select`` choose ``body`` wherever it covers the operands, else General."""
    fallback = [b for b in BODIES if b.name in ("general", "mitchell-general", "tables")]
    monkeypatch.setattr("golden.kernels.bodies.BODIES", (body, *fallback))


def chosen(name: str, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None = None) -> type[Body] | None:
    """What ``select`` takes for these operands."""
    return kernels.select(multiplier(name), "float32", magnitude_range(x), magnitude_range(w), bias)


def inner_loop(text: str) -> list[str]:
    """Instructions of the loop with the most vector instructions."""
    lines = text.splitlines()
    labels = {match[1]: i for i, line in enumerate(lines) if (match := re.match(r"(\.LBB\w+):", line))}
    loops = [
        (labels[match[1]], i)
        for i, line in enumerate(lines)
        if (match := re.search(r"\bj\w+\s+(\.LBB\w+)", line)) and labels.get(match[1], i) < i
    ]
    inner = [(a, b) for a, b in loops if not any(a <= c and d < b for c, d in loops if (c, d) != (a, b))]
    a, b = max(inner, key=lambda loop: sum("mm" in line for line in lines[loop[0] : loop[1]]))
    return [line.strip() for line in lines[a + 1 : b + 1]]
