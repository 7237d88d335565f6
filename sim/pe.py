"""Jobs of the processing element: what it is driven with in every cycle, and what it must then show.

Times count cycles in which the element moves. An activation of cycle t meets the weight in use after t; its sum enters
at t + 1 + stages, and leaves ``adder_stages`` later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.add import add_words
from golden.formats import Format
from golden.multiply import multiply_words
from sim.checker import MISMATCHES, Comparison
from sim.job import Bench, Job, Setting
from sim.report import Mismatch
from sim.stimulus.stimulus import Stimulus, multiplier_operands, special_words, stream_of

__all__ = ["PE"]

_TAGS = ("a_valid", "a_first", "a_bypass")
_OUTPUTS = ("a_out", "a_out_valid", "a_out_first", "a_out_bypass", "p_out", "p_out_valid", "p_out_last")


def _prepare(setting: Setting) -> Job:
    fmt, stages = setting.multiplier.format, setting.stages
    depth = setting.shape["adder_stages"] or max(stages, 1)
    rng = stream_of(setting.seed, "element")
    operands = multiplier_operands(setting.multiplier, setting.vectors, setting.seed)
    # About every second one of the first 2 n cycles carries an activation.
    cycles = 2 * setting.vectors + 2 + stages + depth
    drive = _operands(operands, fmt, cycles, rng)
    product = multiply_words(drive["a"], _weights_in_use(drive), setting.multiplier)
    # The cycle whose activation meets the sum of this one.
    arrival = np.arange(cycles) - 1 - stages
    drive |= _sums(drive["a_valid"], product, arrival, fmt, rng)
    total = np.zeros(cycles, np.int64)
    addend = np.where(drive["a_bypass"], _minus_zero(fmt), product)
    total[arrival >= 0] = add_words(drive["p"][arrival >= 0], addend[arrival[arrival >= 0]], fmt)
    expected = _expected(drive, total, depth)
    corners = _corners(drive, arrival, total, expected["p_out"], fmt)
    return _stalled(drive, expected, corners, rng, operands.counts())


def _operands(operands: Stimulus, fmt: Format, cycles: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Activations in about half of the cycles, in bursts, and weights.

    Each of n pairs brings its weight, loaded some time before it, at the latest in the cycle before: a later load would
    come too late.
    """
    n = len(operands.a)
    valid = np.zeros(cycles, bool)
    valid[1 : 2 * n + 1] = np.resize(np.repeat(rng.integers(0, 2, n), rng.integers(1, 9, n)), 2 * n)
    times = np.flatnonzero(valid)
    first = np.zeros(cycles, bool)
    first[times] = rng.random(times.size) < 0.4
    first[times[:1]] = True
    bypass = valid & (rng.random(cycles) < 0.15)
    order = rng.permutation(np.resize(np.arange(n), times.size))
    a = rng.integers(0, 1 << fmt.word_bits, cycles, np.uint64).astype(np.uint32)
    a[times] = operands.a[order]
    w = rng.integers(0, 1 << fmt.word_bits, cycles, np.uint64).astype(np.uint32)
    load = rng.random(cycles) < 0.5
    load[max(times[0] - 1, 0)] = True
    w[load] = operands.b[np.resize(order, int(load.sum()))]
    return {"a": a, "a_valid": valid, "a_first": first, "a_bypass": bypass, "w": w, "w_load": load}


def _weights_in_use(drive: dict[str, np.ndarray]) -> np.ndarray:
    """The weight that meets the activation of each cycle."""
    shadow = weight = 0
    weights = np.zeros(len(drive["a"]), np.uint32)
    for t, first in enumerate(drive["a_first"]):
        weight = shadow if first else weight
        weights[t] = weight
        shadow = int(drive["w"][t]) if drive["w_load"][t] else shadow
    return weights


