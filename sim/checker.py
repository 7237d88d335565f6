"""Between a bench inside a simulator and the runner outside: the files they share, and the comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim.report import Mismatch, Throughput
from sim.stimulus.stimulus import Stimulus

__all__ = ["JOB_FILE", "MISMATCHES", "RESULT_FILE", "Comparison", "compare", "load_result", "sample", "save_result"]

JOB_FILE = "job.npz"
RESULT_FILE = "result.json"
"""Names in the folder where a simulation runs."""

MISMATCHES = 8
"""How many differences a report shows."""


def save_result(path: Path, got: Any, seconds: float) -> None:
    """Write what a bench sampled, in JSON's types: words, or bit strings where some bits are undefined."""
    path.write_text(json.dumps({"got": got, "seconds": seconds}), encoding="ascii")


def load_result(path: Path) -> tuple[Any, float]:
    """Read what :func:`save_result` wrote: the samples and the seconds."""
    result = json.loads(path.read_text(encoding="ascii"))
    return result["got"], result["seconds"]


def sample(port: Any) -> int | str:
    """The word on a cocotb port, or its bits where some are undefined, which Icarus shows as X or Z."""
    value = port.value
    try:
        return int(value)
    except ValueError:
        return str(value)


@dataclass(frozen=True)
class Comparison:
    """Samples held against expectations, the events that were counted meanwhile, and how fast a stream went."""

    checks: int
    failures: int
    mismatches: tuple[Mismatch, ...]
    events: dict[str, int] = field(default_factory=dict)
    throughput: Throughput | None = None


def compare(got: list[int | str], index: np.ndarray, expected: np.ndarray, operands: Stimulus, bits: int) -> Comparison:
    """Compare samples with expected words.

    Parameters
    ----------
    got : list
        One sample per cycle: a word, or a bit string with undefined bits.
    index : numpy.ndarray
        Which pair's product each sample must be, int, shape (cycles,); negative where nothing is expected.
    expected : numpy.ndarray
        The product of each pair, shape (N,).
    operands : Stimulus
        The pairs.
    bits : int
        Width of a word.
    """
    if len(got) != len(index):
        raise ValueError(f"{len(got)} samples for {len(index)} cycles")
    words = np.array([-1 if isinstance(sample, str) else sample for sample in got], np.int64)
    checked = index >= 0
    wrong = checked & (words != expected[index])
    digits = -(-bits // 4)
    mismatches = []
    for cycle in np.flatnonzero(wrong)[:MISMATCHES].tolist():
        pair, sample = int(index[cycle]), got[cycle]
        mismatches.append(
            Mismatch(
                kind=operands.kinds[operands.kind[pair]],
                a=f"{operands.a[pair]:0{digits}x}",
                b=f"{operands.b[pair]:0{digits}x}",
                got=sample if isinstance(sample, str) else f"{sample:0{digits}x}",
                expected=f"{expected[pair]:0{digits}x}",
            )
        )
    return Comparison(int(checked.sum()), int(wrong.sum()), tuple(mismatches))
