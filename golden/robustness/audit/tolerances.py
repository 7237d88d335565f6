"""What counts as a difference: two rules for all checks, so that no network is accused by chance.

Counts are of images; *gains* are images that a second attack fools and a first one does not. They are never negative,
so that a tolerance has to cover what any honest attack leaves to a stronger one. Undefended LeNet-5 at budgets that
halve its accuracy loses up to 6 of 100 images more to the best attack known than to PGD of 40 steps.
"""

from __future__ import annotations

import math

__all__ = ["POINTS", "beyond", "several"]

POINTS = 0.03
"""The least gain in robust accuracy that matters (3 points)."""


def several(images: int) -> int:
    """Least count that is no stray image: 2, and 1% of the images."""
    return max(2, math.ceil(images / 100))


def beyond(robust: int, images: int) -> int:
    """Least gain that changes what an evaluation says.

    An attack that leaves ``robust`` of ``images`` reports the share p with a standard error of sqrt(p (1 - p) / n). A
    gain within two of them is inside the interval that the report has anyway, and one of 3 points at most is what
    attacks by different authors differ by; so it is the least count above max(3 points, 2 standard errors), and 2 at
    least. Where nothing is fooled, or everything, there is no standard error, and 3 points decide.

    Parameters
    ----------
    robust : int
        Images that are classified correctly under the attack.
    images : int
        All images, 1 or more.
    """
    share = robust / images
    limit = max(POINTS, 2 * math.sqrt(share * (1 - share) / images))
    return max(2, math.floor(limit * images) + 1)
