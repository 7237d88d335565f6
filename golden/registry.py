"""Names from outside: tables of named things that packages may add to, and one sentence for a name that is in none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from golden.errors import InvalidInput, InvalidType

__all__ = ["Registry", "add_entry", "check_choice", "did_you_mean", "split_names", "unknown"]

T = TypeVar("T")

_LOADING = threading.RLock()


class Registry(Mapping[str, T], Generic[T]):
    """Named things in the order they came: a mapping that cannot be assigned to; ``register`` adds to it.

    Parameters
    ----------
    kind : str
        What each of them is, in words: ``data set``.
    entries : mapping of str to T
        Those that are there from the start.
    of : type, optional
        Their class, where nothing else may be registered, and ``look_up`` returns one of them as it is.
    characters : str, optional
        What names may be made of beside letters and digits; without it any text is a name.
    reserved : callable, optional
        ``reserved(name)``: whether a name stands for a file, and so for no entry.
    plugins : str, optional
        Group of entry points of other packages. They are loaded when something is asked that the other entries do not
        answer, each alone, and come after them.
    said : str, optional
        How the sentence on a name that is not there begins; ``unknown KIND`` without it.
    more : str
        How to see all names, in brackets at the end of that sentence.
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, T],
        *,
        of: type[T] | None = None,
        characters: str | None = None,
        reserved: Callable[[str], bool] | None = None,
        plugins: str | None = None,
        said: str | None = None,
        more: str = "",
    ) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._of, self._characters, self._reserved = of, characters, reserved
        self._said, self._more = said or f"unknown {kind}", more
        self._group = plugins
        self._loaded: dict[str, str] | None = None  # None before plug-ins are looked for

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            self.plugins()
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        known = tuple(self._entries)
        yield from known
        self.plugins()
        yield from tuple(name for name in self._entries if name not in known)

    def __len__(self) -> int:
        self.plugins()
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or (bool(self.plugins()) and name in self._entries)

    def __repr__(self) -> str:
        return f"{dict(self)!r}"

    def look_up(self, name: str | T) -> T:
        """Return the entry of a name; an entry passes through where the registry knows its class.

        Raises
        ------
        InvalidInput
            If nothing has that name; near misses are listed.
        InvalidType
            If it is neither a name nor an entry, where the registry knows their class.
        """
        if self._of is not None and not isinstance(name, str):
            if not isinstance(name, self._of):
                given = type(name).__name__
                raise InvalidType(f"{_one(self.kind)} is a name or {_one(self._of.__name__)}, not {given}")
            return name
        return self._entries[check_choice(self._said, name, self, more=self._more)]

    def register(self, name: str, entry: T) -> T:
        """Add an entry under a new name, and return it; the same entry may come twice.

        Raises
        ------
        InvalidInput
            If another entry has that name, or it is not made of the registry's characters, or reserved.
        InvalidType
            If the entry is not of the registry's class.
        """
        if self._of is not None and not isinstance(entry, self._of):
            raise InvalidType(f"a registered {self.kind} is {_one(self._of.__name__)}, not {type(entry).__name__}")
        if not self._may_be(name):
            *others, last = ("letters", "digits", *map(repr, self._characters or ()))
            raise InvalidInput(f"{name!r} cannot name {_one(self.kind)}; use {', '.join(others)} and {last}")
        if self._reserved is not None and self._reserved(name):
            raise InvalidInput(f"{name!r} cannot name {_one(self.kind)}: it is the name of a file; choose another name")
        return add_entry(self._entries, self.kind, name, entry)

    def _may_be(self, name: object) -> bool:
        if not isinstance(name, str) or not name:
            return False
        return self._characters is None or all(c.isalnum() or c in self._characters for c in name)

    def plugins(self) -> Mapping[str, str]:
        """Entry points of the registry's group by name: what is wrong with each, empty where nothing is.

        They are loaded when first asked for, each alone; what one of them raises becomes a warning.
        """
        if self._group is None:
            return {}
        from golden.plugins import load_plugins, warn_of

        with _LOADING:
            if self._loaded is not None:
                return self._loaded
            self._loaded = {}  # a plug-in that looks in here sees no plug-ins
            try:
                self._loaded = load_plugins(self._group, self.register)
            except BaseException:
                self._loaded = None  # interrupted: looked for again
                raise
        warn_of(self._loaded)
        return self._loaded


def _one(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in tuple('aeiou') else 'a'} {kind}"


def add_entry(table: dict[str, T], kind: str, name: str, entry: T) -> T:
    """Add an entry under a name, and return it; the same entry may come twice.

    Raises
    ------
    InvalidInput
        If another entry has that name.
    """
    if table.get(name, entry) != entry:
        raise InvalidInput(f"another {kind} is already named {name!r}; choose another name")
    table[name] = entry
    return entry


def check_choice(said: str, name: Any, choices: Collection[str], *, more: str = "") -> str:
    """Return a name, or raise unless it is among ``choices``.

    Parameters
    ----------
    said : str
        How the sentence begins, before the name: ``unknown data set``, ``the block 'pe' has no parameter``.
    name : object
        What was given.
    choices : iterable of str
        Names that exist.
    more : str
        How to see them all, in brackets at the end.

    Raises
    ------
    InvalidInput
        If it is not: near misses, or all choices where it resembles none.
    """
    if not isinstance(name, str) or name not in choices:
        raise _no_such(said, name, choices, more)
    return name


def _no_such(said: str, name: object, choices: Iterable[str], more: str) -> InvalidInput:
    return InvalidInput(f"{said} {name!r}; {did_you_mean(name, choices)}{f' ({more})' if more else ''}")


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Up to three choices that ``name`` may be a slip of, as a question; all of them where it resembles none."""
    import difflib  # takes milliseconds, and most names are right

    choices, given = list(choices), str(name).lower()
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(given, lower, n=3, cutoff=0.7)]
    near = near or [choice for choice in choices if len(given) > 2 and choice.lower().startswith(given)][:3]
    return f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(choices)}"


def unknown(kind: str, name: object, choices: Iterable[str], *, more: str = "") -> InvalidInput:
    """The error for a name that is not among ``choices``, for a caller that must raise it itself."""
    return _no_such(f"unknown {kind}", name, choices, more)


def split_names(text: str) -> list[str]:
    """Names with settings of their own, out of a text with commas between names and between settings.

    What has ``=``, and no ``:`` before it, goes on with the name before it: ``a:x=1,y=2,b`` is ``a:x=1,y=2`` and ``b``.
    """
    names: list[str] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        if names and "=" in part.partition(":")[0]:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names
