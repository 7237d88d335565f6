"""Whole evaluations by name: data, networks, stages and sample sizes that go together."""

from __future__ import annotations

from golden.registry import Registry
from golden.robustness.adaptive.parts import OFF
from golden.robustness.preset import NOISE, STRETCHED, TABLE, Preset, stage
from golden.robustness.preset_cifar10 import CIFAR10, VGG11
from golden.robustness.row_types import EXACT

__all__ = ["PRESETS", "Preset"]

LINF, L2 = 0.1, 1.3
"""Budgets of ``mnist``, fitted by ``axfpm evaluate --preset mnist --fit-budgets``."""
PARTS = tuple(name.replace("_", "-") for name in OFF)
ABLATION = (
    *(f"{part}=0" for part in PARTS),
    ",".join(f"{part}=0" for part in PARTS),
    *(",".join(f"{other}=0" for other in PARTS if other != part) for part in PARTS),
)
"""The adaptive attack without each of its parts, without all of them, and with one of them alone."""
MNIST_AUDIENCE = (
    "ax-fpm",
    "ax-fpm+calibrated",
    "ax-fpm+clamp",
    "e8m1",
    "e8m1+calibrated",
    "companding",
    "exact",
    *TABLE,
    *(f"{name}+calibrated" for name in TABLE),
    "image8",
    "int8",
    "independent",
    "pgd-trained",
    "pgd-trained/ax-fpm",
    *NOISE,
)

_OWN = (
    Preset(
        "quick",
        "digits",
        "lenet5",
        150,
        (
            stage(
                "twin",
                ("fgsm:eps=0.075", "fgsm:eps=0.1", "pgd:eps=0.075", "pgd:eps=0.1", "pgd-l2:eps=1.3", "ddn"),
                ("ax-fpm", "ax-fpm+calibrated", "e8m2", *NOISE[:5]),
                scales=(1.1,),
            ),
            stage("white-box", ("pgd:eps=0.075", "pgd:eps=0.1"), (EXACT, "ax-fpm"), samples=50),
            stage("white-box", ("adaptive:eps=0.075",), (EXACT, "ax-fpm"), samples=50, brittleness=True),
        ),
        controls=("e8m2", *NOISE[:5]),
        budgets={"linf": 0.075, "l2": 1.3},
        description="offline, on the embedded digits, about a minute: the report's",
    ),
    Preset(
        "mnist",
        "mnist",
        "lenet5",
        10_000,
        (
            stage(
                "twin",
                (
                    "fgsm:eps=0.05",
                    f"fgsm:eps={LINF}",
                    "fgsm:eps=0.2",
                    "fgsm:eps=0.3",
                    f"bim:eps={LINF}",
                    f"mi-fgsm:eps={LINF}",
                    "pgd:eps=0.05",
                    "pgd:eps=0.08",
                    f"pgd:eps={LINF}",
                    "pgd:eps=0.15",
                    "pgd:eps=0.2",
                    "pgd:eps=0.3",
                    f"apgd-ce:eps={LINF}",
                    f"apgd-dlr:eps={LINF}",
                    "pgd-l2:eps=0.7",
                    f"pgd-l2:eps={L2}",
                    "pgd-l2:eps=2.1",
                    "pgd-l2:eps=2.8",
                    "deepfool",
                    "ddn",
                    "cw",
                    "cw:kappa=5",
                    "cw:kappa=20",
                ),
                MNIST_AUDIENCE,
                samples=200,
                scales=STRETCHED,
            ),
            stage(
                "twin",
                ("cw:kappa=10", "cw:kappa=15", "cw:kappa=30", "cw:kappa=40"),
                MNIST_AUDIENCE,
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "aware",
                (f"pgd:eps={LINF}", "pgd:eps=0.2", f"pgd-l2:eps={L2}", "ddn"),
                (EXACT, "ax-fpm", "ax-fpm+calibrated"),
                samples=200,
                scales=STRETCHED,
            ),
            stage(
                "white-box",
                (f"pgd:eps={LINF}", f"pgd-l2:eps={L2}", "ddn"),
                (EXACT, "ax-fpm", "noise", "noise:draw=1"),
                samples=200,
                gradients=("scaled", "straight-through"),
            ),
            stage(
                "white-box",
                (f"adaptive:eps={LINF}", f"adaptive-l2:eps={L2}"),
                (EXACT, "ax-fpm", "noise", "noise:draw=1"),
                samples=200,
                brittleness=True,
            ),
            stage(
                "white-box",
                (f"adaptive:eps={LINF},grid=255", f"adaptive-l2:eps={L2},grid=255"),
                (EXACT, "ax-fpm"),
                samples=100,
                extra=True,
            ),
            stage(
                "white-box",
                ("adaptive:eps=0.02", "adaptive:eps=0.04", "adaptive:eps=0.06", "adaptive:eps=0.14"),
                (EXACT, "ax-fpm"),
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "white-box",
                ("pgd:eps=0.05", "pgd:eps=0.15", "pgd:eps=0.2", "pgd:eps=0.3"),
                (EXACT, "ax-fpm", "pgd-trained", "pgd-trained/ax-fpm"),
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "white-box",
                (f"adaptive:eps={LINF}",),
                ("ax-fpm+clamp", "ax-fpm+calibrated", "companding", "e8m1"),
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "white-box",
                tuple(f"adaptive:eps={LINF},{parts}" for parts in ABLATION),
                ("ax-fpm", "ax-fpm+clamp"),
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "white-box",
                ("deepfool",),
                (EXACT, "ax-fpm"),
                samples=100,
                networks=1,
                gradients=("scaled", "straight-through", "masked"),
                extra=True,
            ),
            stage("white-box", ("ddn",), ("ax-fpm",), networks=1, samples=200, gradients=("masked",), extra=True),
            stage(
                "white-box",
                (f"apgd-t:eps={LINF}",),
                (EXACT, "ax-fpm"),
                samples=100,
                networks=1,
                extra=True,
            ),
            stage(
                "query",
                (f"square:eps={LINF}", "hopskipjump", "boundary"),
                (EXACT, "ax-fpm", "noise"),
                samples=50,
                networks=1,
                scales=STRETCHED,
            ),
            stage(
                "proxy",
                (f"fgsm:eps={LINF}", f"pgd:eps={LINF}", "pgd:eps=0.2", f"pgd-l2:eps={L2}", "ddn"),
                (EXACT, "ax-fpm", "noise"),
                (EXACT,),
                samples=200,
                networks=1,
                scales=STRETCHED,
            ),
            stage("twin", ("jsma", "lsa"), MNIST_AUDIENCE, samples=50, networks=1, extra=True),
        ),
        seeds=(0, 1, 2),
        clean=("ax-fpm", "ax-fpm+calibrated", *NOISE[:2], "e8m1", "companding", "bf16", "e8m2", "ax-fpm-widen"),
        controls=(*NOISE, "e8m1", "companding"),
        budgets={"linf": LINF, "l2": L2},
        description="the verdict on LeNet-5: every threat model, three networks, 45 minutes on two cores",
    ),
    CIFAR10,
    VGG11,
)
PRESETS = Registry("preset", {preset.name: preset for preset in _OWN})
"""Presets by name: ``quick`` is the one of the report, offline and in a minute; the others need their data."""
