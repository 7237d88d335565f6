"""PyTorch models on a multiplier: any ``torch.nn.Module`` runs its convolutions and matrix products on a multiplier.

In: a model and a multiplier. Out: the model's results, bit for bit those of the hardware, with gradients as chosen.
What users call: ``approximate`` replaces calls while it is entered (``context``), ``ApproximateModule`` enters it
around a model (``module``, and ``reached`` for what is reached through it), ``surrogate`` is a differentiable
stand-in, ``coverage`` tells what of a model runs on the multiplier, ``temperature`` how much larger its logits are, and
``calibrate`` scales biases as products are (``calibration``, and ``constants`` for what counts as one; ``logits`` and
``fitting`` are what the last two share). ``observing`` finds a network's first layer and its weights by running it,
``assigned`` puts every layer on the multiplier that an assignment gives it; ``devices`` says where a model computes,
and ``replaying`` repeats passes on a GPU from their ``recordings``.

The way of a call, in the order of the files that it passes:

1. ``modes`` sees it, as the user wrote it; ``calls`` knows the module that makes it, ``state`` the contexts of the
   thread.
2. ``rules`` says which multiplier that module has; ``backward`` and ``deployed`` leave gradients and computed weights
   exact; ``checks`` and ``checkpoints`` refuse what cannot be computed as asked.
3. ``operators`` is the table from torch's functions to ``matrices``, ``einsum``, ``convolutions`` and ``attention``,
   which write them as one of the two ``contractions``.
4. ``gradients`` computes it by ``golden.sums`` and differentiates it; ``split`` is the two-product form for that.
5. Whatever reaches the dispatcher besides is audited by ``vocabulary``, the list of what operators do; ``macs``
   counts. ``masking`` warns of gradients that vanish.
"""

from golden.pytorch.calibration import calibrate
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
    "calibrate",
    "coverage",
    "surrogate",
    "temperature",
]
