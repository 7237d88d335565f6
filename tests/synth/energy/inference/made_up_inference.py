"""Inferences made up for tests: two layers of a toy network, energies that can be added in the head."""

import numpy as np

from synth.energy.inference.accuracy import Accuracy, Share
from synth.energy.inference.classes import CLASSES
from synth.energy.inference.result import InferenceEnergy
from synth.energy.inference.rows import Inference, make_rows
from synth.energy.measured import Energy as Energies, Measured
from synth.energy.result import Conditions
from synth.energy.rows import Design, Run
from synth.energy.stimulus import HELD

EXACT = Design("exact", baseline=True)
BOOTH = Design("exact-trunc", "booth", baseline=True)
OURS = Design("ax-fpm")
NAMES, MACS = ("first", "second"), (1_000_000, 3_000_000)
ACCURACY = Accuracy(Share(90, 100, (0.82, 0.95)), Share(95, 100, (0.88, 0.98)))


def run(windows, leakage=0.5):
    """One netlist whose windows take these energies, pJ, (layers, windows): every operation as much as its window's."""
    total = np.repeat(np.asarray(windows, float).reshape(-1), HELD)
    zero = np.zeros(total.size, int)
    full = Energies((total - leakage) / 2, (total - leakage) / 4, (total - leakage) / 4, leakage, zero)
    half = Energies((total - leakage) / 4, (total - leakage) / 8, (total - leakage) / 8, leakage, zero)
    return Run(100.0, 2.0, 12.0, Measured(full, half, (), 0.0, "made up"))


def inference(design, runs, accuracy=ACCURACY):
    """A design's runs on activations that are 1 but for the first window of each layer, which has zeros alone."""
    windows = np.asarray(runs[0]).shape[1]
    a = np.ones((2, windows, HELD), np.float32)
    a[:, 0] = 0
    shares = np.zeros((2, len(CLASSES)))
    shares[:, [0, 4]] = np.array([HELD - 1, 1]) * (windows - 1) / windows / HELD
    shares[:, [3, 5]] = np.array([HELD - 1, 1]) / windows / HELD
    netlists = [run(each) for each in runs]
    return Inference(design, [netlists] * len(shares), [a.reshape(-1, HELD)] * len(runs), shares, accuracy)


MEANS = (8.0, 10, 12, 9, 11)


def five(factor):
    """Five netlists of two layers with two windows each: 10 pJ in the mean of the first layer, 20 of the second."""
    return [np.array([[m - 1, m + 1], [2 * m - 3, 2 * m + 3]]) * factor for m in MEANS]


def rows(factor=0.4, strong=0.8):
    """``exact`` at 10 and 20 pJ, the others at these shares of it."""
    measured = [inference(EXACT, five(1)), inference(BOOTH, five(strong)), inference(OURS, five(factor))]
    return make_rows(measured, NAMES, MACS)


CONDITIONS = Conditions("osu018_stdcells", "typical", "00", ("X*",), "clock 12 ns", "made up", 10, 5, 0, {"yosys": "y"})


def result(library="osu018_stdcells", **shares):
    """An inference on a library."""
    conditions = Conditions(**{**vars(CONDITIONS), "library": library})
    return InferenceEnergy("toy (toy-digits)", "digits", "mac", 0, conditions, rows(**shares))
