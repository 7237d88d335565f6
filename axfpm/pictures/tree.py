"""The compressor tree of a multiplier by level, as the hardware's own generator builds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from axfpm.pictures.svg import COLOURS, Drawing
from golden.catalogue import Multiplier
from golden.errors import InvalidInput

if TYPE_CHECKING:
    from hdl.compressor import Adder, Heap, Level

__all__ = ["draw_tree", "levels_of"]

STEP = 9.0
"""Pixels between dots."""
LEFT, TOP, GAP = 24.0, 58.0, 26.0
Place = tuple[float, float]


def levels_of(m: Multiplier, tree: str = "dadda") -> tuple[list[Level], Heap]:
    """Build a multiplier's significand product; return the levels of its tree and the columns that they leave.

    Parameters
    ----------
    m : Multiplier
        Of rows, cells or block tables.
    tree : str
        ``dadda``, ``wallace``, ``four-two``; ``booth`` for an exact product, whose rows a Dadda tree adds.

    Raises
    ------
    InvalidInput
        If the multiplier or tree has no columns: a function, a circuit, ``plain``, ``operator``.
    """
    from amaranth.hdl import Fragment, Module, Signal

    from hdl.compressor import Level
    from hdl.significand import check_hardware, significand_product

    check_hardware(m.design, tree)
    scratch = Module()
    a, b = ([*Signal(m.precision - 1, name=name), 1] for name in "ab")
    path = significand_product(scratch, m.design, a, b, tree=tree)
    levels: list[Level] = []
    rows: Heap | None = None
    try:
        cut = next(path)
        while True:
            if isinstance(cut.built, Level):
                levels.append(cut.built)
            elif rows is None and isinstance(cut.state, dict):
                rows = cut.state
            cut = path.send(None if callable(cut.state) else cut.state)
    except StopIteration:
        Fragment.get(scratch, None)  # counts as its use: Amaranth warns of modules that are left lying about
    if levels:
        return levels, levels[-1].after
    if rows is None or tree == "plain":
        raise InvalidInput(
            f"{m} by {tree} has no columns of bits to draw; choose a multiplier of rows, cells or block tables, and "
            "one of the trees dadda, wallace, four-two and booth"
        )
    # Where no level is needed the columns are as they were made, with zeros that nobody adds.
    kept = {weight: [bit for bit in bits if not (isinstance(bit, int) and bit == 0)] for weight, bits in rows.items()}
    return [], {weight: bits for weight, bits in kept.items() if bits}


def draw_tree(m: Multiplier, tree: str = "dadda") -> Drawing:
    """Draw the columns before every level, an outline around the bits that an adder takes, and what is left.

    Colours say where a bit comes from: the sum of an adder of the level above, a carry, or neither.

    Raises
    ------
    InvalidInput
        As ``levels_of``.
    """
    levels, last = levels_of(m, tree)
    stages = [*((level.before, level.adders) for level in levels), (last, ())]
    heights = [max(map(len, heap.values())) for heap, _ in stages]
    top = max(max(heap) for heap, _ in stages)
    bits = [sum(map(len, heap.values())) for heap, _ in stages]
    adders = sum(len(level.adders) for level in levels)
    title = f"{m}: {bits[0]} bits in {len(levels)} levels of {_article(tree)} tree, {adders} adders"
    steps = ", ".join(
        f"{count} bits in columns of at most {height}" for count, height in zip(bits, heights, strict=True)
    )
    drawing = Drawing(
        max(2 * LEFT + STEP * top + 96, 420),
        TOP + sum(STEP * height + GAP for height in heights),
        title=title,
        description=f"Columns of bits before every level and behind the last one, the greatest weight on the left: "
        f"{steps}. An outline joins the bits that one adder takes; a final adder adds what is left.",
    )
    drawing.text(LEFT, 18, title, size=13, font_weight="bold")
    _legend(drawing)
    y = TOP
    origin: dict[int, int] = {}
    for index, ((heap, taken), height, count) in enumerate(zip(stages, heights, bits, strict=True)):
        name = f"level {index + 1}" if index < len(levels) else "what is left"
        drawing.text(LEFT + STEP * (top + 1) + 8, y + 4, name, size=10, font_weight="bold")
        drawing.text(LEFT + STEP * (top + 1) + 8, y + 17, f"{count} bits, {height} high", size=10)
        _stage(drawing, heap, taken, origin, y, top)
        origin = {id(adder.sum): 1 for adder in taken} | {id(bit): 2 for adder in taken for bit in adder.carries}
        y += STEP * height + GAP
    return drawing


def _article(tree: str) -> str:
    return {"dadda": "a Dadda", "wallace": "a Wallace", "four-two": "a 4:2"}.get(tree, "a Dadda")


def _legend(drawing: Drawing) -> None:
    x = LEFT
    for text, colour in (("a sum", COLOURS[0]), ("a carry", COLOURS[1]), ("as before", "currentColor")):
        drawing.points([(x + 3, 34)], colour=colour, size=7)
        drawing.text(x + 11, 38, text, size=10)
        x += 74


def _stage(drawing: Drawing, heap: Heap, adders: tuple[Adder, ...], origin: dict[int, int], y: float, top: int) -> None:
    """Draw columns; the bits that an adder takes stand together."""
    places: dict[int, list[Place]] = {0: [], 1: [], 2: []}
    outlines: list[tuple[Place, Place]] = []
    for weight, bits in heap.items():
        x = LEFT + STEP * (top - weight)
        row = 0
        for group in _groups(bits, [adder for adder in adders if adder.weight == weight]):
            for k, bit in enumerate(group):
                places[origin.get(id(bit), 0)].append((x, y + STEP * (row + k)))
            if len(group) > 1:
                outlines.append(((x, y + STEP * row), (x, y + STEP * (row + len(group) - 1))))
            row += len(group)
    data = "".join(f"M{x:g} {start:g}V{end:g}" for (x, start), (_, end) in outlines)
    if data:
        drawing.add("path", d=data, stroke="currentColor", stroke_width=7, stroke_linecap="round", stroke_opacity=0.2)
    for kind, colour in enumerate(("currentColor", COLOURS[0], COLOURS[1])):
        drawing.points(places[kind], colour=colour, size=5)


def _groups(bits: Sequence[object], adders: Sequence[Adder]) -> Iterator[Sequence[object]]:
    """The bits of a column: those of each adder together, then one by one what passes.

    An adder of a 4:2 tree also takes bits that arise in the same level, which do not stand in the column.
    """
    rest = list(bits)
    for adder in adders:
        group = []
        for wanted in adder.inputs:
            found = next((k for k, bit in enumerate(rest) if bit is wanted), None)
            if found is not None:
                group.append(rest.pop(found))
        if group:
            yield group
    yield from ([bit] for bit in rest)
