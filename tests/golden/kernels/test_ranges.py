"""Both ends of every range condition: the last exponents a body covers come out right, the next ones it declines."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import force, plain_matmul, structured, usable

from golden import kernels
from golden.catalogue import multiplier
from golden.kernels.bodies import BODIES
from golden.kernels.bodies.body import Body, Range
from golden.kernels.bodies.float64_lanes import Double
from golden.kernels.bodies.ieee_products import Rounded
from golden.kernels.bodies.mitchell import Mitchell
from golden.kernels.bodies.toward_zero import Avx2, Avx512
from golden.kernels.bodies.truncated_narrow import Short
from golden.kernels.bodies.whole_products import Fused
from golden.kernels.functions import magnitude_range

# (name, body, least and greatest ea + eb - 127, greatest eb): arithmetic.md section 6 and the bodies' docstrings.
EDGES = [
    ("ax-fpm", Avx2, 19, 252, 253),
    ("ax-fpm-widen", Avx2, 19, 252, 253),
    ("ax-fpm:block=3", Avx2, 20, 252, 253),
    ("ax-fpm:block=2", Avx2, 21, 252, 253),
    ("ax-array", Avx2, 19, 252, 253),
    ("exact-trunc", Avx2, 1, 253, 254),
    ("ax-fpm", Avx512, 19, 252, 253),
    ("ax-fpm:block=2", Avx512, 21, 252, 253),
    ("ax-fpm", Double, 1, 253, 254),
    ("ax-fpm-widen", Double, 1, 252, 254),
    ("exact-trunc", Double, 1, 253, 254),
    ("exact", Rounded, 1, None, 255),
    ("bf16", Fused, 1, 251, 253),
    ("bf16:operands=truncate", Fused, 1, 253, 254),
    ("ax-bf16", Short, 1, 252, 253),
    ("bf16-trunc", Short, 1, 252, 253),
    ("mitchell", Mitchell, 1, 253, 254),
]
IDS = [f"{name}-{body.name}" for name, body, *_ in EDGES]


@pytest.mark.parametrize(("name", "body", "least", "greatest", "top"), EDGES, ids=IDS)
def test_conditions_are_those_derived(name: str, body: type[Body], least: int, greatest: int | None, top: int) -> None:
    covers = body(multiplier(name)).covers
    for ea, eb in ((least + 27, 100), (1, least + 126), (least + 126, 1)):
        assert covers(Range(ea, ea), Range(eb, eb))
    assert not covers(Range(least + 26, 130), Range(100, 130))
    if greatest is not None:
        assert covers(Range(100, greatest - 73), Range(100, 200))
        assert not covers(Range(100, greatest - 72), Range(100, 200))
    assert covers(Range(100, 110), Range(100, top))
    if top < 255:
        assert not covers(Range(100, 110), Range(100, top + 1))
    if body is not Rounded:  # IEEE multiplication does specials itself
        assert not covers(Range(100, 255), Range(100, 110))


def _scaled(exponents: list[int], rng: np.random.Generator) -> np.ndarray:
    """Structured significands at each biased exponent."""
    values = structured(40 * len(exponents), rng).view(np.uint32)
    shifted = (values & 0x807FFFFF) | np.repeat(np.array(exponents, np.uint32), 40) << np.uint32(23)
    return shifted.view(np.float32)


@pytest.mark.parametrize(("name", "body", "least", "greatest", "top"), EDGES, ids=IDS)
def test_products_at_the_edges(
    name: str, body: type[Body], least: int, greatest: int | None, top: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    m = multiplier(name)
    if not usable(body, m):
        pytest.skip(f"CPU without {' or '.join(sorted(body.features))}: {body.name} not run")
    force(monkeypatch, body)
    rng = np.random.default_rng(7)
    high = greatest if greatest is not None else 254
    ends = [(least + 126, 1), (1, least + 126), (least + 40, 87), (high + 127 - min(top, 254), min(top, 254))]
    for ea, eb in ends:
        for step in (0, 1, -1):
            x, w = _scaled([ea + step], rng)[:, None], _scaled([eb], rng)[None]
            if not 1 <= ea + step <= 254:
                continue
            inside = body(m).covers(magnitude_range(x), magnitude_range(w))
            if step == 0:
                assert inside
            for accumulate in ("float32", "float64"):
                got = kernels.matmul(x, w, None, m, accumulate)
                assert np.array_equal(got.view(np.uint32), plain_matmul(x, w, None, m, accumulate)), (ea, eb, step)


def test_zeros_and_subnormals_stay_out_of_the_scan() -> None:
    words = np.array([0, 0x80000000, 1, 0x807FFFFF, 0x40000000, 0x3F812345] * 9, np.uint32)
    for size in range(1, words.size):
        part = words[-size:]
        exponents = [int(w) >> 23 & 255 for w in part if int(w) >> 23 & 255]
        expected = Range(min(exponents), max(exponents)) if exponents else Range(127, 127)
        assert magnitude_range(part.view(np.float32)) == expected
    assert magnitude_range(np.zeros(100, np.float32)) == Range(127, 127)
    assert magnitude_range(np.array([np.inf, 1.0], np.float32)) == Range(127, 255)
    assert magnitude_range(np.array([np.nan] * 40 + [2.0**-126], np.float32)) == Range(1, 255)


def test_every_closed_form_has_a_body_for_any_operand() -> None:
    for name in ("ax-fpm", "ax-fpm-wrap", "bf16", "mitchell", "exact", "ax-fpm:cell=AMA2"):
        m = multiplier(name)
        assert any(body.accepts(m) and body(m).covers(Range(1, 255), Range(1, 255)) for body in BODIES)
