"""Streams: what drives and watches the streams of a block, and the verdict on what was seen.

A beat passes at a clock edge where valid and ready are both 1. Two harnesses drive the same jobs: cocotb's
(``sim.benches.streams``, on any simulator) and a compiled one (``sim.harness``, on Verilator, for long runs). Beats are
rows of bytes, the payload's lowest byte first, in as many bytes as Verilator's type for the port has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.checker import MISMATCHES, Comparison
from sim.report import Mismatch, Throughput

__all__ = [
    "EVENTS",
    "PACES",
    "Seen",
    "Source",
    "StreamJob",
    "Wanted",
    "beats",
    "for_cocotb",
    "from_cocotb",
    "judge",
    "paces",
    "pattern",
    "stride_of",
]

EVENTS = (
    "back-to-back beats",
    "idle cycles",
    "stalls",
    "stalls of more than 8 cycles",
    "beats after a stall",
)
"""What is counted on every stream: beats in consecutive cycles, cycles without valid, valid without ready, and more."""

PACES = ("always", "mostly", "half", "rarely", "bursts", "mixed")
"""How often a source offers, or a sink takes; ``mixed`` goes through the others."""

_PACE_CYCLES = 4096


@dataclass(frozen=True)
class Source:
    """A stream into the block: its port's name and width, its beats, and when it offers one.

    Parameters
    ----------
    bits : int
        Width of the payload.
    beats : numpy.ndarray
        uint8, shape (N, stride).
    """

    bits: int
    beats: np.ndarray


@dataclass(frozen=True)
class Wanted:
    """A stream out of the block: what must come out of it.

    Parameters
    ----------
    bits : int
        Width of the payload.
    word_bits : int
        Width of a word of the payload, for the report.
    beats : numpy.ndarray
        uint8, shape (N, stride), as :func:`beats` makes them.
    """

    bits: int
    word_bits: int
    beats: np.ndarray


@dataclass(frozen=True)
class StreamJob:
    """What a harness does: beats into sources, beats out of sinks, and words recorded where a strobe is 1.

    Parameters
    ----------
    sources : dict of str to Source
        By the port's name.
    sinks : dict of str to Wanted
        By the port's name.
    pace : dict of str to numpy.ndarray
        For each stream: uint8, shape (4096,): whether a new beat is offered, or one is taken, in a cycle; again from
        the start after the last.
    strobe : str
        An output, or nothing; where it is 1 the ``record`` outputs are recorded.
    record : tuple of str
        Names of outputs.
    macs, places : int
        Products that enter a sum, and processing elements.
    """

    sources: dict[str, Source]
    sinks: dict[str, Wanted]
    pace: dict[str, np.ndarray]
    strobe: str = ""
    record: tuple[str, ...] = ()
    macs: int = 0
    places: int = 1

    @property
    def ports(self) -> tuple[str, ...]:
        """Every port that a harness uses."""
        streams = [f"{name}__{part}" for name in (*self.sources, *self.sinks) for part in ("payload", "valid", "ready")]
        return (*streams, *filter(None, (self.strobe,)), *self.record, "clk", "rst")


@dataclass(frozen=True)
class Seen:
    """What a harness saw.

    Parameters
    ----------
    beats : dict of str to numpy.ndarray
        Beats that came out of each sink.
    when : dict of str to numpy.ndarray
        The cycle of every beat, of sources and sinks: int64.
    events : dict of str to dict of str to int
        Counts of ``EVENTS`` for each stream.
    violations : list of str
        Breaches of the protocol.
    recorded : numpy.ndarray
        Words of the ``record`` outputs, int64, shape (strobes, outputs).
    seconds : float
        Time of the harness' loop.
    """

    beats: dict[str, np.ndarray]
    when: dict[str, np.ndarray]
    events: dict[str, dict[str, int]]
    violations: list[str]
    recorded: np.ndarray
    seconds: float = 0.0


def stride_of(bits: int) -> int:
    """Bytes of Verilator's type for a port."""
    if bits <= 32:
        return 1 if bits <= 8 else 2 if bits <= 16 else 4
    return 8 if bits <= 64 else 4 * -(-bits // 32)


def beats(columns: Sequence[tuple[np.ndarray, int]], bits: int) -> np.ndarray:
    """Pack fields into beats.

    Parameters
    ----------
    columns : sequence of (numpy.ndarray, int)
        Fields from bit 0 upwards: unsigned words, shape (N,) or (N, count), and their width in bits.
    bits : int
        Width of the payload, the sum of all.

    Returns
    -------
    numpy.ndarray
        uint8, shape (N, stride).
    """
    digits = []
    for words, width in columns:
        words = words.astype(np.uint64).reshape(len(words), -1, 1)
        digits.append((words >> np.arange(width, dtype=np.uint64) & np.uint64(1)).reshape(len(words), -1))
    flat = np.concatenate(digits, axis=1).astype(np.uint8)
    assert flat.shape[1] == bits, f"{flat.shape[1]} bits of fields for a payload of {bits}"
    packed = np.packbits(flat, axis=1, bitorder="little")
    return np.pad(packed, ((0, 0), (0, stride_of(bits) - packed.shape[1])))


def pattern(name: str, rng: np.random.Generator) -> np.ndarray:
    """A pattern of 4096 cycles by its name in ``PACES``: uint8."""
    n = _PACE_CYCLES
    if name == "mixed":
        return np.concatenate([pattern(str(rng.choice(PACES[:-1])), rng)[:128] for _ in range(n // 128)])
    if name == "bursts":
        return np.repeat(np.arange(n) % 2, rng.integers(1, 25, n))[:n].astype(np.uint8)
    share = {"always": 1.0, "mostly": 0.9, "half": 0.5, "rarely": 0.1}[name]
    return (rng.random(n) < share).astype(np.uint8)


def paces(names: Sequence[str], rng: np.random.Generator, pace: str = "mixed") -> dict[str, np.ndarray]:
    """One pattern for each stream."""
    return {name: pattern(pace, rng) for name in names}


def judge(job: StreamJob, seen: Seen) -> Comparison:
    """Hold what came out against what was wanted: every word, no beat lost or added, no breach of the protocol."""
    checks = failures = 0
    mismatches: list[Mismatch] = []

    def fail(where: str, got: str, expected: str, count: int = 1) -> None:
        nonlocal failures
        failures += count
        if len(mismatches) < MISMATCHES:
            mismatches.append(Mismatch(where, "", "", got, expected))

    for violation in seen.violations:
        fail(violation, "a breach of the protocol", "none")
    for name, source in job.sources.items():
        taken = len(seen.when[name])
        if taken != len(source.beats):
            fail(f"{name}: beats taken", str(taken), str(len(source.beats)), abs(taken - len(source.beats)))
    for name, wanted in job.sinks.items():
        got = seen.beats[name]
        n = min(len(got), len(wanted.beats))
        words = -(-wanted.bits // wanted.word_bits)
        checks += len(wanted.beats) * words
        if len(got) != len(wanted.beats):
            fail(f"{name}: beats", str(len(got)), str(len(wanted.beats)), abs(len(got) - len(wanted.beats)))
        seen_words = _words(got[:n], wanted)
        right_words = _words(wanted.beats[:n], wanted)
        for beat, word in np.argwhere(seen_words != right_words).tolist():
            fail(f"{name}, beat {beat}, word {word}", f"{seen_words[beat, word]:x}", f"{right_words[beat, word]:x}")
    events = {f"{stream}: {event}": n for stream, counts in seen.events.items() for event, n in counts.items()}
    return Comparison(checks, failures, tuple(mismatches), events, _throughput(job, seen))


def _throughput(job: StreamJob, seen: Seen) -> Throughput | None:
    """From the first weight and vector to the last result; None where one of them never came."""
    names = ("weights", "activations", "results")
    if not all(name in seen.when and seen.when[name].size for name in names):
        return None
    weights, vectors, results = (seen.when[name] for name in names)
    cycles = int(results[-1] - weights[0]) + 1
    return Throughput(cycles, int(results[0] - vectors[0]), job.macs / (job.places * cycles))


def _words(rows: np.ndarray, wanted: Wanted) -> np.ndarray:
    if wanted.word_bits == 32 and rows.shape[1] % 4 == 0:
        return np.ascontiguousarray(rows).view(np.uint32)
    if wanted.word_bits == 8:
        return rows
    return np.array([[int.from_bytes(row.tobytes(), "little")] for row in rows], object).reshape(len(rows), 1)


def for_cocotb(job: StreamJob) -> dict[str, np.ndarray]:
    """The arrays that ``sim.benches.streams`` reads."""
    arrays: dict[str, np.ndarray] = {f"source_{name}": source.beats for name, source in job.sources.items()}
    arrays |= {f"pace_{name}": pattern for name, pattern in job.pace.items()}
    arrays |= {"sinks": np.array(list(job.sinks)), "wanted": np.array([len(s.beats) for s in job.sinks.values()])}
    return arrays | {"strobe": np.array(job.strobe), "record": np.array(job.record, dtype=str)}


def from_cocotb(job: StreamJob, got: dict[str, Any]) -> Seen:
    """What ``sim.benches.streams`` wrote."""
    rows = {}
    for name, wanted in job.sinks.items():
        stride = stride_of(wanted.bits)
        # A payload with undefined bits stands among the violations; here it becomes 0.
        numbers = [int(beat, 16) if set(beat) <= set("0123456789abcdef") else 0 for beat in got["beats"][name]]
        flat = b"".join(number.to_bytes(stride, "little") for number in numbers)
        rows[name] = np.frombuffer(flat, np.uint8).reshape(-1, stride)
    when = {name: np.array(cycles, np.int64) for name, cycles in got["when"].items()}
    recorded = np.array([[w if isinstance(w, int) else -1 for w in row] for row in got["recorded"]], np.int64)
    return Seen(rows, when, got["events"], got["violations"], recorded.reshape(len(got["recorded"]), len(job.record)))
