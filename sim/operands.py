"""Jobs of the two-operand blocks: operand pairs in, one word out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.add import add_words
from golden.multiply import multiply_words
from golden.reference import significand
from golden.significand import significand_products
from hdl.significand import product_width
from sim.checker import compare
from sim.job import Bench, Job, Setting
from sim.schedule import pipeline_schedule
from sim.stimulus.adder import adder_corners, adder_operands
from sim.stimulus.corners import multiplier_corners
from sim.stimulus.stimulus import Stimulus, multiplier_operands

__all__ = ["ADDER", "MULTIPLIER", "SIGNIFICAND"]


def _multiplier(setting: Setting) -> Job:
    m = setting.multiplier
    operands = multiplier_operands(m, setting.vectors, setting.seed)
    expected = multiply_words(operands.a, operands.b, m)
    return _job(setting, operands, expected, multiplier_corners(operands.a, operands.b, expected, m))


def _significand(setting: Setting) -> Job:
    m = setting.multiplier
    words = multiplier_operands(m, setting.vectors, setting.seed)
    a, b = (np.array([significand(word, m) for word in x.tolist()], np.uint64) for x in (words.a, words.b))
    expected = significand_products(m.design, a, b, m.precision).astype(np.int64)
    low = np.uint64((1 << (m.precision - 1)) - 1)
    operands = replace(words, a=(a & low).astype(np.uint32), b=(b & low).astype(np.uint32))
    return _job(setting, operands, expected, {}, bits=product_width(m.design, m.precision))


def _adder(setting: Setting) -> Job:
    fmt = setting.multiplier.format
    operands = adder_operands(fmt, setting.vectors, setting.seed)
    expected = add_words(operands.a, operands.b, fmt)
    return _job(setting, operands, expected, adder_corners(operands.a, operands.b, expected, fmt))


def _job(
    setting: Setting, operands: Stimulus, expected: np.ndarray, corners: dict[str, int], *, bits: int | None = None
) -> Job:
    arrays = {"a": operands.a, "b": operands.b}
    index = np.arange(setting.vectors)
    if setting.stages:
        schedule = pipeline_schedule(setting.vectors, setting.stages, setting.seed)
        pair, enable, reset, index = np.array(
            [(c.pair, c.enable, c.reset, c.expected) for c in schedule.cycles], np.int64
        ).T
        arrays |= {"pair": pair, "enable": enable, "reset": reset}
        corners |= schedule.events
    shown = bits or setting.multiplier.format.word_bits
    return Job(arrays, lambda got: compare(got, index, expected, operands, shown), operands.counts(), corners)


def _ports(setting: Setting) -> tuple[str, ...]:
    return ("a", "b", "y", "clk", "rst", "en") if setting.stages else ("a", "b", "y")


MULTIPLIER = Bench(
    "sim.benches.operands", _ports, lambda s: {"multiplier": s.multiplier, "stages": s.stages}, _multiplier, {}
)
SIGNIFICAND = Bench(
    "sim.benches.operands", _ports, lambda s: {"multiplier": s.multiplier, "stages": s.stages}, _significand, {}
)
ADDER = Bench("sim.benches.operands", _ports, lambda s: {"format": s.multiplier.format, "stages": s.stages}, _adder, {})
