"""PyTorch models on a multiplier: any ``torch.nn.Module`` runs its convolutions and matrix products on a multiplier.

``approximate`` replaces calls while it is entered, ``ApproximateModule`` enters it inside ``forward``, ``surrogate`` is
a differentiable stand-in, ``coverage`` tells what of a model runs on the multiplier, and ``temperature`` how much
larger its logits are.
"""

from golden.pytorch.context import approximate
from golden.pytorch.coverage import Coverage, Operator, coverage
from golden.pytorch.masking import GradientMaskingWarning
from golden.pytorch.module import ApproximateModule
from golden.pytorch.surrogate import surrogate
from golden.pytorch.temperature import temperature

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
