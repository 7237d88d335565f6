"""Reading a multiplier's file, once in a process: a name keeps its meaning, or the change is said."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from golden.catalogue import Multiplier, Origin
from golden.designs import Design
from golden.errors import InvalidInput
from golden.formats import FORMATS, FP32, Format
from golden.multiplier_files import circuits, scripts, tables
from golden.multiplier_files.names import FileName

__all__ = ["READERS", "content_of", "digest", "read"]

READERS: dict[str, Callable[[FileName, bytes], Multiplier | Design]] = {
    ".py": scripts.read,
    ".v": circuits.read,
    ".sv": circuits.read,
    ".csv": tables.read_csv,
    ".npy": tables.read_npy,
    ".json": tables.read_json,
}
"""``reader(name, content)`` by suffix."""

_READING = threading.RLock()


@dataclass(frozen=True)
class _Known:
    digest: str
    entry: Multiplier


_known: dict[tuple[Path, str], _Known] = {}


def read(name: FileName) -> Multiplier:
    """Return what a file holds, as a multiplier that is named after it; a design gets the traits of ``ax-fpm``.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is not what its name says, or has changed since it was read.
    MissingTool
        If it is a circuit and Yosys is not installed.
    """
    content = content_of(name)
    now, key = digest(content), (name.place, name.member)
    with _READING:
        known = _known.get(key)
        if known is None:
            known = _known[key] = _Known(now, _entry(READERS[name.suffix](name, content)))
    if known.digest != now:
        raise InvalidInput(
            f"{name.path} has changed since {name.name} was read; start again, or save what has changed under another "
            "name"
        )
    return replace(known.entry, origin=Origin(name.name, known.entry))


def content_of(name: FileName) -> bytes:
    """Return a file's bytes.

    Raises
    ------
    InvalidInput
        If there is no such file, or it cannot be read.
    """
    try:
        return name.place.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {name.path}; give the path of one, from the current folder") from None
    except OSError as error:
        raise InvalidInput(f"{name.path} cannot be read: {error.strerror or error}; give another file") from None


def digest(content: bytes) -> str:
    """SHA-256 by which a file is known again."""
    return hashlib.sha256(content).hexdigest()


def _entry(found: Multiplier | Design) -> Multiplier:
    if isinstance(found, Multiplier):
        return replace(found, origin=None)
    return Multiplier(_format_of(found), found)


def _format_of(design: Design) -> Format:
    """FP32 where the design fits its significand, else the first format that it fits: 5-bit digits mean e8m4."""
    for fmt in (FP32, *(f for f in FORMATS.values() if f.word_bits == FP32.word_bits)):
        try:
            design.check(fmt.precision)
        except InvalidInput:
            continue
        return fmt
    design.check(FP32.precision)
    raise AssertionError("unreachable: one of the formats fits, or the line before raises")
