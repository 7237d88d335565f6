"""Matrix products of the GPU's kernels, run there or in Triton's interpreter: the bits of the CPU's."""

# pyright: reportMissingImports=false
from typing import Any

import numpy as np
import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
pytest.importorskip("torch")

import torch
import triton
import triton.language as tl  # noqa: F401 - jitted functions see it
from kernel_cases import NAMES, SPECIAL_WORDS, operands, plain_matmul, structured

from golden.catalogue import multiplier
from golden.kernels.cuda import lanes, matrices, products
from golden.kernels.cuda.families import Family, family as family_of
from golden.sums import matmul

pytestmark = pytest.mark.long

# Six widths of blocks, and both carries.
DIRECTED = (
    "ax-fpm", "ax-fpm-widen", "ax-fpm:block=2", "ax-fpm:block=3,carry=widen", "ax-fpm:block=6", "ax-fpm:block=8",
    "ax-fpm:block=12,carry=widen", "ax-array", "exact-trunc",
)  # fmt: skip
RANGED = (*DIRECTED, "exact", "bf16", "bf16-trunc", "ax-bf16", "ax-bf16:carry=widen,operands=nearest", "mitchell")


def family(m) -> Family:
    found = family_of(m)
    assert found is not None
    return found


def bits(x):
    return np.ascontiguousarray(x).view(np.uint32)


@pytest.fixture
def computed(device):
    """A matrix product of arrays by the kernels, as words."""

    def run(x, w, bias, m, accumulate="float32", **settings):
        a, b = (torch.from_numpy(np.ascontiguousarray(y)).to(device) for y in (x, w))
        start = None if bias is None else torch.from_numpy(bias).to(device)
        return bits(matrices.matmul(a, b, start, m, accumulate, **settings).cpu().numpy())

    return run


def random(kind, shape, rng):
    return structured(int(np.prod(shape)), rng).reshape(shape) if kind == "structured" else operands(kind, shape, rng)


def at(exponent, shape, rng):
    """Structured significands at a biased exponent."""
    return ((bits(random("structured", shape, rng)) & 0x807FFFFF) | np.uint32(exponent << 23)).view(np.float32)


@pytest.fixture
def worked(monkeypatch):
    """Which of the two kernels stored sums: names in order, as the device decided."""
    names = []
    launch = matrices.launch

    def observed(kernel, programs, *arguments, **constants):
        out = constants["out"]
        before = out.clone()
        out.fill_(1.2345e-33)
        launch(kernel, programs, *arguments, **constants)
        if bool((out == 1.2345e-33).all()):
            out.copy_(before)
        else:
            names.append("lanes" if kernel is matrices.lanes else "integer")

    monkeypatch.setattr(matrices, "launch", observed)
    return names


@pytest.fixture(params=[1, 1 << 20], ids=["large", "small"])
def tiles(request, monkeypatch):
    """Tiles as on a device of few multiprocessors, or of many."""
    monkeypatch.setattr(matrices, "_processors", lambda _device: request.param)


def test_tiles_are_small_where_large_ones_leave_multiprocessors_without_work():
    assert matrices.tile(1, 4096, 4096, 132) == (128, 64)
    assert matrices.tile(1, 1000, 256, 132) == (32, 16) and matrices.tile(8, 1000, 256, 132) == (128, 64)
    assert matrices.tile(1, 4096, 100, 100) == (32, 64) and matrices.tile(1, 4096, 16, 132) == (32, 16)
    assert matrices.tile(1, 8, 8, 1) == (32, 16)


@pytest.mark.usefixtures("tiles")
def test_every_multiplier_on_all_kinds_of_operands(computed):
    rng = np.random.default_rng(1)
    wrong = []
    for name in NAMES:
        m = multiplier(name)
        for kind in ("normal", "relu", "structured", "special", "bits"):
            other = kind if kind in ("special", "bits") else "normal"
            for accumulate in ("float32", "float64"):
                x, w, bias = random(kind, (37, 11), rng), random(other, (11, 20), rng), random(other, (20,), rng)
                got = computed(x, w, bias, m, accumulate)
                if not np.array_equal(got, plain_matmul(x, w, bias, m, accumulate)):
                    wrong.append((name, kind, accumulate))
    assert wrong == []


