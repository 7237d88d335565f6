"""One Liberty file: its units, its corner, and what its cells are.

Only the file's skeleton is parsed here, and kept in the cache; a cell's tables are parsed when somebody asks for them.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golden.cache import Cache
from golden.errors import InvalidInput, MissingTool
from synth.liberty_cells import Cell, name_of, number, read_cell, word
from synth.liberty_text import cut, skeleton, spans

if TYPE_CHECKING:
    from liberty.types import Group

__all__ = ["Part", "parse", "read_part", "text_of"]

SUMMARY_VERSION = 3
PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3}


@dataclass(frozen=True)
class Part:
    """What a Liberty file says.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    sha256 : str
        Digest of its content, uncompressed.
    name : str
        The library's name in it.
    process, voltage, temperature : float
        The corner it was characterised at: process factor, V, degrees Celsius.
    conditions : str
        The name of the default operating conditions, empty where it has none.
    time_unit, voltage_unit, power_unit, capacitance_unit : str
        Units of its tables, as written; ``power_unit`` is that of leakage, empty where it has none.
    time_s, voltage_v, capacitance_f, leakage_w : float
        The same in SI units; no ``leakage_w`` where it has none.
    cells : tuple of Cell
        In the order of the file.
    """

    path: Path
    sha256: str
    name: str
    process: float
    voltage: float
    temperature: float
    conditions: str
    time_unit: str
    voltage_unit: str
    power_unit: str
    capacitance_unit: str
    time_s: float
    voltage_v: float
    capacitance_f: float
    leakage_w: float | None
    cells: tuple[Cell, ...] = field(repr=False)

    @property
    def corner_values(self) -> str:
        """The corner as numbers."""
        return f"process {self.process:g}, {self.voltage:g} V, {self.temperature:g} C"

    @property
    def corner(self) -> str:
        """The corner in words."""
        return f"{self.conditions} ({self.corner_values})" if self.conditions else self.corner_values

    def groups(self, names: tuple[str, ...], without: tuple[str, ...] = ()) -> dict[str, Group]:
        """Return cells by name, parsed without groups of some kinds."""
        if not names:
            return {}
        text = text_of(self.path)
        found: dict[str, Group] = {}
        for span in spans(text, lambda kind, depth: kind == "cell" and depth == 1):
            if span.name in names:
                own = text[span.start : span.end]
                found[span.name] = parse(self.path, cut(own, lambda _: True, lambda kind, _: kind in without))
        return found

    def header(self) -> Group:
        """Return what it says outside of its cells, parsed."""
        return parse(self.path, cut(text_of(self.path), lambda _: True, lambda kind, depth: kind == "cell"))


def text_of(path: Path) -> str:
    """Return the text of a Liberty file, gzipped or not.

    Raises
    ------
    InvalidInput
        If it cannot be read, or its compressed content is cut short.
    """
    return _content(path).decode("utf-8", errors="replace")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read the Liberty file {path} ({error.strerror}); give a readable file") from None
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise InvalidInput(f"{path} is a damaged gzip file; replace it by a whole one") from None


def read_part(path: Path) -> Part:
    """Read a Liberty file; what it says is kept in the cache under its digest.

    Raises
    ------
    InvalidInput
        If it cannot be read, or is not a whole Liberty library.
    MissingTool
        If the package liberty-parser is missing.
    """
    content = _content(path)
    digest = hashlib.sha256(content).hexdigest()

    def part(summary: dict[str, Any]) -> Part:
        return Part(path=path, sha256=digest, **{**summary, "cells": tuple(Cell(**each) for each in summary["cells"])})

    kept, key = Cache("liberty"), f"{digest}-{SUMMARY_VERSION}"
    known = kept.get_json(key, part)
    if known is not None:
        return known
    summary = _summarise(path, content.decode("utf-8", errors="replace"))
    kept.put_json(key, summary)
    return part(summary)


def _summarise(path: Path, text: str) -> dict[str, Any]:
    try:
        bare = skeleton(text)
    except ValueError as error:
        raise InvalidInput(f"{path} is not a whole Liberty file: {error}; replace it by a whole one") from None
    group = parse(path, bare)
    if group.group_name != "library" or not group.args:
        raise InvalidInput(
            f"{path} holds a {group.group_name!r}, not a Liberty library; give a standard-cell .lib file"
        )
    unit, farads = _capacitance_unit(path, group)
    conditions = word(group, "default_operating_conditions")
    corner = next((g for g in group.get_groups("operating_conditions") if name_of(g) == conditions), None)

    def at(key: str, default: float) -> float:
        nominal = number(group, f"nom_{key}", default)
        return nominal if corner is None else number(corner, key, nominal)

    time_unit, voltage_unit = word(group, "time_unit") or "1ns", word(group, "voltage_unit") or "1V"
    power_unit = word(group, "leakage_power_unit")
    return {
        "name": name_of(group),
        "process": at("process", 1.0),
        "voltage": at("voltage", 0.0),
        "temperature": at("temperature", 25.0),
        "conditions": conditions,
        "time_unit": time_unit,
        "voltage_unit": voltage_unit,
        "power_unit": power_unit,
        "capacitance_unit": unit,
        "time_s": _si(path, "time_unit", time_unit, "s"),
        "voltage_v": _si(path, "voltage_unit", voltage_unit, "V"),
        "capacitance_f": farads,
        "leakage_w": _si(path, "leakage_power_unit", power_unit, "W") if power_unit else None,
        "cells": [asdict(read_cell(cell, farads)) for cell in group.get_groups("cell") if cell.args],
    }


@lru_cache(maxsize=1)
def _parser() -> Any:
    try:
        from liberty.parser import parse_liberty
    except ImportError:
        raise MissingTool("reading a cell library needs `pip install liberty-parser`") from None
    return parse_liberty


def parse(path: Path, text: str) -> Group:
    """Return the one group of a text; ``path`` is named where it is none.

    Raises
    ------
    InvalidInput
        If it is not Liberty.
    MissingTool
        If the package liberty-parser is missing.
    """
    try:
        return _parser()(text)
    except MissingTool:
        raise
    except Exception:  # the parser has no exception of its own that covers all it raises
        reason = "its syntax is another" if text.strip() else "it is empty"
        raise InvalidInput(f"{path} is not a Liberty file ({reason}); give a standard-cell .lib file") from None


def _capacitance_unit(path: Path, group: Group) -> tuple[str, float]:
    values = group.get_attributes("capacitive_load_unit") or [[1, "pf"]]
    try:
        amount, unit = values[-1]
        plain = str(unit).strip('"').lower()
        return f"{float(amount):g}{plain}", float(amount) * {"ff": 1e-15, "pf": 1e-12, "nf": 1e-9, "f": 1.0}[plain]
    except (TypeError, ValueError, KeyError):
        raise InvalidInput(f"{path} has a capacitive_load_unit that cannot be read; write it as (1, pf)") from None


def _si(path: Path, key: str, written: str, unit: str) -> float:
    found = re.fullmatch(rf"\s*([\d.eE+-]+)?\s*([fpnumk]?){unit}\s*", written, re.IGNORECASE)
    try:
        assert found is not None
        return float(found[1] or 1) * PREFIXES[found[2].lower()]
    except (AssertionError, ValueError):
        raise InvalidInput(f"{path} has a {key} {written!r} that cannot be read; write it as 1n{unit}") from None
