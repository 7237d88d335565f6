"""Measurements made up for tests: energies that can be added in the head."""

import numpy as np

from synth.energy.measured import Energy as Energies, Measured
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, Run, make_rows


def measured(energies, leakage=0.5):
    """Totals as given, glitches doubling what happens without delay but for the leakage."""
    total = np.array(energies, float)
    rest = total - leakage
    full = Energies(rest / 2, rest / 4, rest / 4, leakage, np.arange(total.size))
    half = Energies(rest / 4, rest / 8, rest / 8, leakage, np.arange(total.size) // 2)
    return Measured(full, half, (), 0.125, "made up")


def run(energies, area=100.0, path=2.0, period=10.0):
    return Run(area, path, period, measured(energies))


BASE = Design("exact-trunc", baseline=True)
CONTROL = Design("exact-trunc", "operator", baseline=True)
OURS = Design("ax-fpm")
NARROW = Design("e8m2")


def rows():
    """Five variants of three designs; ours takes half of the base's energy, the narrow one a tenth."""
    means = (8.0, 10, 12, 9, 11)
    return make_rows(
        [
            (BASE, [run([m - 1, m + 1], 200 + m, 4) for m in means]),
            (CONTROL, [run([2 * m, 2 * m], 300, 8) for m in means]),
            (OURS, [run([m / 2, m / 2], 100, 3) for m in means]),
            (NARROW, [run([m / 10 + 1, m / 10 - 1], 10, 1) for m in means]),
        ]
    )


CONDITIONS = Conditions(
    library="osu018_stdcells",
    corner="typical (1.8 V)",
    liberty_sha256="00",
    dont_use=("X*",),
    clock="clock 12 ns",
    stimulus="made-up operands",
    pairs=10,
    variants=5,
    seed=1,
    tools={"yosys": "yosys 1", "opensta": "sta 2", "icarus": None},
)


def result(**changes):
    return Energy("multiplier", 0, Conditions(**{**vars(CONDITIONS), **changes}), rows())
