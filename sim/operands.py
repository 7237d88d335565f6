"""Jobs of the blocks of operands: pairs in, and for a mac the sum so far; one word out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from golden.add import add_words
from golden.multiply import multiply_words
from golden.reference import significand
from golden.significand import significand_products
from hdl.limits import check_adder_stages
from hdl.significand import product_width
from sim.checker import compare
from sim.job import Bench, Job, Setting
from sim.schedule import pipeline_schedule
from sim.stimulus.adder import adder_corners, adder_operands
from sim.stimulus.corners import multiplier_corners
from sim.stimulus.stimulus import Stimulus, multiplier_operands

__all__ = ["ADDER", "MAC", "MULTIPLIER", "SIGNIFICAND"]


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


def _mac(setting: Setting) -> Job:
    m = setting.multiplier
    operands = multiplier_operands(m, setting.vectors, setting.seed)
    product = multiply_words(operands.a, operands.b, m)
    # Half of the sums nearly cancel the product or nearly double it, the others are those of the adder's own bench.
    rng = np.random.RandomState(setting.seed & 0xFFFFFFFF)
    near = product ^ rng.randint(0, 8, setting.vectors).astype(np.uint32)
    near ^= rng.randint(0, 2, setting.vectors).astype(np.uint32) << np.uint32(m.format.word_bits - 1)
    other = adder_operands(m.format, setting.vectors, setting.seed).a
    c = np.where(rng.randint(0, 2, setting.vectors) == 1, near, other)
    expected = add_words(c, product, m.format)
    corners = adder_corners(c, product, expected, m.format)
    return _job(setting, operands, expected, corners, latency=setting.stages + _adder_stages(setting), sums=c)


def _adder_stages(setting: Setting) -> int:
    return check_adder_stages(setting.stages, setting.shape["adder_stages"] or None, least=0)


def _job(
    setting: Setting,
    operands: Stimulus,
    expected: np.ndarray,
    corners: dict[str, int],
    *,
    bits: int | None = None,
    latency: int | None = None,
    sums: np.ndarray | None = None,
) -> Job:
    arrays = {"a": operands.a, "b": operands.b} | ({} if sums is None else {"c": sums})
    index = np.arange(setting.vectors)
    latency = setting.stages if latency is None else latency
    if latency:
        schedule = pipeline_schedule(setting.vectors, latency, setting.seed)
        pair, enable, reset, index = np.array(
            [(c.pair, c.enable, c.reset, c.expected) for c in schedule.cycles], np.int64
        ).T
        arrays |= {"pair": pair, "enable": enable, "reset": reset}
        if sums is not None:
            arrays["c_pair"] = _late(pair, enable, setting.stages)
        corners |= schedule.events
    shown = bits or setting.multiplier.format.word_bits
    return Job(arrays, lambda got: compare(got, index, expected, operands, shown), operands.counts(), corners)


def _late(pair: np.ndarray, enable: np.ndarray, stages: int) -> np.ndarray:
    """The pair whose product is there in each cycle: what was taken ``stages`` enabled cycles before."""
    taken = np.cumsum(enable) - enable
    order = pair[enable == 1]
    return order[np.clip(taken - stages, 0, order.size - 1)] if stages else pair


CLOCKED = ("clk", "rst", "en")


def _ports(setting: Setting) -> tuple[str, ...]:
    return ("a", "b", "y", *(CLOCKED if setting.stages else ()))


def _mac_ports(setting: Setting) -> tuple[str, ...]:
    return ("a", "b", "c", "y", *(CLOCKED if setting.stages + _adder_stages(setting) else ()))


def _mac_parameters(setting: Setting) -> dict[str, Any]:
    return {"multiplier": setting.multiplier, "stages": setting.stages, "adder_stages": _adder_stages(setting)}


MULTIPLIER = Bench(
    "sim.benches.operands", _ports, lambda s: {"multiplier": s.multiplier, "stages": s.stages}, _multiplier, {}
)
SIGNIFICAND = Bench(
    "sim.benches.operands", _ports, lambda s: {"multiplier": s.multiplier, "stages": s.stages}, _significand, {}
)
ADDER = Bench("sim.benches.operands", _ports, lambda s: {"format": s.multiplier.format, "stages": s.stages}, _adder, {})
MAC = Bench("sim.benches.operands", _mac_ports, _mac_parameters, _mac, {"adder_stages": 0})
