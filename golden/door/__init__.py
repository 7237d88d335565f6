"""The PyTorch door: any ``torch.nn.Module`` runs its convolutions and matrix products on a multiplier.

``approximate`` replaces calls while it is entered, ``ApproximateModule`` enters it inside ``forward``, ``surrogate`` is
a differentiable stand-in, ``coverage`` tells what of a model runs on the multiplier, and ``temperature`` how much
larger its logits are.
"""

from golden.door.context import approximate
from golden.door.coverage import Coverage, Operator, coverage
from golden.door.masking import GradientMaskingWarning
from golden.door.module import ApproximateModule
from golden.door.surrogate import surrogate
from golden.door.temperature import temperature

__all__ = [
    "ApproximateModule",
    "Coverage",
    "GradientMaskingWarning",
    "Operator",
    "approximate",
    "coverage",
    "surrogate",
    "temperature",
]
