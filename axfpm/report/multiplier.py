"""The section on the multiplier itself: what it does to a product."""

from __future__ import annotations

from axfpm.pictures.kinds import picture
from axfpm.pictures.rows import draw_rows
from axfpm.report import figures
from axfpm.report.section import Figure, Scope, Section, Table
from golden.catalogue import multiplier as look_up
from golden.metrics import error, relative_errors
from golden.progress import Progress

__all__ = ["TITLE", "arithmetic"]

TITLE = "What the multiplier does"
ERROR_NAMES = ("exact-trunc", "ax-fpm", "ax-fpm-widen", "ax-fpm-wrap", "bf16", "mitchell", "e8m3", "e8m2", "e8m1")
HISTOGRAM_NAMES = ("ax-fpm", "ax-fpm-widen", "mitchell", "e8m2")
DOTS = {"exact": "an exact product adds", "ax-fpm": "AMA5 cells leave of it"}
"""Multipliers whose partial products are drawn, and the words for it."""
MAPS = {"ax-fpm": "blocks of AMA5 cells", "mitchell": "one adder"}
"""Multipliers whose errors are drawn by significands, and what they are made of."""


def arithmetic(scope: Scope, progress: Progress) -> Section:
    """What the multiplier does to a product."""
    n = 1 << (22 if scope.full else 20)
    reports = []
    for index, name in enumerate(ERROR_NAMES):
        progress(index, len(ERROR_NAMES), name)
        reports.append(error(name, n=n, seed=scope.seed))
    by_name = {r.multiplier: r for r in reports}
    uniform = error("ax-fpm", "uniform", n=n, seed=scope.seed)
    ax, narrow, adder = by_name["ax-fpm"], by_name["e8m2"], by_name["mitchell"]
    rows = [(r.multiplier, r.mred, r.nmed, r.bias, r.worst, r.larger, r.mean_ratio) for r in reports]
    return Section(
        key="arithmetic",
        title=TITLE,
        command="axfpm list --json",
        paragraphs=(
            "Ax-FPM multiplies significands by 4 x 4 blocks of AMA5 full adders, which are wires: of 24 rows of "
            "partial products 12 remain, of 576 AND gates 252. The blocks, built cell by cell, equal the closed form "
            "P = (A & L) B + 2 (A & H)(B & T) for all 2^48 operand pairs (the tests prove it by coefficient matrices).",
            f"Its mean relative error is {ax.mred:.3f}; {100 * uniform.larger:.1f}% of products of uniform [-1, 1] "
            f"operands are larger in magnitude than exact ones. For comparison: an exact multiplier of two fraction "
            f"bits (e8m2) has {narrow.mred:.3f}, and Mitchell's logarithmic multiplier, one adder, {adder.mred:.3f}.",
        ),
        tables=(
            Table(
                f"Error over {n:,} pairs of uniform significands, seed {scope.seed}",
                ("multiplier", "MRED", "NMED", "bias", "worst", "share larger", "mean y / ab"),
                rows,
            ),
        ),
        figures=(
            *(_dots(name, what) for name, what in DOTS.items()),
            _histogram(scope.seed),
            *(_map(name, what) for name, what in MAPS.items()),
        ),
        data={"errors": [r.to_dict() for r in reports], "uniform": uniform.to_dict()},
    )


def _dots(name: str, what: str) -> Figure:
    drawing = draw_rows(look_up(name))
    return Figure(
        f"The partial-product bits that {what}.",
        f"{drawing.title}. {drawing.description}",
        svg=drawing.svg(),
        half=True,
    )


def _map(name: str, what: str) -> Figure:
    words = f"Where in the significands {name}, {what}, errs, and which way: means of the relative error."
    return Figure(words, words, svg=picture("errors", look_up(name), alone=False), half=True)


def _histogram(seed: int) -> Figure:
    errors = {name: relative_errors(name, seed=seed) for name in HISTOGRAM_NAMES}
    words = "Relative errors. " + "; ".join(
        f"{name}: from {values.min():.2f} to {values.max():.2f}, on average {values.mean():+.2f}"
        for name, values in errors.items()
    )
    return Figure(
        f"Signed relative error of one product, {1 << 18:,} pairs of uniform significands, seed {seed}.",
        f"{words}.",
        figures.error_histogram(errors, alt_text=f"{words}."),
    )
