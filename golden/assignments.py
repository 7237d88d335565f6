"""Assignments: which multiplier each layer of a network has, and the files that hold some.

One object is what ``approximate(layers=...)``, evaluations, energies of inferences and the simulated engine take, so
that all of them mean the same network. A file holds one assignment or several, numbered from 1:

    {"format": "axfpm assignments", "version": 1,
     "assignments": [{"layers": {"conv1": "e8m2", "fc1": "ax-fpm:block=2"}}, ...], ...}

Each entry, and the file as a whole, may say more: ``axfpm search`` writes what it found of each beside it. A name of an
assignment is ``FILE`` or ``FILE:NUMBER``, or spells it out: ``conv1=e8m2;fc1=ax-fpm:block=2``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import read_whole
from golden.errors import InvalidInput, InvalidType
from golden.files import expand

__all__ = ["FORMAT", "VERSION", "Assignment", "assignment", "document", "read", "read_document"]

FORMAT, VERSION = "axfpm assignments", 1
MAKE = "`axfpm search -o FILE` writes one"


@dataclass(frozen=True)
class Assignment(Mapping[str, Multiplier]):
    """A multiplier for each of some layers: a mapping of names, as in ``named_modules()``, to ``Multiplier``.

    Parameters
    ----------
    layers : tuple of (str, Multiplier)
        Each layer once, in the order of execution where that is known.

    Raises
    ------
    InvalidInput
        If there is no layer, one comes twice, or its name cannot be one of a layer.
    """

    layers: tuple[tuple[str, Multiplier], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.layers]
        if not names or len(set(names)) < len(names):
            raise InvalidInput(f"a layer comes twice among {', '.join(names)}, or there is none; give each once")
        for name in names:
            if any(c in name for c in "=;"):
                raise InvalidInput(f"{name!r} cannot name a layer: '=' and ';' stand between names; rename it")

    @classmethod
    def of(cls, layers: Mapping[str, str | Multiplier]) -> Assignment:
        """Return the assignment of a mapping, whose multipliers may be names.

        Raises
        ------
        InvalidInput, InvalidType
            If a multiplier is unknown, or is none; and as the class says.
        """
        return cls(tuple((name, look_up(m)) for name, m in layers.items()))

    def __getitem__(self, name: str) -> Multiplier:
        return dict(self.layers)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(name for name, _ in self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def multipliers(self) -> tuple[Multiplier, ...]:
        """The multipliers that it uses, each once, in the order of its layers."""
        return tuple(dict.fromkeys(m for _, m in self.layers))

    @property
    def name(self) -> str:
        """It spelled out, which ``assignment`` reads: ``conv1=e8m2;fc1=ax-fpm``."""
        return ";".join(f"{name}={m}" for name, m in self.layers)

    def __str__(self) -> str:
        return self.name

    def of_layer(self, layer: str) -> Multiplier:
        """Return the multiplier of a layer: that of the longest name that it is, or lies below.

        Raises
        ------
        InvalidInput
            If no name reaches it.
        """
        known, name = dict(self.layers), layer
        while name not in known:
            if not name:
                raise InvalidInput(
                    f"the assignment {self} has no multiplier for the layer {layer!r}; give every layer one"
                )
            name = name.rpartition(".")[0]
        return known[name]

    def require_layers(self, layers: Iterable[str]) -> None:
        """Raise unless each of a network's layers has a multiplier, and each name reaches one of them.

        Parameters
        ----------
        layers : iterable of str
            Names of all that multiply.

        Raises
        ------
        InvalidInput
            If a layer is left over on either side.
        """
        there = list(layers)
        for layer in there:
            self.of_layer(layer)
        for name in self:
            if not any(layer == name or layer.startswith(f"{name}.") or not name for layer in there):
                raise InvalidInput(
                    f"the assignment names {name!r}, and the network's layers are {', '.join(map(repr, there))}; "
                    "take an assignment that was made for this network"
                )

    def to_dict(self) -> dict[str, str]:
        """Return layers and names of multipliers, as they stand in a file."""
        return {name: str(m) for name, m in self.layers}


def assignment(given: Assignment | Mapping[str, str | Multiplier] | str | Path) -> Assignment:
    """Return the assignment that is given, as itself, a mapping, a file (with a number), or spelled out.

    Raises
    ------
    InvalidInput
        If a file cannot be read or holds none of that number, or several and no number is given; or a multiplier is
        unknown.
    InvalidType
        If it is nothing of the kind.
    """
    if isinstance(given, Assignment):
        return given
    if isinstance(given, Mapping):
        return Assignment.of(given)
    if not isinstance(given, str | Path):
        raise InvalidType(f"an assignment is a mapping, or a file's name, not {type(given).__name__}")
    text = str(given)
    if "=" in text and not expand(text).exists():
        pairs = [part.partition("=") for part in filter(None, text.split(";"))]
        broken = next((name for name, equals, m in pairs if not equals or not m), None)
        if broken is not None:
            raise InvalidInput(f"cannot read {broken!r} of an assignment; write layer=multiplier;layer=multiplier")
        if len({name for name, _, _ in pairs}) < len(pairs):
            raise InvalidInput(f"a layer comes twice in {text!r}; give each once")
        return Assignment.of({name.strip(): m.strip() for name, _, m in pairs})
    path, number = _split(text)
    found = read(path)
    if number is None and len(found) > 1:
        raise InvalidInput(f"{path} holds {len(found)} assignments; say which one, {path}:1 to {path}:{len(found)}")
    number = 1 if number is None else number
    if not 1 <= number <= len(found):
        raise InvalidInput(f"{path} has no assignment {number}; give a number from 1 to {len(found)}")
    return found[number - 1]


def _split(text: str) -> tuple[str, int | None]:
    path, colon, number = text.rpartition(":")
    return (
        (path, read_whole("the number of an assignment", number))
        if colon and path and number.isdigit()
        else (
            text,
            None,
        )
    )


def document(entries: Iterable[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """Return what a file holds, as plain JSON types.

    Parameters
    ----------
    entries : iterable of mapping
        Each with ``layers``, as ``Assignment.to_dict`` returns them, and whatever else is known of it.
    **more
        Of the file as a whole.
    """
    return {"format": FORMAT, "version": VERSION, **more, "assignments": [dict(entry) for entry in entries]}


def read_document(path: str | Path) -> dict[str, Any]:
    """Return what a file holds, checked: ``assignments`` are entries with ``layers``, names and names of multipliers.

    Raises
    ------
    InvalidInput
        If it cannot be read, is of another kind or version, or damaged.
    """
    try:
        plain = json.loads(expand(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}; {MAKE}") from None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise InvalidInput(f"{path} holds no assignments of layers; {MAKE}")
    if plain.get("version") != VERSION:
        raise InvalidInput(
            f"{path} is of version {plain.get('version')!r} and this axfpm reads version {VERSION}; search again, or "
            "use the axfpm that wrote it"
        )
    entries = plain.get("assignments")
    if not isinstance(entries, list) or not entries:
        raise InvalidInput(f"{path} has no list of assignments; {MAKE}")
    for number, entry in enumerate(entries, 1):
        layers = entry.get("layers") if isinstance(entry, dict) else None
        if not isinstance(layers, dict) or not layers or not all(isinstance(m, str) for m in layers.values()):
            raise InvalidInput(
                f"assignment {number} of {path} has no layers, names of layers with names of multipliers; {MAKE}"
            )
    return plain


def read(path: str | Path) -> tuple[Assignment, ...]:
    """Return the assignments of a file, in its order.

    Raises
    ------
    InvalidInput
        As ``read_document``, and if a multiplier is unknown.
    """
    found = []
    for number, entry in enumerate(read_document(path)["assignments"], 1):
        try:
            found.append(Assignment.of(entry["layers"]))
        except InvalidInput as error:
            raise InvalidInput(f"assignment {number} of {path}: {error}") from None
    return tuple(found)
