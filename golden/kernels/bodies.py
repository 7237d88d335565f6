"""Every body, fastest first."""

from __future__ import annotations

from golden.kernels.body import Body
from golden.kernels.directed import Avx2, Avx512
from golden.kernels.double import Double
from golden.kernels.general import General, MitchellGeneral
from golden.kernels.native import Fused, Mitchell, Rounded, Short
from golden.kernels.tables import Tables

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
