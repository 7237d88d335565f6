"""The verdict on CIFAR-10: an AlexNet at three seeds, and a VGG-11 beside it.

What decides is what decides on MNIST, under the same rule, of the network on ax-fpm as it is and calibrated: folded
batch norms leave large biases, which do not grow with the products, so that accuracy is lost unless biases grow too.
"""

from __future__ import annotations

from golden.robustness.preset import CALIBRATED_NOISE, NOISE, STRETCHED, TABLE, Preset, stage
from golden.robustness.row_types import EXACT

__all__ = ["CIFAR10", "VGG11"]

LINF, L2 = 0.004, 0.15
"""Budgets, fitted by ``axfpm evaluate --preset cifar10 --fit-budgets``."""
SUBJECTS = ("ax-fpm", "ax-fpm+calibrated")
CONTROLS = (*NOISE, *CALIBRATED_NOISE, "e8m1", "e8m1+calibrated", "companding")
OTHERS = (
    "ax-fpm+clamp",
    "exact",
    *TABLE,
    *(f"{name}+calibrated" for name in TABLE),
    "image8",
    "int8",
    "independent",
)
ATTACKED = (EXACT, *SUBJECTS, *NOISE[:2], *CALIBRATED_NOISE[:2])
"""Whom white-box attacks are made for, each with the same runs."""
TWIN = (
    f"fgsm:eps={LINF}",
    f"bim:eps={LINF}",
    f"mi-fgsm:eps={LINF}",
    f"pgd:eps={LINF / 2:g}",
    f"pgd:eps={LINF}",
    f"pgd:eps={2 * LINF:g}",
    f"pgd:eps={4 * LINF:g}",
    f"apgd-ce:eps={LINF}",
    f"apgd-dlr:eps={LINF}",
    f"pgd-l2:eps={L2}",
    f"pgd-l2:eps={2 * L2:g}",
    "deepfool",
    "ddn",
    "cw",
    "cw:kappa=2",
)
CORRUPTIONS = (
    "gaussian-noise:sigma=0.02",
    "gaussian-noise:sigma=0.05",
    "rotation:degrees=10",
    "rotation:degrees=20",
    "blur:sigma=0.7",
    "contrast:factor=0.5",
    "brightness:shift=0.15",
)
CIFAR10 = Preset(
    "cifar10",
    "cifar10",
    "alexnet",
    10_000,
    (
        stage("twin", TWIN, (*SUBJECTS, *OTHERS, *CONTROLS), samples=150, scales=STRETCHED),
        stage(
            "aware",
            (f"pgd:eps={LINF}", f"pgd:eps={2 * LINF:g}", f"pgd-l2:eps={L2}", "ddn"),
            (EXACT, *SUBJECTS),
            samples=150,
            scales=STRETCHED,
        ),
        stage(
            "white-box",
            (f"pgd:eps={LINF}", f"pgd-l2:eps={L2}", "ddn"),
            ATTACKED,
            samples=150,
            gradients=("scaled", "straight-through"),
        ),
        stage(
            "white-box",
            (f"adaptive:eps={LINF}", f"adaptive-l2:eps={L2}"),
            ATTACKED,
            samples=150,
            brittleness=True,
        ),
        stage(
            "white-box",
            (f"adaptive:eps={LINF},first-layer=0", f"adaptive:eps={LINF},grid=255"),
            (EXACT, *SUBJECTS),
            samples=50,
            networks=1,
            extra=True,
        ),
        stage("query", (f"square:eps={LINF}",), (EXACT, *SUBJECTS, "noise:calibrated=1"), samples=50, networks=1),
        stage(
            "proxy",
            (f"pgd:eps={LINF}", f"pgd:eps={2 * LINF:g}", f"pgd:eps={4 * LINF:g}", f"pgd-l2:eps={L2}"),
            (EXACT, *SUBJECTS, "noise:calibrated=1"),
            (EXACT,),
            samples=150,
            networks=1,
        ),
        stage(
            "corruption",
            CORRUPTIONS,
            (*SUBJECTS, *OTHERS, "e8m1", "e8m1+calibrated", NOISE[0], CALIBRATED_NOISE[0]),
            samples=1000,
            networks=1,
            extra=True,
        ),
    ),
    seeds=(0, 1, 2),
    clean=(
        *SUBJECTS,
        NOISE[0],
        CALIBRATED_NOISE[0],
        "e8m1",
        "e8m1+calibrated",
        "companding",
        "bf16",
        "e8m2",
        "ax-fpm-widen",
    ),
    controls=CONTROLS,
    budgets={"linf": LINF, "l2": L2},
    description="the verdict on an AlexNet for CIFAR-10, raw and calibrated, three networks, 75 minutes on two cores",
    subjects=SUBJECTS,
    grid={"linf": 0.0005, "l2": 0.01},
)
VGG11 = Preset(
    "cifar10-vgg11",
    "cifar10",
    "vgg11",
    10_000,
    (
        stage("twin", TWIN, (*SUBJECTS, "e8m1", "e8m1+calibrated", *NOISE[:2], *CALIBRATED_NOISE[:2]), samples=100),
        stage(
            "white-box",
            (f"pgd:eps={LINF}", f"pgd-l2:eps={L2}", "ddn"),
            (EXACT, *SUBJECTS),
            samples=100,
            gradients=("scaled", "straight-through"),
        ),
        stage("white-box", (f"adaptive:eps={LINF}", f"adaptive-l2:eps={L2}"), (EXACT, *SUBJECTS), samples=100),
    ),
    clean=(*SUBJECTS, "e8m1", "e8m1+calibrated", "bf16", "e8m2"),
    controls=("e8m1", "e8m1+calibrated", *NOISE[:2], *CALIBRATED_NOISE[:2]),
    budgets={"linf": LINF, "l2": L2},
    description="a VGG-11 for CIFAR-10, one network, described and not ruled on",
    subjects=SUBJECTS,
    grid=CIFAR10.grid,
)
