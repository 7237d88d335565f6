"""What a simulation found: the checks, the first differences, the corners it met."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Mismatch", "SimReport", "Throughput"]


@dataclass(frozen=True)
class Mismatch:
    """A result of the hardware that differs from the golden model's.

    Parameters
    ----------
    kind : str
        What the operands were made for; of a stream, where in it the difference lies.
    a, b : str
        The operands, in hexadecimal; empty where a result has many.
    got, expected : str
        The hardware's result (its bits in binary where some are undefined) and the golden model's.
    """

    kind: str
    a: str
    b: str
    got: str
    expected: str

    def __str__(self) -> str:
        if not self.a:
            return f"{self.kind}: {self.got}, expected {self.expected}"
        return f"{self.a} x {self.b} -> {self.got}, expected {self.expected} ({self.kind})"


@dataclass(frozen=True)
class Throughput:
    """How fast a block with streams went, stalls and idle cycles of its surroundings included.

    Parameters
    ----------
    cycles : int
        From the first weight taken to the last result, both included.
    latency : int
        From the first vector taken to the first result.
    utilisation : float
        Products computed / (rows x columns x cycles).
    """

    cycles: int
    latency: int
    utilisation: float


@dataclass(frozen=True)
class SimReport:
    """The outcome of a bench.

    Parameters
    ----------
    block, multiplier : str
        What was simulated; the multiplier by its canonical name.
    stages : int
        Pipeline stages, 0 for combinational.
    simulator, version : str
        What simulated it.
    vectors, seed : int
        Operand pairs, and the seed they came from.
    checks, failures : int
        Results compared with the golden model, and those that differed. A pipelined block is compared at every clock
        edge, held results included.
    mismatches : tuple of Mismatch
        The first few of those.
    kinds, corners : dict of str to int
        Pairs made for each purpose; corners of the arithmetic (and of the protocol) that the run met, with counts.
    seconds, build_seconds : float
        Time of the bench's loop, and of building the simulator (0 where an unchanged build was found).
    checks_per_second : float
        ``checks / seconds``.
    log, waves : pathlib.Path or None
        The simulator's log, kept where something failed, and the waveform file where one was asked for.
    throughput : Throughput or None
        Of a block with streams.
    """

    block: str
    multiplier: str
    stages: int
    simulator: str
    version: str
    vectors: int
    seed: int
    checks: int
    failures: int
    mismatches: tuple[Mismatch, ...]
    kinds: dict[str, int] = field(repr=False)
    corners: dict[str, int] = field(repr=False)
    seconds: float
    build_seconds: float
    log: Path | None = None
    waves: Path | None = None
    throughput: Throughput | None = None

    @property
    def passed(self) -> bool:
        """Whether something was checked and nothing differed."""
        return self.checks > 0 and self.failures == 0

    @property
    def checks_per_second(self) -> float:
        """Comparisons per second of the bench's loop."""
        return self.checks / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain = asdict(self)
        for name in ("log", "waves"):
            plain[name] = None if plain[name] is None else str(plain[name])
        return plain | {"passed": self.passed, "checks_per_second": self.checks_per_second}
