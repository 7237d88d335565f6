"""What a bench is: a cocotb module, the ports it uses, and how its work is prepared and judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from sim.checker import Comparison

__all__ = ["Bench", "Job", "Setting"]


@dataclass(frozen=True)
class Setting:
    """What a bench is asked to check.

    Parameters
    ----------
    multiplier : Multiplier
        The multiplier; an adder takes the format of its words.
    vectors : int
        How much work: operand pairs, or vectors of activations.
    seed : int
        Decides operands and the timing of every transfer.
    stages : int
        Pipeline stages.
    shape : dict of str to int
        The parameters that this kind of block has beside those (``rows``, ``columns``).
    pace : str
        A name in ``sim.streams.PACES``, for a block with streams.
    """

    multiplier: Multiplier
    vectors: int
    seed: int
    stages: int
    shape: dict[str, int]
    pace: str = "mixed"


@dataclass(frozen=True)
class Job:
    """Everything a bench needs, computed before the simulation.

    Parameters
    ----------
    arrays : dict of str to numpy.ndarray
        What the bench inside the simulator reads.
    judge : callable
        ``judge(got) -> Comparison`` of what the bench recorded.
    kinds : dict of str to int
        Operands by what they were made for.
    corners : dict of str to int
        Corners that operands and schedule meet.
    """

    arrays: dict[str, np.ndarray]
    judge: Callable[[Any], Comparison]
    kinds: dict[str, int]
    corners: dict[str, int]


@dataclass(frozen=True)
class Bench:
    """A bench for one kind of block.

    Parameters
    ----------
    module : str
        The cocotb test module.
    ports : callable
        ``ports(setting)``: the block's ports that the bench uses.
    parameters : callable
        ``parameters(setting)``: what ``hdl.verilog.generate`` is called with.
    prepare : callable
        ``prepare(setting) -> Job``.
    shape : dict of str to int
        Names and defaults of the parameters that this kind of block has beside multiplier and stages.
    streams : bool
        Whether the block has streams, and so a pace.
    """

    module: str
    ports: Callable[[Setting], tuple[str, ...]]
    parameters: Callable[[Setting], dict[str, Any]]
    prepare: Callable[[Setting], Job]
    shape: dict[str, int]
    streams: bool = False
