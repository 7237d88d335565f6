"""Fronts whose answer is known: networks that are right on as many images as they are told to be."""

import numpy as np

from axfpm.joint_front.differences import ALPHA, differences, energies_together
from axfpm.joint_front.result import Energy, Images, JointFront, Network
from golden.robustness.row_types import EXACT

BUDGETS = {"linf": 0.1, "l2": 1.3}
CLEAN, ATTACKED = 2000, 200


def images(right, total, start=0):
    """The first so many of the images from one on, all around."""
    correct = np.zeros(total, bool)
    correct[(start + np.arange(round(right * total))) % total] = True
    return Images(int(correct.sum()), total, np.packbits(correct).tobytes().hex())


def network(name, uj, clean, linf, l2, *, spread=0.02, how="catalogue", operands="toy (toy)", start=0):
    energy = None
    if uj is not None:
        interval, ratio = (uj * (1 - spread), uj * (1 + spread)), uj / 100
        ends = (ratio * (1 - spread), ratio * (1 + spread)) if ratio != 1 else (1.0, 1.0)
        energy = Energy(uj, interval, ratio, ends, ends, 5, operands)
    robust = {"linf": images(linf, ATTACKED, start), "l2": images(l2, ATTACKED, start)}
    target = EXACT if name.startswith(EXACT) else name
    runs_on = "exact" if target == EXACT else name.partition(" (")[0]
    own = images(clean, CLEAN, start)
    return Network(name, how, target, runs_on, "toy (toy)", "00", 0, {"batch": "3"}, own, robust, energy)


def joint_front(*networks):
    together = energies_together([each.energy for each in networks])
    rows = tuple(Network(**{**vars(each), "energy": energy}) for each, energy in zip(networks, together, strict=True))
    settings = {
        **{"data": "toys", "model": "toy", "test_images": CLEAN, "attacked": ATTACKED, "budgets": BUDGETS},
        **{"attack": "adaptive", "seed": 0, "confidence": 1 - ALPHA, "library": "osu018", "excluded": "memories"},
        "versions": {},
    }
    return JointFront(settings, rows, differences(rows, tuple(BUDGETS)))


EXACT_ROW = network(EXACT, 100.0, 0.95, 0.5, 0.5)
FRONT = joint_front(
    EXACT_ROW,
    network("ax-fpm", 70.0, 0.85, 0.1, 0.1),
    network("e8m2", 40.0, 0.95, 0.5, 0.49),
    network("e8m1", 30.0, 0.942, 0.35, 0.5),
    network("e8m2 (adversarially trained)", 41.0, 0.92, 0.9, 0.9, how="adversarially trained", operands="before"),
    network("unknown", None, 0.95, 0.5, 0.5),
)
"""e8m2 keeps all, e8m1 may or may not keep what it withstands in linf, ax-fpm is beaten by both of e8m2."""
