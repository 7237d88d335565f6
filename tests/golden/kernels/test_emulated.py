"""Every body as compiled for an AVX-512 CPU, run on an emulated one, gives the plain kernel's bits."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from emulated_cases import Case, emulate, matmul, single_products
from emulator import FEATURES, missing
from kernel_cases import NAMES, operands, structured

from golden.catalogue import multiplier
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.toward_zero import Avx512

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

DIRECTED = ("ax-fpm", "ax-fpm-widen", "exact-trunc", "ax-array", "ax-fpm:block=2", "ax-fpm:block=3")
# (least and greatest ea + eb - 127, greatest eb): arithmetic.md section 6.
EDGES = {
    "ax-fpm": (19, 252, 253),
    "ax-fpm-widen": (19, 252, 253),
    "exact-trunc": (1, 253, 254),
    "ax-array": (19, 252, 253),
    "ax-fpm:block=2": (21, 252, 253),
    "ax-fpm:block=3": (20, 252, 253),
}
SIZES = (0, 1, 2, 3, 15, 16, 17, 23, 115)
SHAPES = (
    *((m, 3, 2) for m in SIZES), *((2, n, 3) for n in SIZES), *((3, 2, k) for k in SIZES), (23, 115, 17), (17, 9, 1100)
)  # fmt: skip
CONVOLUTIONS = (
    # input, weight, stride, padding, dilation, groups: lanes over the pixels of a row, then over images
    ((1, 3, 7, 19), (5, 3, 3, 2), (1, 1), (1, 1), (1, 1), 1),
    ((2, 4, 9, 40), (6, 2, 3, 3), (2, 3), (0, 2), (1, 2), 2),
    ((1, 12, 5, 33), (24, 1, 3, 3), (1, 2), (1, 1), (2, 1), 12),
    ((1, 64, 3, 17), (9, 64, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # 576 terms: sums are resumed
    ((16, 2, 5, 4), (7, 2, 2, 3), (1, 1), (0, 1), (1, 1), 1),
    ((17, 3, 6, 5), (3, 1, 3, 2), (2, 1), (1, 0), (1, 2), 3),
)


def _random(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if kind == "structured":
        return structured(int(np.prod(shape)), rng).reshape(shape)
    return operands(kind, shape, rng)


@pytest.mark.parametrize("name", DIRECTED)
def test_shapes_and_accumulators(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(2)
    cases = []
    for rows, columns, depth in SHAPES:
        for kind in ("normal", "relu", "structured"):
            x, w = _random(kind, (rows, depth), rng), _random("normal", (depth, columns), rng)
            cases.append(matmul(x, w, operands("special" if kind == "relu" else "normal", (columns,), rng), m))
    for rows, columns, depth in ((1, 1, 0), (3, 17, 5), (9, 8, 600)):
        x, w = _random("relu", (rows, depth), rng), _random("structured", (depth, columns), rng)
        cases += [matmul(x, w, bias, m, "float64") for bias in (operands("special", (columns,), rng), None)]
    wrong, used = emulate(cases, monkeypatch)
    assert not wrong
    # A bias of -0 wants the signs of zeros, which ``widen`` does not keep.
    assert used[Avx512] > len(cases) // 2 if "widen" in name else used[Avx512] == len(cases)


@pytest.mark.parametrize("name", DIRECTED)
def test_a_million_structured_products(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = single_products(multiplier(name), Avx512, 1000, np.random.default_rng(5))
    assert emulate([case], monkeypatch) == ([], {Avx512: 1})


@pytest.mark.long
@pytest.mark.parametrize("name", DIRECTED)
def test_millions_of_structured_products(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = single_products(multiplier(name), Avx512, 4600, np.random.default_rng(11))  # 21 million
    assert emulate([case], monkeypatch) == ([], {Avx512: 1})


def _scaled(exponent: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Structured significands at a biased exponent."""
    words = structured(shape[0] * shape[1], rng).view(np.uint32).reshape(shape)
    return ((words & 0x807FFFFF) | np.uint32(exponent << 23)).view(np.float32)


