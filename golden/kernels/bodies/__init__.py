"""Ways to compute a product in the lanes of a vector: one file each, and every body, fastest first.

``body`` says what a body is, and derives what several of them share. A body's ``name`` is what results and tests call
it; ``AXFPM_KERNEL`` chooses among kernels, groups of bodies (``plain`` is none of them: NumPy).

==================  =======================  =========================  ============
file                class                    name                       AXFPM_KERNEL
==================  =======================  =========================  ============
whole_products      Fused                    fused                      portable
ieee_products       Rounded                  rounded                    portable
truncated_narrow    Short                    short                      portable
mitchell            Mitchell                 mitchell                   portable
toward_zero         Avx512                   avx512                     avx512
toward_zero         Avx2                     avx2                       avx2
float64_lanes       Double                   double                     portable
any_operands        General                  general                    portable
mitchell            MitchellGeneral          mitchell-general           portable
look_up             Tables                   tables                     tables
==================  =======================  =========================  ============
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