def test_the_integer_kernel_alone_on_all_special_words_and_the_anchors(computed):
    words = np.array(SPECIAL_WORDS, np.uint32).view(np.float32)
    x, w = words[:, None].copy(), words[None].copy()
    wrong = []
    for name in NAMES:
        m = multiplier(name)
        bias = np.full(w.shape[1], -0.0, np.float32)
        for start in (None, bias):
            got = computed(x, w, start, m, in_lanes=False)
            if not np.array_equal(got, plain_matmul(x, w, start, m, "float32")):
                wrong.append(name)
        many, others = (
            random("structured", (60, 1), np.random.default_rng(2)),
            random("structured", (1, 60), np.random.default_rng(3)),
        )
        if not np.array_equal(
            computed(many, others, None, m, in_lanes=False), plain_matmul(many, others, None, m, "float32")
        ):
            wrong.append(name)
    assert wrong == []
    anchors = {  # arithmetic.md section 3
        (0x3F800000, 0x3F800000): 0x40000000,
        (0x3F5B22D1, 0x3EF126E9): 0x3EDA273C,
        (0x3EF126E9, 0x3F5B22D1): 0x3EFCB787,
        (0x3FFFFFFF, 0x3FFFFFFF): 0x4007F6E4,
        (0x3F000000, 0x00800000): 0x00800000,
        (0x3E800000, 0x00800000): 0x00000000,
        (0x7F000000, 0x3F800000): 0x7F800000,
        (0x7F000000, 0x3F000000): 0x7F000000,
        (0x7F800000, 0x00000000): 0x7FC00000,
        (0xBF800000, 0x40490FDB): 0xC0880888,
    }
    for (a, b), y in anchors.items():
        one, other = (np.array([[word]], np.uint32).view(np.float32) for word in (a, b))
        assert computed(one, other, None, multiplier("ax-fpm"), in_lanes=False) == y


def test_both_ends_of_each_range_and_one_beyond(computed, worked):
    """Sums of three that cancel, at the lower end to subnormals; beyond the range the integer kernel works."""
    rng = np.random.default_rng(7)
    wrong = []
    for name in RANGED:
        m = multiplier(name)
        reach = family(m).reach
        low, high, top = reach.least, reach.greatest, reach.most_b
        for ea, eb in (
            (low + 126, 1),
            (1, low + 126),
            (low + 40, 87),
            (high + 127 - top, top),
            (top, high + 127 - top),
        ):
            for exponent in (ea - 1, ea, ea + 1):
                if not (1 <= exponent <= 254 and 1 <= eb <= 254):
                    continue
                x, w = at(exponent, (20, 3), rng), at(eb, (3, 17), rng)
                worked.clear()
                good = np.array_equal(computed(x, w, None, m), plain_matmul(x, w, None, m, "float32"))
                inside = low <= exponent + eb - 127 <= high and exponent <= reach.most_a and eb <= reach.most_b
                if not good or worked != ["lanes" if inside else "integer"]:
                    wrong.append((name, exponent, eb, good, worked.copy()))
    assert wrong == []


def test_subnormals_zeros_and_minus_zero(computed, worked):
    """Subnormal operands count as zeros and leave no range; sums from -0 want the signs of zeros."""
    rng = np.random.default_rng(8)
    x, w = random("normal", (9, 4), rng), random("normal", (4, 5), rng)
    x[::2], w[1] = np.float32(1e-40), np.float32(-0.0)
    zeros, minus = np.zeros_like(x), np.full(5, -0.0, np.float32)
    for name in RANGED:
        m = multiplier(name)
        for a, b, bias in (
            (x, w, minus),
            (zeros, w, minus),
            (-zeros, w, minus),
            (x, w, None),
            (zeros, np.zeros_like(w), None),
        ):
            worked.clear()
            assert np.array_equal(computed(a, b, bias, m), plain_matmul(a, b, bias, m, "float32")), name
            lanes_work = bias is None or family(m).signs_zeros
            assert worked == ["lanes" if lanes_work else "integer"], name


