"""Ways to compute a product in the lanes of a vector: one file each, and every body, fastest first.

``body`` says what a body is, and derives what several of them share.
"""

from __future__ import annotations

from golden.kernels.bodies.any_operands import General
from golden.kernels.bodies.body import Body
from golden.kernels.bodies.float64_lanes import Double
from golden.kernels.bodies.ieee_products import Rounded
from golden.kernels.bodies.look_up import Tables
from golden.kernels.bodies.mitchell import Mitchell, MitchellGeneral
from golden.kernels.bodies.toward_zero import Avx2, Avx512
from golden.kernels.bodies.truncated_narrow import Short
from golden.kernels.bodies.whole_products import Fused

__all__ = ["BODIES"]

BODIES: tuple[type[Body], ...] = (
    Fused,
    Rounded,
    Short,
    Mitchell,
    Avx512,
    Avx2,
    Double,
    General,
    MitchellGeneral,
    Tables,
)
