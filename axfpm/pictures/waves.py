"""A run as WaveJSON, which WaveDrom draws: https://wavedrom.com, https://github.com/wavedrom/schema."""

from __future__ import annotations

from typing import Any

from sim.observed import Run

__all__ = ["wavejson"]

WORD = 32


def wavejson(run: Run, *, title: str) -> dict[str, Any]:
    """The streams of a run, and what else its job records.

    Parameters
    ----------
    run : Run
        A short one: each cycle is a column.
    title : str
        Stands above it.

    Returns
    -------
    dict
        JSON-ready: ``signal`` with a group for each stream, of valid, ready and payload; of a payload its lowest word,
        where it is valid.
    """
    job = run.job
    signals: list[Any] = [{"name": "clk", "wave": "p" + "." * (run.cycles - 1)}]
    for name in (*job.sources, *job.sinks):
        bits = (job.sources.get(name) or job.sinks[name]).bits
        valid, ready, payload = (run.levels[f"{name}__{part}"] for part in ("valid", "ready", "payload"))
        words = [word % (1 << WORD) if there else None for word, there in zip(payload, valid, strict=True)]
        signals += [
            {},
            [
                name,
                {"name": "valid", "wave": _levels(valid)},
                {"name": "ready", "wave": _levels(ready)},
                _bus("payload", words, run.passes(name), -(-min(bits, WORD) // 4)),
            ],
        ]
    strobes = [name for name in (job.strobe,) if name]
    signals += [{}] * bool(strobes) + [{"name": name, "wave": _levels(run.levels[name])} for name in strobes]
    return {"signal": signals, "head": {"text": title, "tick": 0, "every": 5}, "config": {"hscale": 2}}


def _levels(values: tuple[int, ...]) -> str:
    """A bit by cycle: a point where it stays as it was."""
    before = (None, *values)
    return "".join("." if value == last else str(value) for last, value in zip(before, values, strict=False))


def _bus(name: str, words: list[int | None], passes: list[int], digits: int) -> dict[str, Any]:
    """A bus by cycle: a field for each beat from its offer to its passing, ``x`` between them."""
    wave, data = "", []
    fresh = True
    for cycle, word in enumerate(words):
        if word is None:
            wave += "." if wave and wave.rstrip(".").endswith("x") else "x"
            fresh = True
        elif fresh:
            wave += "="
            data.append(f"{word:0{digits}X}")
            fresh = cycle in passes
        else:
            wave += "."
            fresh = cycle in passes
    return {"name": name, "wave": wave, "data": data}