@pytest.mark.usefixtures("tiles")
def test_shapes_strides_and_batches(device, computed):
    rng = np.random.default_rng(2)
    for name in ("ax-fpm", "exact", "mitchell", "ax-fpm-wrap"):
        m = multiplier(name)
        for rows, depth, columns in (
            (1, 1, 1),
            (3, 0, 5),
            (0, 3, 2),
            (2, 3, 0),
            (130, 5, 66),
            (33, 40, 16),
            (5, 70, 129),
        ):
            x, w, bias = (random("normal", shape, rng) for shape in ((rows, depth), (depth, columns), (columns,)))
            for start in (bias, None):
                assert np.array_equal(computed(x, w, start, m), plain_matmul(x, w, start, m, "float32"))
        x, w = random("relu", (2, 3, 9, 14), rng), random("normal", (3, 7, 6), rng)
        x, w = torch.from_numpy(x).to(device)[..., ::2], torch.from_numpy(w).to(device).mT.contiguous().mT
        for b in (w, w[0]):
            got = matrices.matmul(x, b.expand(2, 3, 7, 6), None, m, "float32").cpu()
            assert torch.equal(got.view(torch.int32), matmul(x.cpu(), b.cpu(), m).view(torch.int32))


def test_a_nan_of_any_payload_becomes_the_canonical_one(computed):
    x = np.array([[np.inf, 1], [1, 1]], np.float32)
    w = np.array([[1.0, 1], [-np.inf, 1]], np.float32)
    bias = np.array([0xFFC12345, 0], np.uint32).view(np.float32)
    for name in ("ax-fpm", "exact", "bf16"):
        assert computed(x, w, bias, multiplier(name))[0, 0] == 0x7FC00000
        assert computed(np.ones_like(x), np.ones_like(w), bias, multiplier(name))[0, 0] == 0x7FC00000


@triton.jit
def sum_to_nearest(a, b):
    return a + b


@triton.jit
def product_to_nearest(a, b):
    return a * b


@triton.jit
def no_blend(power, fraction):
    return fraction


MUTANTS = {
    "sum_toward_zero": sum_to_nearest,
    "multiply_toward_zero": product_to_nearest,
    "blend": no_blend,
}


def test_mutants_fail(computed, monkeypatch):
    rng = np.random.default_rng(4)
    x, w = random("normal", (40, 29), rng), random("normal", (29, 30), rng)

    def wrong(name, a, b):
        return (computed(a, b, None, multiplier(name)) != plain_matmul(x, w, None, multiplier(name), "float32")).sum()

    names = {"sum_toward_zero": "ax-fpm", "multiply_toward_zero": "exact-trunc", "blend": "ax-fpm"}
    for mutant, name in names.items():
        assert wrong(name, x, w) == 0
        with monkeypatch.context() as patch:
            patch.setattr(products, mutant, MUTANTS[mutant])
            # Triton keeps what it has compiled, by the text: other functions of the same.
            for module, function in ((lanes, products.add_product), (matrices, lanes.lanes)):
                of_python: Any = function
                patch.setattr(module, of_python.__name__, triton.jit(of_python.fn))
            assert wrong(name, x, w) > 100
    assert wrong("ax-fpm", x[:, ::-1].copy(), w[::-1].copy()) > 100  # the order of terms


def test_offsets_beyond_31_bits(device):
    """Of the integer kernel's and of packing's reads: rows that lie far apart in memory that nothing else touches."""
    m = multiplier("ax-fpm")
    far = (1 << 31) + 64
    memory = torch.empty(far + 64, device=device)  # on the CPU pages are taken when they are written
    x = memory.as_strided((2, 3), (far, 1))
    x.copy_(torch.tensor([[1.5, 2.0, -3.0], [0.75, 1.25, 7.0]]))
    w = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    expected = matmul(x.cpu().clone(), w, m).view(torch.int32)
    for in_lanes in (True, False):
        got = matrices.matmul(x, w.to(device), None, m, "float32", in_lanes).cpu()
        assert torch.equal(got.view(torch.int32), expected)
