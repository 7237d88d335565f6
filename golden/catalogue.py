"""The catalogue: one frozen ``Multiplier`` carries the meaning, and everything else takes one.

Names are ``base[:key=value[,key=value]...]``: a catalogue entry, then any of its traits dialled to another value, as in
``ax-fpm:block=2,carry=widen``. ``str(m)`` is canonical and ``multiplier(str(m)) == m``. The base may also name a file
(``my.py:spec``, ``mul.v``), which ``multiplier_files`` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from golden.cells import CELLS, EXACT, Cell
from golden.checks import read_whole
from golden.designs import MITCHELL, CellBlocks, Design
from golden.errors import InvalidInput
from golden.formats import FORMATS, FP32, Format
from golden.multiplier_files.names import file_part, is_file
from golden.registry import Registry, check_choice

__all__ = [
    "CARRY_POLICIES",
    "MULTIPLIERS",
    "Multiplier",
    "Origin",
    "distinct",
    "multiplier",
    "plugins",
    "register",
    "register_cell",
]

CARRY_POLICIES = ("halve", "widen", "wrap")
OPERAND_ROUNDINGS = ("truncate", "nearest")
PRODUCT_ROUNDINGS = ("truncate", "nearest", "exact")
NO_CARRY = "none"
DIAL_KEYS = ("format", "cell", "block", "carry", "operands", "product")


@dataclass(frozen=True)
class Origin:
    """The file that a multiplier was read from.

    Parameters
    ----------
    name : str
        The name it was given by, without a dial.
    entry : Multiplier
        What that name alone stands for.
    """

    name: str
    entry: Multiplier


@dataclass(frozen=True)
class Multiplier:
    """A floating-point multiplier: y = mul(a, b), a the activation and b the weight.

    Parameters
    ----------
    format : Format
        Precision of the operands' significands, and the word that carries operands and result.
    design : Design
        What multiplies the significands.
    carry : str
        What happens to bit 2p of the significand product: ``halve`` (normalised as if the top bit had weight 2^(2p-1)),
        ``widen`` (the true value) or ``wrap`` (dropped). ``none`` where the product never reaches it.
    operands : str
        How a word's fraction becomes the format's: ``truncate`` or ``nearest`` (ties to even). A format as wide as its
        word takes operands as they are, noted ``truncate``.
    product : str
        ``truncate`` or ``nearest`` (ties to even) to the format's precision, or ``exact``, kept in the word.
    origin : Origin, optional
        The file that it comes from, for its name only: multipliers are equal whatever it is.

    Raises
    ------
    InvalidInput
        If a trait is unknown, or the traits do not fit together.
    """

    format: Format
    design: Design
    carry: str = "halve"
    operands: str = "truncate"
    product: str = "truncate"
    origin: Origin | None = field(default=None, compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        check_choice("unknown operands", self.operands, OPERAND_ROUNDINGS)
        check_choice("unknown product", self.product, PRODUCT_ROUNDINGS)
        check_choice("unknown carry", self.carry, (*CARRY_POLICIES, NO_CARRY))
        self.design.check(self.format.precision)
        # Traits without effect take one spelling, so that equal multipliers compare equal.
        if not self.design.carries:
            object.__setattr__(self, "carry", NO_CARRY)
        elif self.carry == NO_CARRY:
            object.__setattr__(self, "carry", "halve")
        if self.format.dropped_bits == 0:
            object.__setattr__(self, "operands", "truncate")
        needed = 2 * self.format.precision + (self.carry in ("halve", "widen"))
        if self.product == "exact" and needed > self.format.word_fraction_bits + 1:
            raise InvalidInput(
                f"product=exact needs {needed} significand bits and a {self.format.name} word holds "
                f"{self.format.word_fraction_bits + 1}; choose product=truncate, product=nearest or a narrower format"
            )

    @property
    def cell(self) -> Cell | None:
        """The full adder cell, or None where the design is not made of cells."""
        return self.design.cell if isinstance(self.design, CellBlocks) else None

    @property
    def block(self) -> int | None:
        """The block width, or None where the design is not made of cells."""
        return self.design.block if isinstance(self.design, CellBlocks) else None

    @property
    def precision(self) -> int:
        """Significand bits p, the hidden bit included."""
        return self.format.precision

    def dial(self, **changes: Any) -> Multiplier:
        """Return this multiplier with some traits changed: keys and values as in a dial name.

        Raises
        ------
        InvalidInput
            If a key or value is unknown, or does not apply to this multiplier.
        InvalidType
            If a value is of another type than the trait.
        """
        for key in sorted(changes):
            check_choice("unknown dial key", key, DIAL_KEYS)
        traits: dict[str, Any] = {key: changes[key] for key in ("carry", "operands", "product") if key in changes}
        if "carry" in changes:
            check_choice("unknown carry", changes["carry"], CARRY_POLICIES)
        if "format" in changes:
            traits["format"] = FORMATS.look_up(changes["format"])
        if "cell" in changes or "block" in changes:
            if not isinstance(self.design, CellBlocks):
                raise InvalidInput(
                    f"{self.design.name!r} has no cells, so the keys cell and block do not apply to it; leave them out"
                )
            cell = CELLS.look_up(changes.get("cell", self.design.cell))
            traits["design"] = CellBlocks(cell, read_whole("block", changes.get("block", self.design.block)))
        return replace(self, **traits)

    def __str__(self) -> str:
        return _canonical_name(self)


def _blocks(cell: str, block: int) -> CellBlocks:
    return CellBlocks(CELLS[cell], block)


_EXACT = CellBlocks(EXACT, 1)
_BFLOAT16 = FORMATS["bfloat16"]

_OWN: dict[str, Multiplier] = {
    "exact": Multiplier(FP32, _EXACT, product="nearest"),
    "exact-trunc": Multiplier(FP32, _EXACT),
    "ax-fpm": Multiplier(FP32, _blocks("AMA5", 4)),
    "ax-fpm-widen": Multiplier(FP32, _blocks("AMA5", 4), carry="widen"),
    "ax-fpm-wrap": Multiplier(FP32, _blocks("AMA5", 4), carry="wrap"),
    "ax-array": Multiplier(FP32, _blocks("AMA5", 24)),
    "bf16": Multiplier(_BFLOAT16, _EXACT, operands="nearest", product="exact"),
    "bf16-trunc": Multiplier(_BFLOAT16, _EXACT),
    "ax-bf16": Multiplier(_BFLOAT16, _blocks("AMA5", 4)),
    **{f"e8m{m}": Multiplier(FORMATS[f"e8m{m}"], _EXACT, operands="nearest", product="exact") for m in range(1, 11)},
    "mitchell": Multiplier(FP32, MITCHELL),
}

MULTIPLIERS = Registry(
    "multiplier",
    _OWN,
    of=Multiplier,
    characters=".-_",
    reserved=is_file,
    plugins="axfpm.multipliers",
    more="`axfpm list` shows all",
)
"""Every named multiplier, read-only; ``register`` and plug-ins add to it."""


def plugins() -> Mapping[str, str]:
    """Entry points of the group ``axfpm.multipliers`` by name: what is wrong with each, empty where nothing is.

    They are loaded when first asked for, each alone; what one of them raises becomes a warning.
    """
    return MULTIPLIERS.plugins()


def multiplier(name: str | Multiplier) -> Multiplier:
    """Look up a multiplier by catalogue or dial name, or read it from a file; a ``Multiplier`` passes through.

    Parameters
    ----------
    name : str or Multiplier
        ``ax-fpm``, ``ax-fpm:block=2,carry=widen``, ``my.py:spec``, ``my.py:spec:carry=widen``, ``mul.v``,
        ``mul.v:TOP``, ``table.csv``, ``table.npy``, ``table.json``. A Python file is run.

    Raises
    ------
    InvalidInput
        (a ValueError) If the name is unknown or the dial does not parse; near misses are listed. If a file is missing,
        is not what its name says, or has changed since it was read.
    InvalidType
        (a TypeError) If ``name`` is neither a string nor a Multiplier.
    MissingTool
        If a circuit needs Yosys to be read, and it is not installed.
    """
    if not isinstance(name, str):
        return MULTIPLIERS.look_up(name)
    if file_part(name) is not None:
        from golden.multiplier_files.names import split
        from golden.multiplier_files.reading import read

        place = split(name)
        entry, colon, settings = read(place), place.settings, place.settings
    else:
        base, colon, settings = name.partition(":")
        entry = MULTIPLIERS.look_up(base)
    if not colon:
        return entry
    changes: dict[str, str] = {}
    for setting in settings.split(","):
        key, equals, value = setting.partition("=")
        if not equals or not value or key in changes:
            raise InvalidInput(f"cannot read {setting!r} in {name!r}; write base:key=value,key=value, each key once")
        changes[key] = value
    return entry.dial(**changes)


def distinct(multipliers: Iterable[Multiplier]) -> tuple[Multiplier, ...]:
    """Return each multiplier once, in order, for tables that know them by name.

    Raises
    ------
    InvalidInput
        If two different ones have the same name.
    """
    found = tuple(dict.fromkeys(multipliers))
    if len({str(m) for m in found}) < len(found):
        raise InvalidInput("two of these multipliers have the same name; give each one of its own with axfpm.register")
    return found


def _canonical_name(m: Multiplier) -> str:
    """Name a multiplier after the entry that needs the fewest dialled traits, the first one in catalogue order."""
    best: str | None = None
    fewest = len(DIAL_KEYS) + 1
    if m.origin is not None:
        changes = _differences(m.origin.entry, m)
        if changes is not None:
            return _dialled(m.origin.name, changes)
    for base, entry in MULTIPLIERS.items():
        if entry == m:
            return base
        changes = _differences(entry, m)
        if changes is not None and len(changes) < fewest:
            best, fewest = _dialled(base, changes), len(changes)
    return best or f"({m.format.name}, {m.design.name}, {m.carry}, {m.operands}, {m.product})"


def _dialled(base: str, changes: Mapping[str, str]) -> str:
    settings = ",".join(f"{key}={value}" for key, value in changes.items())
    return f"{base}:{settings}" if settings else base


def _differences(entry: Multiplier, m: Multiplier) -> dict[str, str] | None:
    """Dial settings that lead from ``entry`` to ``m``, or None where no dial does."""
    changes: dict[str, str] = {}
    if entry.format != m.format:
        changes["format"] = m.format.name
    if entry.design != m.design:
        if not isinstance(entry.design, CellBlocks) or not isinstance(m.design, CellBlocks):
            return None
        if entry.design.cell != m.design.cell:
            # The dial's name for that truth table, which the cell itself may spell differently.
            found = [name for name, cell in CELLS.items() if cell == m.design.cell]
            if not found:
                return None
            changes["cell"] = found[0]
        if entry.design.block != m.design.block:
            changes["block"] = str(m.design.block)
    for key in ("carry", "operands", "product"):
        # A trait without effect is implied by the others: setting it would be noise, and `none` cannot be dialled.
        effective = key != "carry" or m.carry != NO_CARRY
        if effective and getattr(entry, key) != getattr(m, key):
            changes[key] = getattr(m, key)
    for key in ("carry", "operands"):
        shorter = {k: v for k, v in changes.items() if k != key}
        if key in changes and _dials_to(entry, shorter, m):
            changes = shorter
    return changes if _dials_to(entry, changes, m) else None


def _dials_to(entry: Multiplier, changes: dict[str, str], m: Multiplier) -> bool:
    try:
        return entry.dial(**changes) == m
    except InvalidInput:
        return False


def register(name: str, entry: Multiplier) -> Multiplier:
    """Add a multiplier to the catalogue under a new name, and return it.

    Packages may instead declare an entry point in the group ``axfpm.multipliers`` that resolves to a Multiplier.

    Raises
    ------
    InvalidInput
        If the name is taken, that of a file, or not made of letters, digits, ``.``, ``-`` and ``_``.
    InvalidType
        If the entry is not a Multiplier.
    """
    # Its name from now on, whatever file it comes from.
    return MULTIPLIERS.register(name, replace(entry, origin=None) if isinstance(entry, Multiplier) else entry)


def register_cell(cell: Cell) -> Cell:
    """Make a cell available to the dial (``ax-fpm:cell=NAME``), and return it.

    Raises
    ------
    InvalidInput
        If another cell has that name, or it is not made of letters, digits, ``.``, ``-`` and ``_``.
    """
    return CELLS.register(cell.name, cell)