@pytest.mark.parametrize("name", DIRECTED)
def test_edges_of_the_exponents(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends of what the body covers and one beyond; sums of three that cancel, at the lower end to subnormals."""
    m = multiplier(name)
    least, greatest, top = EDGES[name]
    rng = np.random.default_rng(7)
    cases, inside = [], 0
    for ea, eb in ((least + 126, 1), (1, least + 126), (least + 40, 87), (greatest + 127 - top, top)):
        for exponent in (ea - 1, ea, ea + 1):
            if 1 <= exponent <= 254:
                x, w = _scaled(exponent, (20, 3), rng), _scaled(eb, (3, 33), rng)
                cases += [matmul(x[:, :1], w[:1], None, m), matmul(x, w, None, m), matmul(x, w, None, m, "float64")]
                inside += 3 * (least <= exponent + eb - 127 <= greatest)
    wrong, used = emulate(cases, monkeypatch)
    assert not wrong
    assert used[Avx512] == inside


@pytest.mark.parametrize("name", DIRECTED)
def test_mixed_exponents(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(8)
    x, w = (operands("bits", shape, rng).view(np.uint32) for shape in ((40, 35), (35, 50)))
    x, w = ((v & 0x807FFFFF) | rng.integers(80, 170, v.shape, dtype=np.uint32) << np.uint32(23) for v in (x, w))
    cases = [matmul(x.view(np.float32), w.view(np.float32), None, m, to) for to in ("float32", "float64")]
    assert emulate(cases, monkeypatch) == ([], {Avx512: 2})


@pytest.mark.parametrize("name", DIRECTED)
def test_convolutions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(9)
    cases = []
    for shape, weights, *settings in CONVOLUTIONS:
        x, weight = operands("relu", shape, rng), operands("normal", weights, rng)
        bias = operands("normal", weights[:1], rng)
        cases += [Case("conv2d", (x, weight, bias, *settings, m, to)) for to in ("float32", "float64")]
    assert emulate(cases, monkeypatch) == ([], {Avx512: len(cases)})


@pytest.mark.parametrize("threads", [2, 5])
def test_work_split_for_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(10)
    cases = [
        matmul(operands("normal", (rows, 30), rng), operands("normal", (30, columns), rng), None, m)
        for rows, columns in ((1, 115), (3, 40), (70, 17), (130, 300))
    ]
    for shape, weights, *settings in CONVOLUTIONS:
        cases.append(
            Case(
                "conv2d",
                (operands("relu", shape, rng), operands("normal", weights, rng), None, *settings, m, "float32"),
            )
        )
    assert emulate(cases, monkeypatch, threads=threads) == ([], {Avx512: len(cases)})


@pytest.mark.parametrize("name", NAMES)
def test_every_other_body(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(12)
    cases, expected = [], Counter()
    for body in BODIES:
        if body is Avx512 or not body.accepts(m) or not body.features <= FEATURES:
            continue
        for kind in ("normal", "relu", "structured"):
            x, w, bias = (
                _random(k, shape, rng) for k, shape in ((kind, (18, 37)), ("normal", (37, 21)), ("normal", (21,)))
            )
            cases += [matmul(x, w, bias, m, to, body) for to in ("float32", "float64")]
        cases.append(single_products(m, body, 60, rng))
        expected[body] = 7
    assert emulate(cases, monkeypatch) == ([], expected)


@pytest.mark.parametrize("name", NAMES)
def test_any_operands(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(13)
    cases = []
    for kind in ("special", "bits"):
        x, w, bias = (operands(kind, shape, rng) for shape in ((29, 3), (3, 31), (31,)))
        cases += [matmul(x, w, bias, m, to) for to in ("float32", "float64")]
    assert emulate(cases, monkeypatch)[0] == []


@pytest.mark.parametrize("cpu", ["icelake-server", "sapphirerapids", "znver4", "znver5", "x86-64-v4"])
def test_what_a_user_runs(cpu: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM schedules for each CPU, and may take instructions that Skylake has not; the choice is that of ``select``."""
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(15)
    cases = [single_products(m, Avx512, 200, rng)]
    for rows, depth, columns, to in ((23, 115, 33, "float32"), (17, 1100, 9, "float32"), (9, 600, 40, "float64")):
        x, w = operands("relu", (rows, depth), rng), operands("normal", (depth, columns), rng)
        cases.append(matmul(x, w, operands("special", (columns,), rng), m, to))
    x, weight = operands("relu", (3, 5, 9, 21), rng), operands("normal", (12, 5, 3, 3), rng)
    cases.append(Case("conv2d", (x, weight, None, (1, 2), (1, 1), (1, 1), 1, m, "float32")))
    assert emulate(cases, monkeypatch, cpu=cpu) == ([], {Avx512: len(cases)})
