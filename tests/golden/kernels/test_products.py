"""Matrix products of operands in any memory order, one by one and in batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from kernel_cases import canonical, force, operands, plain_matmul, usable

from golden import sums
from golden.catalogue import multiplier
from golden.kernels import dispatch, pool, products
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Body, Range
from golden.kernels.dispatch import Choice
from golden.kernels.functions import magnitude_range

NAMES = ("ax-fpm", "ax-fpm-widen", "exact", "bf16", "ax-bf16", "mitchell", "ax-fpm-wrap", "ax-fpm:cell=AMA1")
PAIRS = [
    pytest.param(name, body, id=f"{name}-{body.name}")
    for name in NAMES
    for body in BODIES
    if usable(body, multiplier(name))
]


def _reversed_steps(x: np.ndarray) -> np.ndarray:
    """The same elements, in memory with gaps and backwards."""
    wide = np.full([2 * size for size in x.shape], np.nan, np.float32)
    view = wide[tuple(slice(None, None, -2) for _ in x.shape)]
    view[:] = x
    return view


ORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "gaps": _reversed_steps,
}


@pytest.mark.parametrize(("name", "body"), PAIRS)
def test_memory_order_changes_nothing(name: str, body: type[Body], monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, body)
    m = multiplier(name)
    rng = np.random.default_rng(31)
    for rows, columns, depth in ((9, 21, 19), (26, 40, 8), (3, 7, 530)):
        x, w = operands("relu", (rows, depth), rng), operands("normal", (depth, columns), rng)
        bias = operands("normal", (columns,), rng)
        expected = plain_matmul(x, w, bias, m, "float32")
        for of_x in ORDERS.values():
            for of_w in ORDERS.values():
                assert np.array_equal(canonical(sums.matmul(of_x(x), of_w(w), m, bias)), expected)


@pytest.mark.parametrize(("name", "body"), PAIRS)
@pytest.mark.parametrize("large", [False, True])
def test_batches(name: str, body: type[Body], large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, body)
    if large:
        monkeypatch.setattr(products, "SMALL", 0)
    monkeypatch.setattr(products, "BATCH", 5000)  # several tasks
    m = multiplier(name)
    rng = np.random.default_rng(32)
    x, w = operands("relu", (4, 1, 9, 35), rng), operands("normal", (3, 35, 18), rng)
    bias = operands("normal", (18,), rng)
    for accumulate in ("float32", "float64"):
        for of_w in (np.ascontiguousarray, lambda v: np.ascontiguousarray(v.swapaxes(1, 2)).swapaxes(1, 2)):
            got = sums.matmul(x, of_w(w), m, bias, accumulate)
            assert got.shape == (4, 3, 9, 18)
            for i, j in np.ndindex(4, 3):
                assert np.array_equal(canonical(got[i, j]), plain_matmul(x[i, 0], w[j], bias, m, accumulate))


def test_batches_of_many_terms() -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(33)
    x, w = operands("relu", (3, 2, 1100), rng), operands("normal", (3, 1100, 5), rng)
    got = sums.matmul(x, w, m)
    assert all(np.array_equal(canonical(got[i]), plain_matmul(x[i], w[i], None, m, "float32")) for i in range(3))


@pytest.mark.parametrize("kind", ["special", "bits"])
def test_batches_of_special_operands(kind: str) -> None:
    rng = np.random.default_rng(34)
    x, w, bias = (operands(kind, shape, rng) for shape in ((7, 5, 3), (7, 3, 17), (17,)))
    for name in NAMES:
        m = multiplier(name)
        got = sums.matmul(x, w, m, bias)
        assert all(np.array_equal(canonical(got[i]), plain_matmul(x[i], w[i], bias, m, "float32")) for i in range(7))


@pytest.mark.parametrize("operand", ["x", "w"])
def test_parts_with_extreme_operands_are_computed_again_by_themselves(
    operand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several tasks, passes over the sums and panels; the extremes lie in the last terms of one of them.
    monkeypatch.setattr(pool, "threads", lambda: 1)
    monkeypatch.setattr(products, "RECORDS", 40_000)
    monkeypatch.setattr(products, "PANELS", 200_000)
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(36)
    x, w = operands("relu", (50, 1030), rng), operands("normal", (1030, 150), rng)
    bias = operands("normal", (150,), rng)
    if operand == "x":
        x[47, 1029] = np.inf
    else:
        w[1029, 140] = 2.0**-126
    tiles: list[bool] = []
    tile = products._tile
    monkeypatch.setattr(products, "_tile", lambda *a: tiles.append(tile(*a)) or tiles[-1])
    got = sums.matmul(x, w, m, bias)
    assert np.array_equal(canonical(got), plain_matmul(x, w, bias, m, "float32"))
    again = tiles.count(False)
    assert again == (1 if operand == "x" else len(tiles) - again)
    assert len(tiles) >= 6
    monkeypatch.setattr(products, "BATCH", 1)
    xs, ws = np.stack([x[:5], x[-5:], x[5:10]]), np.broadcast_to(w, (3, *w.shape))
    got = sums.matmul(xs, ws, m, bias)
    assert all(np.array_equal(canonical(got[i]), plain_matmul(xs[i], w, bias, m, "float32")) for i in range(3))


def test_no_sums_begin_where_packing_meets_operands_beyond_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    # Their products are subnormal in the fast bodies, which would take many times as long as the right body.
    monkeypatch.setattr(pool, "threads", lambda: 1)
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(37)
    x, w = operands("relu", (50, 1030), rng) * np.float32(2.0**-100), operands("normal", (1030, 300), rng)
    w *= np.float32(2.0**-30)
    usual = Choice(dispatch._bodies(m), m, "float32", None, len(x)).usual()
    called: list[int] = []
    run_rows = products.run_rows
    monkeypatch.setattr(
        products, "run_rows", lambda rows, count: called.extend(rows[:, 0].tolist()) or run_rows(rows, count)
    )
    assert np.array_equal(canonical(sums.matmul(x, w, m)), plain_matmul(x, w, None, m, "float32"))
    assert usual.pack.address in called
    assert usual.sums.address not in called
    called.clear()
    sums.matmul(x * np.float32(2.0**100), w, m)
    assert usual.sums.address in called


def test_empty_batches() -> None:
    bias = np.array([1.5, -2.0], np.float32)
    for lead, rows, depth in (((0,), 3, 4), ((2, 0), 3, 4), ((2,), 0, 4), ((2,), 3, 0)):
        x, w = np.ones((*lead, rows, depth), np.float32), np.ones((*lead, depth, 2), np.float32)
        got = sums.matmul(x, w, "ax-fpm", bias)
        assert got.shape == (*lead, rows, 2)
        assert np.array_equal(got, np.broadcast_to(bias if depth == 0 else 2 * depth + bias, got.shape))


def test_batches_do_not_copy_what_broadcasts() -> None:
    # 2^40 matrices would not fit anywhere; none of them is computed, as they have no rows.
    w = np.broadcast_to(np.ones((2, 2), np.float32), (1 << 40, 2, 2))
    assert sums.matmul(np.ones((1, 0, 2), np.float32), w, "ax-fpm").shape == (1 << 40, 0, 2)


def test_magnitude_range_of_any_strides() -> None:
    rng = np.random.default_rng(35)
    values = operands("normal", (5, 6, 7, 40, 3), rng)
    values[values < -1] = 0
    views = [
        values[0, 0, 0, 0, 0],
        values[0],
        values[:, ::2, ::-1],
        values.transpose(4, 1, 0, 3, 2)[::2, ::3],
        values[0, 0].T,
        np.broadcast_to(values[0, 0], (9, 7, 40, 3)),
        values[:, :0],
        np.zeros((3, 4), np.float32),
    ]
    for view in views:
        exponents = (np.ascontiguousarray(view).view(np.uint32) >> 23 & 255)[view != 0]
        expected = Range(int(exponents.min()), int(exponents.max())) if exponents.size else Range(127, 127)
        assert magnitude_range(view) == expected