def _sums(
    valid: np.ndarray, product: np.ndarray, arrival: np.ndarray, fmt: Format, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Sums from above: any bits, specials, and some that cancel the product that they meet or lie near it."""
    cycles = len(product)
    p = rng.integers(0, 1 << fmt.word_bits, cycles, np.uint64).astype(np.uint32)
    special = rng.random(cycles) < 0.25
    p[special] = rng.choice(special_words(fmt), int(special.sum()))
    near = (arrival >= 0) & (rng.random(cycles) < 0.25)
    p[near] = product[arrival[near]] ^ _minus_zero(fmt) ^ rng.integers(0, 2, int(near.sum()), np.uint32)
    p_valid = np.zeros(cycles, bool)
    p_valid[arrival >= 0] = valid[arrival[arrival >= 0]]
    return {"p": p, "p_valid": p_valid, "p_last": rng.random(cycles) < 0.3}


def _expected(drive: dict[str, np.ndarray], total: np.ndarray, depth: int) -> dict[str, np.ndarray]:
    """What each output shows after each cycle; -1 where it may be anything."""
    cycles = len(total)
    expected = {name: np.full(cycles, -1, np.int64) for name in _OUTPUTS}
    held, started = 0, False
    for t in range(cycles):
        if drive["a_valid"][t] and not drive["a_bypass"][t]:
            held, started = int(drive["a"][t]), True
        expected["a_out"][t] = held if started else -1
    for name, tag in zip(_OUTPUTS[1:4], _TAGS, strict=True):
        expected[name] = drive[tag].astype(np.int64)
    source = np.arange(cycles) - (depth - 1)
    there = source >= 0
    expected["p_out_valid"][there] = drive["p_valid"][source[there]]
    expected["p_out_last"][there] = drive["p_last"][source[there]]
    known = there.copy()
    known[there] = drive["p_valid"][source[there]]
    expected["p_out"][known] = total[source[known]]
    return expected


def _corners(
    drive: dict[str, np.ndarray], arrival: np.ndarray, total: np.ndarray, out: np.ndarray, fmt: Format
) -> dict[str, int]:
    """How often each corner occurs."""
    valid, first, bypass = (drive[tag] for tag in _TAGS)
    load, p, p_valid = drive["w_load"], drive["p"], drive["p_valid"]
    bypassed = p_valid & np.where(arrival >= 0, bypass[arrival], False)
    counts = {
        "activations": valid,
        "idle cycles": ~valid,
        "bypassed products": bypass,
        "weight comes into use": first,
        "weight replaced in the cycle it comes into use": first & load,
        "weight loaded while another is in use": load & valid & ~first,
        "bypassed sum of -0": bypassed & (p == _minus_zero(fmt)),
        "bypassed sum of NaN": bypassed & _is_nan(p, fmt),
        "NaN result": out == _nan(fmt),
        "exact cancellation": p_valid & (total == 0) & (p & ~_minus_zero(fmt) != 0),
    }
    return {name: int(np.count_nonzero(hit)) for name, hit in counts.items()}


def _minus_zero(fmt: Format) -> np.uint32:
    return np.uint32(1 << (fmt.word_bits - 1))


def _nan(fmt: Format) -> int:
    return (fmt.exponent_mask << 1 | 1) << (fmt.word_fraction_bits - 1)


def _is_nan(words: np.ndarray, fmt: Format) -> np.ndarray:
    return (words & np.uint32((1 << (fmt.word_bits - 1)) - 1)) > np.uint32(fmt.exponent_mask << fmt.word_fraction_bits)


def _stalled(
    drive: dict[str, np.ndarray],
    expected: dict[str, np.ndarray],
    corners: dict[str, int],
    rng: np.random.Generator,
    kinds: dict[str, int],
) -> Job:
    """Reset, then stretch the cycles with stalls, in which the inputs carry noise and the outputs stay."""
    cycles = len(drive["a"])
    repeat = np.where(rng.random(cycles) < 0.15, rng.integers(2, 5, cycles), 1)
    source = np.repeat(np.arange(cycles), repeat)
    # A cycle that repeats is a stall but for its last copy.
    moves = np.append(source[1:] != source[:-1], True)
    shuffled = rng.integers(0, cycles, source.size)
    arrays = {f"drive_{name}": np.where(moves, levels[source], levels[shuffled]) for name, levels in drive.items()}
    arrays |= {"drive_en": moves, "drive_rst": np.zeros(source.size, bool)}
    # During a stall the outputs show what the previous cycle left.
    shown = {
        name: np.where(moves, levels[source], np.where(source > 0, levels[source - 1], -1))
        for name, levels in expected.items()
    }
    arrays = {name: np.concatenate([levels[:2], levels]).astype(np.int64) for name, levels in arrays.items()}
    arrays["drive_rst"][:2] = 1
    shown = {name: np.concatenate([np.full(2, -1), levels]) for name, levels in shown.items()}
    corners["stalls"] = int(np.count_nonzero(~moves))

    def judge(got: list[list[int | str]]) -> Comparison:
        checks = failures = 0
        mismatches: list[Mismatch] = []
        for name, samples in zip(_OUTPUTS, got, strict=True):
            if len(samples) != len(shown[name]):
                raise ValueError(f"{len(samples)} samples of {name} for {len(shown[name])} cycles")
            for cycle, (seen, wanted) in enumerate(zip(samples, shown[name].tolist(), strict=True)):
                if wanted < 0:
                    continue
                checks += 1
                if seen != wanted:
                    failures += 1
                    text = seen if isinstance(seen, str) else f"{seen:x}"
                    mismatches.append(Mismatch(f"{name} in cycle {cycle}", "", "", text, f"{wanted:x}"))
        return Comparison(checks, failures, tuple(mismatches[:MISMATCHES]))

    return Job(arrays | {"watch": np.array(_OUTPUTS)}, judge, kinds, corners)


def _parameters(setting: Setting) -> dict[str, Any]:
    depth = setting.shape["adder_stages"] or None
    return {"multiplier": setting.multiplier, "stages": setting.stages, "adder_stages": depth}


def _ports(setting: Setting) -> tuple[str, ...]:
    return (*_OUTPUTS, *_TAGS, "a", "p", "p_valid", "p_last", "w", "w_load", "en", "clk", "rst")


PE = Bench("sim.benches.cycles", _ports, _parameters, _prepare, {"adder_stages": 0})
"""``vectors`` are operand pairs; ``adder_stages`` 0 is the block's own default."""
