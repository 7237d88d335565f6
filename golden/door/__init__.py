"""The PyTorch door: any ``torch.nn.Module`` runs its convolutions and matrix products on a multiplier.

``approximate`` replaces calls while it is entered, ``ApproximateModule`` enters it inside ``forward``.
"""

from golden.door.context import approximate
from golden.door.module import ApproximateModule

__all__ = ["ApproximateModule", "approximate"]
