"""One run of the emulated machine: calls and their operands in, results out."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .bochs import BASE, SECTOR, header, run
from .memory import Image, Memory, pattern

__all__ = ["Call", "Pointer", "run_calls"]


@dataclass(frozen=True)
class Pointer:
    """An argument that is an address.

    Parameters
    ----------
    address : int
        Where it points here.
    memory : Memory
        What it points into.
    before : bytes or None
        The bytes of that memory before the call; None for results, which exist in the emulated machine alone.
    after : bytes or None
        The bytes after it, where the call writes them and was made here too.
    """

    address: int
    memory: Memory
    before: bytes | None
    after: bytes | None = None


@dataclass(frozen=True)
class Call:
    """A function, as an object file, and its arguments."""

    name: str
    code: bytes
    arguments: Sequence[int | Pointer]


@dataclass(frozen=True)
class _Region:
    """Memory that calls write: whole sectors, in them the bytes of ``memory``, and what these must become."""

    label: str
    memory: Memory
    address: int
    sectors: tuple[int, int]
    after: bytes | None

    def check(self, content: bytes) -> None:
        start = self.address - self.sectors[0]
        stop = start + self.memory.size
        around = pattern(len(content))
        assert content[:start] == around[:start], f"{self.label}: something was written in front"
        assert content[stop:] == around[stop:], f"{self.label}: something was written behind"
        if self.after is None:
            self.memory.write(content[start:stop])
        else:
            assert content[start:stop] == self.after, f"{self.label}: other bytes than here"


def _region(image: Image, label: str, memory: Memory, after: bytes | None) -> _Region:
    return _Region(label, memory, *image.reserve_sectors(memory.size, memory.start), after)


def _load(image: Image, label: str, pointer: Pointer, regions: list[_Region]) -> int:
    """Where the bytes before a call lie, by themselves if it changes them."""
    assert pointer.before is not None
    if pointer.after is None:
        return image.shared(pointer.before, pointer.memory.start)
    regions.append(_region(image, label, pointer.memory, pointer.after))
    image.put(regions[-1].address, pointer.before)
    return regions[-1].address


def _words(rows: Iterable[Sequence[int]]) -> bytes:
    return b"".join(struct.pack(f"<{len(row)}q", *row) for row in rows)


def run_calls(calls: Sequence[Call], results: Sequence[Memory], cpu: str, timeout: float = 300) -> None:
    """Make calls on the emulated machine, in order.

    Parameters
    ----------
    calls : sequence of Call
        What to run.
    results : sequence of Memory
        Where the results go that these calls write.
    cpu : str
        LLVM's name of the processor that the code is for.
    timeout : float
        Seconds after which the machine counts as hung.

    Raises
    ------
    AssertionError
        If a call left other bytes than it left here, or wrote outside the array that it should write.
    RuntimeError
        If the machine stopped before its end.
    """
    image, regions = Image(), []
    functions = {code: image.function(code) for code in dict.fromkeys(call.code for call in calls)}
    loaded: list[list[int]] = [
        [
            _load(image, f"{call.name}, call {number}", a, regions)
            if isinstance(a, Pointer) and a.before is not None
            else 0
            for a in call.arguments
        ]
        for number, call in enumerate(calls)
    ]
    arguments = [image.reserve(8 * len(call.arguments)) for call in calls]
    call_table = image.reserve(16 * len(calls))
    region_table = image.reserve(16 * (len(regions) + len(results)))
    first_result = image.round()
    regions += [_region(image, "results", memory, None) for memory in results]
    result_at = {region.memory.start: region.address for region in regions if region.after is None}

    for call, place, bases in zip(calls, arguments, loaded, strict=True):
        words = [
            (base or result_at[a.memory.start]) + a.address - a.memory.start if isinstance(a, Pointer) else a
            for a, base in zip(call.arguments, bases, strict=True)
        ]
        image.put(place, _words([words]))
    image.put(call_table, _words((functions[call.code], at) for call, at in zip(calls, arguments, strict=True)))
    sectors = [region.sectors for region in regions]
    image.put(region_table, _words((first, size // SECTOR) for first, size in sectors))
    image.put(
        BASE,
        header(
            first_result - BASE,
            (len(calls), call_table),
            (len(regions), region_table),
            (first_result, image.end - first_result),
        ),
    )
    content = run(image.content(first_result), [size for _, size in sectors], image.end, cpu, timeout)
    for region, data in zip(regions, content, strict=True):
        region.check(data)
