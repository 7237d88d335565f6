"""All kernels give the same bits: against the literal reference, and against the plain kernel over many shapes."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import (
    NAMES,
    canonical,
    chosen,
    force,
    literal_matmul,
    operands,
    plain_matmul,
    structured,
    usable,
)

from golden import kernels
from golden.catalogue import MULTIPLIERS, Multiplier, multiplier
from golden.cells import Cell
from golden.designs import CellBlocks, Function, Masks, TableBlocks
from golden.errors import InvalidInput
from golden.formats import FP32
from golden.kernels import bodies
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Body, Range
from golden.kernels.bodies.float64_lanes import Double
from golden.kernels.bodies.toward_zero import Avx2, Avx512
from golden.kernels.functions import functions

SIZES = (0, 1, 2, 3, 15, 16, 17, 23, 115)
SHAPES = (
    *((m, 3, 2) for m in SIZES), *((2, n, 3) for n in SIZES), *((3, 2, k) for k in SIZES), (23, 115, 17), (17, 9, 1100)
)  # fmt: skip
PAIRS = [
    pytest.param(name, body, id=f"{name}-{body.name}")
    for name in NAMES
    for body in BODIES
    if usable(body, multiplier(name))
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["normal", "special", "bits"])
def test_select_equals_literal_reference(name: str, kind: str) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(1)
    x, w, bias = (operands(kind, shape, rng) for shape in ((5, 4), (4, 9), (9,)))
    assert np.array_equal(kernels.matmul(x, w, bias, m, "float32").view(np.uint32), literal_matmul(x, w, bias, m))


@pytest.mark.parametrize(("name", "body"), PAIRS)
def test_every_body_equals_plain(name: str, body: type[Body], monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, body)
    m = multiplier(name)
    rng = np.random.default_rng(2)
    ran = set()
    for rows, columns, depth in SHAPES:
        for kind in ("normal", "relu"):
            x, w = operands(kind, (rows, depth), rng), operands("normal", (depth, columns), rng)
            bias = operands("special" if kind == "relu" else "normal", (columns,), rng)
            ran.add(chosen(name, x, w, bias))
            got = kernels.matmul(x, w, bias, m, "float32")
            assert np.array_equal(got.view(np.uint32), plain_matmul(x, w, bias, m, "float32")), (rows, columns, depth)
    assert body in ran


@pytest.mark.parametrize(("name", "body"), PAIRS)
def test_float64_accumulation_equals_plain(name: str, body: type[Body], monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, body)
    m = multiplier(name)
    rng = np.random.default_rng(3)
    for rows, columns, depth in ((1, 1, 0), (3, 17, 5), (9, 8, 600)):
        x, w, bias = (operands("normal", shape, rng) for shape in ((rows, depth), (depth, columns), (columns,)))
        for start in (bias, None):
            got = kernels.matmul(x, w, start, m, "float64")
            assert np.array_equal(got.view(np.uint32), plain_matmul(x, w, start, m, "float64"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("accumulate", ["float32", "float64"])
def test_special_operands_equal_plain(name: str, accumulate: str) -> None:
    m = multiplier(name)
    rng = np.random.default_rng(4)
    for kind in ("special", "bits"):
        x, w, bias = (operands(kind, shape, rng) for shape in ((29, 3), (3, 31), (31,)))
        got = kernels.matmul(x, w, bias, m, accumulate)
        assert np.array_equal(got.view(np.uint32), plain_matmul(x, w, bias, m, accumulate))


@pytest.mark.parametrize(("name", "body"), PAIRS)
def test_structured_products(name: str, body: type[Body], monkeypatch: pytest.MonkeyPatch) -> None:
    _structured(name, body, 240, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm-widen", "ax-array", "ax-fpm:block=2", "ax-fpm:block=3", "ax-bf16"])
def test_millions_of_structured_products(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [body for body in BODIES if usable(body, multiplier(name))]
    for body in bodies:
        _structured(name, body, 4600, monkeypatch)  # 21 million each


def _structured(name: str, body: type[Body], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, body)
    m = multiplier(name)
    rng = np.random.default_rng(5)
    x, w = structured(size, rng)[:, None], structured(size, rng)[None]
    # Starting from -0 leaves single products as they are; none of these is zero.
    bias = np.full(size, 0.0 if not body(m).signs_zeros else -0.0, np.float32)
    assert chosen(name, x, w.copy(), bias) is body
    got = kernels.matmul(x, w, bias, m, "float32")
    for row in range(0, size, 100):
        part = slice(row, row + 100)
        assert np.array_equal(got[part].view(np.uint32), plain_matmul(x[part], w, bias, m, "float32"))


@pytest.mark.parametrize("accumulate", ["float32", "float64"])
@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm-widen", "exact-trunc"])
def test_streams_of_several_panels(name: str, accumulate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough rows for streams to be derived ahead, enough terms for three passes, and panels that share no size.
    monkeypatch.setenv("AXFPM_KERNEL", "portable")
    m = multiplier(name)
    rng = np.random.default_rng(7)
    x, w, bias = (operands("relu", shape, rng) for shape in ((20, 1100), (1100, 61), (61,)))
    assert functions(Double, m, False, accumulate, len(x)).body.derived
    got = kernels.matmul(x, w, bias, m, accumulate)
    assert np.array_equal(got.view(np.uint32), plain_matmul(x, w, bias, m, accumulate))


def test_plugged_in_designs() -> None:
    table = TableBlocks("lossy", 4, tuple((a * b) & ~3 for a in range(16) for b in range(16)))
    masks = Masks("lopsided", 0x00FFFF, 0x0F0000, 0xC00000)  # neither mask holds the hidden bit
    gaps = Masks("gaps", 0x111110, 0xEE0000, 0x888880)
    function = Function("or", lambda a, b, precision: (a | b) << np.uint64(precision - 1))
    wide_cells = CellBlocks(Cell("mine", "01101001", "00110111"), 12)
    rng = np.random.default_rng(6)
    for design in (table, masks, gaps, function, wide_cells):
        for carry in ("halve", "widen", "wrap"):
            m = Multiplier(FP32, design, carry=carry)
            x, w, bias = (operands("relu", shape, rng) for shape in ((5, 7), (7, 11), (11,)))
            got = kernels.matmul(x, w, bias, m, "float32")
            assert np.array_equal(canonical(got), literal_matmul(x, w, bias, m)), (design.name, carry)


def test_every_catalogue_entry_has_a_compiled_kernel() -> None:
    for name, m in MULTIPLIERS.items():
        assert kernels.select(m, "float32") is not None, name


def test_float64_and_float32_lanes_share_conditions_of_masks() -> None:
    assert Double.accepts(multiplier("ax-fpm"))
    assert not Double.accepts(multiplier("ax-fpm-wrap"))
    assert not Double.accepts(Multiplier(FP32, Masks("no hidden bit", 0xFFFFFF, 0, 0)))
    assert not Avx2.accepts(multiplier("ax-bf16"))


@pytest.mark.parametrize(
    "name", ["ax-fpm", "ax-fpm-widen", "exact-trunc", "ax-bf16", "ax-bf16:carry=widen", "mitchell"]
)
def test_sums_from_minus_zero(name: str) -> None:
    # The only sums in which the sign of a zero product shows.
    m = multiplier(name)
    zeros = np.array([0.0, -0.0, 1.5, -1.5], np.float32)
    bias = np.array([-0.0, 0.0] * 4, np.float32)
    x, w = np.repeat(zeros, 2)[:, None], np.tile(zeros, 2)[None]
    got = kernels.matmul(x, w, bias, m, "float32")
    assert np.array_equal(got.view(np.uint32), literal_matmul(x, w, bias, m))


# Selection


def test_select_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier("ax-fpm")
    monkeypatch.setenv("AXFPM_KERNEL", "plain")
    assert kernels.select(m, "float32") is None
    monkeypatch.setenv("AXFPM_KERNEL", "portable")
    assert kernels.select(m, "float32") is Double


def test_select_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", "quick")
    with pytest.raises(InvalidInput, match=r"AXFPM_KERNEL='quick' names no kernel; choose from avx512, avx2"):
        kernels.select(multiplier("ax-fpm"), "float32")


def test_select_unusable_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", "tables")
    with pytest.raises(InvalidInput, match="the kernel 'tables' cannot run 'ax-fpm' on this CPU"):
        kernels.select(multiplier("ax-fpm"), "float32")


def test_select_needs_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier("ax-fpm")
    for features, expected in (
        ({"avx2", "fma", "avx512f", "avx512dq", "avx512vl"}, Avx512),
        ({"avx2", "fma", "avx512f"}, Avx2),
        ({"avx2"}, Double),
        (set(), Double),
    ):
        monkeypatch.setattr("golden.kernels.dispatch.cpu_features", lambda f=features: frozenset(f))
        assert kernels.select(m, "float32") is expected
    monkeypatch.setenv("AXFPM_KERNEL", "avx512")
    with pytest.raises(InvalidInput, match="the kernel 'avx512' cannot run 'ax-fpm' on this CPU"):
        kernels.select(m, "float32")


@pytest.mark.parametrize("operand", ["a", "b"])
def test_forced_kernel_still_runs_every_operand(operand: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", "portable")
    m = multiplier("ax-fpm")
    ranges = {"a": Range(120, 130), "b": Range(120, 130), operand: Range(1, 255)}
    body = kernels.select(m, "float32", ranges["a"], ranges["b"])
    assert body is not None
    assert body.name == "general"


def test_the_page_says_which_file_has_which_body():
    rows = [line.split() for line in str(bodies.__doc__).splitlines()]
    for body in bodies.BODIES:
        assert [body.__module__.rpartition(".")[2], body.__name__, body.name, body.kernel] in rows
