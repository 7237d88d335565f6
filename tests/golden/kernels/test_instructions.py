"""The AVX-512 kernel is this machine's AVX2 kernel with other instructions: here, what it compiles to."""

from __future__ import annotations

import re

import pytest
from kernel_cases import inner_loop

from golden.catalogue import multiplier
from golden.kernels.bodies.toward_zero import Avx2, Avx512
from golden.kernels.emit import F32
from golden.kernels.jit import assembly
from golden.kernels.tile import sums_module


@pytest.mark.parametrize("scalar_is_weight", [False, True])
@pytest.mark.parametrize(
    ("name", "per_product"),
    [
        ("ax-fpm", {"vmulps": 1, "vfm": 2, "vaddps": 2, "vpternlog": 1}),
        ("ax-fpm-widen", {"vmulps": 1, "vfm": 2, "vaddps": 2, "vpternlog": 0}),
        ("exact-trunc", {"vmulps": 1, "vfm": 0, "vaddps": 1, "vpternlog": 0}),
    ],
)
def test_avx512_inner_loop(name: str, per_product: dict[str, int], scalar_is_weight: bool) -> None:
    body = Avx512(multiplier(name))
    loop = inner_loop(assembly(sums_module(body, scalar_is_weight, F32), cpu="skylake-avx512"))
    assert not [line for line in loop if "rsp" in line], "registers spilled"
    counts = {key: sum(line.startswith(key) for line in loop) for key in per_product}
    # The vector operand's streams cost at most one addition and one bit operation per term.
    for key, count in per_product.items():
        assert count * body.outputs <= counts[key] <= count * body.outputs + 1, (key, counts)
    directed = sum("{rz-sae}" in line for line in loop)
    assert directed == body.outputs * (1 if name == "exact-trunc" else 4)


@pytest.mark.parametrize("scalar_is_weight", [False, True])
@pytest.mark.parametrize(("name", "additions"), [("ax-fpm", 1), ("ax-fpm-widen", 1), ("exact-trunc", 0)])
def test_avx2_rounding_mode_surrounds_the_products(name: str, additions: int, scalar_is_weight: bool) -> None:
    """The last two loads of MXCSR enclose the products, one addition of two vectors each or none; sums come after."""
    body = Avx2(multiplier(name))
    lines = assembly(sums_module(body, scalar_is_weight, F32), cpu="haswell").splitlines()
    changes = [i for i, line in enumerate(lines) if "ldmxcsr" in line]
    parts = [lines[: changes[-2]], lines[changes[-2] : changes[-1]], lines[changes[-1] :]]
    before, products, sums = (
        [sum(bool(re.search(rf"\b{name}", line)) for line in part) for name in ("vmulps", "vfm", "vaddps")]
        for part in parts
    )
    vectors = 2 * body.outputs
    doubled = 2 * additions * (not scalar_is_weight)  # t = 2 (b & T) of the two vectors of weights, exact in any mode
    assert before == [0, 0, 0]
    assert products == [vectors, 2 * additions * vectors, additions * vectors + doubled]
    assert sums == [0, 0, vectors]


def test_portable_kernel_compiles_for_other_processors() -> None:
    from golden.kernels.bodies.float64_lanes import Double

    module = sums_module(Double(multiplier("ax-fpm")), True, F32)
    arm = assembly(module, cpu="cortex-a76", triple="aarch64-unknown-linux-gnu")
    assert len(re.findall(r"\bfmla\b.*\.2d", arm)) >= 4 * Double.outputs
    old = assembly(module, cpu="x86-64")
    assert "zmm" not in old
    assert "ymm" not in old
