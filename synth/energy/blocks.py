"""The circuits whose energy is measured: how they are built, what operands are on their ports, and what is right.

The significand product gets the significands of the very words that the whole multiplier gets, those of zeros included:
the hardware multiplies them whatever becomes of the product. The adder gets a multiplier's products and running sums,
the processing element a weight, its activations and its sums as the array's row has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.add import add_words
from golden.catalogue import Multiplier, multiplier as look_up
from golden.formats import FP32
from golden.multiply import multiply_words
from golden.reference import significand
from golden.registry import Registry
from golden.significand import significand_products
from hdl.limits import check_adder_stages
from synth.energy.bench import settling
from synth.energy.element import element_ports, outputs
from synth.energy.stimulus import Operands

__all__ = ["BLOCKS", "Block", "Build", "Streams"]


@dataclass(frozen=True)
class Build:
    """What one circuit is built for.

    Parameters
    ----------
    multiplier : str
        Its multiplier; of a block without one, that whose products it gets.
    tree : str
        The multiplier's compressor tree.
    stages : int
        Registers in the multiplier, or in the block where it is one pipeline.
    adder_stages : int or None
        Registers in the adder, of a block that has both; None leaves them to the circuit.
    """

    multiplier: str
    tree: str = "dadda"
    stages: int = 0
    adder_stages: int | None = None


@dataclass(frozen=True)
class Streams:
    """Words on the ports, one for each operation, in their order.

    Parameters
    ----------
    inputs, expected : dict of str to numpy.ndarray
        For each operand port its words, and for each output the right ones, unsigned integers, (n,).
    latencies : dict of str to int
        How many cycles after the operands an output comes, for those where that is not the block's ``latency``.
    """

    inputs: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]
    latencies: dict[str, int] = field(default_factory=dict)


def _pipeline(build: Build) -> int:
    return build.stages


def _tree(build: Build) -> dict[str, Any]:
    return {"multiplier": build.multiplier, "stages": build.stages, "tree": build.tree}


@dataclass(frozen=True)
class Block:
    """A circuit, with its operands.

    Parameters
    ----------
    streams : callable
        ``streams(operands, build) -> Streams``.
    parameters : callable
        ``parameters(build)``: what ``hdl.verilog.generate`` is called with.
    latency : callable
        ``latency(build)``: cycles from operands to the last output that depends on them.
    has_multiplier : bool
        Whether the circuit itself has a multiplier; else designs differ in their operands alone.
    has_adder : bool
        Whether it has an adder beside the multiplier, with stages of its own.
    stages : int
        Its stages where nothing else is asked for, as ``hdl.circuits`` has them.
    waits : int
        How many registers operands pass before they are multiplied.
    result : str
        What one operation is, in words.
    """

    streams: Callable[[Operands, Build], Streams]
    parameters: Callable[[Build], Mapping[str, Any]] = _tree
    latency: Callable[[Build], int] = _pipeline
    has_multiplier: bool = True
    has_adder: bool = False
    stages: int = 0
    waits: int = 0
    result: str = "product"


def _words(operands: Operands, build: Build) -> Streams:
    y = multiply_words(operands.a, operands.b, look_up(build.multiplier))
    return Streams({"a": operands.a, "b": operands.b}, {"y": y})


def _significands(operands: Operands, build: Build) -> Streams:
    m = look_up(build.multiplier)
    a, b = (
        np.array([significand(word, m) for word in words.tolist()], np.uint64) for words in (operands.a, operands.b)
    )
    low = np.uint64((1 << (m.precision - 1)) - 1)
    return Streams({"a": a & low, "b": b & low}, {"y": significand_products(m.design, a, b, m.precision)})


def _addends(operands: Operands, m: Multiplier) -> tuple[np.ndarray, np.ndarray]:
    return operands.sums(m), multiply_words(operands.a, operands.b, m)


def _sums(operands: Operands, build: Build) -> Streams:
    a, b = _addends(operands, look_up(build.multiplier))
    return Streams({"a": a, "b": b}, {"y": add_words(a, b, FP32)})


def _products_and_sums(operands: Operands, build: Build) -> Streams:
    c, product = _addends(operands, look_up(build.multiplier))
    # The sum comes as late as the product that it meets.
    late = np.concatenate([np.repeat(c[:1], build.stages), c])[: c.size]
    return Streams({"a": operands.a, "b": operands.b, "c": late}, {"y": add_words(c, product, FP32)})


def _both(build: Build) -> dict[str, Any]:
    return _tree(build) | {"adder_stages": build.adder_stages}


def _element_latency(build: Build) -> int:
    return 1 + build.stages + check_adder_stages(build.stages, build.adder_stages)


def _element(operands: Operands, build: Build) -> Streams:
    m = look_up(build.multiplier)
    inputs = element_ports(operands.a, operands.b, operands.sums(m), stages=build.stages)
    latency = _element_latency(build)
    # The first words stand at the ports until everything has come to rest.
    lead = settling(latency)
    before = {name: np.concatenate([np.repeat(words[:1], lead), words]) for name, words in inputs.items()}
    depth = latency - 1 - build.stages
    found = outputs(before, m, stages=build.stages, adder_stages=depth)
    return Streams(inputs, {name: words[lead:] for name, words in found.items()}, dict.fromkeys(found, 0))


BLOCKS = Registry(
    "block",
    {
        "multiplier": Block(_words),
        "significand": Block(_significands),
        "adder": Block(
            _sums,
            parameters=lambda build: {"format": FP32.name, "stages": build.stages},
            has_multiplier=False,
            result="sum",
        ),
        "mac": Block(
            _products_and_sums,
            parameters=_both,
            latency=lambda build: build.stages + check_adder_stages(build.stages, build.adder_stages, least=0),
            has_adder=True,
            result="product and sum",
        ),
        "pe": Block(
            _element,
            parameters=_both,
            latency=_element_latency,
            has_adder=True,
            stages=1,
            waits=1,
            result="product and sum, registers included",
        ),
    },
    said="energy is not measured of the block",
)
"""Blocks by name, which are those of ``hdl.circuits.CIRCUITS``."""
