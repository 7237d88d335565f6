"""What to cite for a multiplier: where its parts come from, found by what they are, never by a name."""

from __future__ import annotations

from golden.catalogue import MULTIPLIERS, Multiplier
from golden.cells import CELLS
from golden.designs import MITCHELL, CellBlocks

__all__ = ["citations"]

DEFENSIVE = (
    "A. Guesmi, I. Alouani, K. N. Khasawneh, M. Baklouti, T. Frikha, M. Abid, N. Abu-Ghazaleh, \"Defensive "
    "Approximation: Securing CNNs using Approximate Computing\", ASPLOS 2021, doi:10.1145/3445814.3446747"
)  # fmt: skip
MIRROR_ADDERS = (
    "V. Gupta, D. Mohapatra, A. Raghunathan, K. Roy, \"Low-Power Digital Signal Processing Using Approximate Adders\", "
    "IEEE TCAD 32(1), 2013"
)  # fmt: skip
MIRRORS = ("AMA1", "AMA2", "AMA3", "AMA4", "AMA5")
LOGARITHMS = 'J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE Trans. EC-11(4), 1962'
SOFTWARE = "axfpm, the software, with its version (CITATION.cff)"


def citations(m: Multiplier) -> tuple[str, ...]:
    """Return the sources of a multiplier's parts, and the software last."""
    found = []
    design = m.design
    if design == MULTIPLIERS["ax-fpm"].design and m.precision == MULTIPLIERS["ax-fpm"].precision:
        found.append(DEFENSIVE)
    if isinstance(design, CellBlocks) and not design.is_exact and design.cell in [CELLS[name] for name in MIRRORS]:
        found.append(MIRROR_ADDERS)
    if design == MITCHELL:
        found.append(LOGARITHMS)
    return (*found, SOFTWARE)
