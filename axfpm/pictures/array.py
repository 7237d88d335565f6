"""The systolic array in a run, a step for each cycle: where each vector's activations and sums are."""

from __future__ import annotations

from dataclasses import dataclass

from axfpm.pictures.svg import COLOURS, Drawing
from sim.observed import Run

__all__ = ["Step", "draw_array", "steps_of"]

CELL, GAP = 26.0, 5.0
"""Pixels of an element, and between elements."""
WIDTH = 680.0
"""Pixels that steps side by side may take."""
TOP = 74.0


@dataclass(frozen=True)
class Step:
    """One cycle of an array.

    Parameters
    ----------
    cycle : int
        From the end of reset.
    activations, sums : dict of (int, int) to int
        Vector whose activation, whose sum, an element takes, by row and column.
    loads : frozenset of (int, int)
        Elements that take a weight of the next tile.
    result : int or None
        Vector whose results leave.
    """

    cycle: int
    activations: dict[tuple[int, int], int]
    sums: dict[tuple[int, int], int]
    loads: frozenset[tuple[int, int]]
    result: int | None


def steps_of(run: Run, rows: int, columns: int) -> list[Step]:
    """What happens in each cycle, from the first weight to the last result.

    Vectors pass every element in their order, so that the n-th activation that an element takes is that of vector n.
    """
    elements = [(r, c) for r in range(rows) for c in range(columns)]
    seen = {(what, e): 0 for what in ("a", "p") for e in elements}
    results = {cycle: vector for vector, cycle in enumerate(run.passes("results"))}
    first, last = run.passes("weights")[0], max(results)
    steps = []
    for cycle in range(run.cycles):
        found: dict[str, dict[tuple[int, int], int]] = {"a": {}, "p": {}}
        for what, r, c in ((what, *e) for what in found for e in elements):
            if run.levels[f"pe_{r}_{c}_{what}_valid"][cycle]:
                found[what][r, c] = seen[what, (r, c)]
                seen[what, (r, c)] += 1
        loads = frozenset((r, c) for r, c in elements if run.levels[f"pe_{r}_{c}_w_load"][cycle])
        steps.append(Step(cycle, found["a"], found["p"], loads, results.get(cycle)))
    return steps[first : last + 1]


def draw_array(run: Run, *, rows: int, columns: int, name: str) -> Drawing:
    """Draw every cycle of a run of ``run_array`` as a small array.

    Parameters
    ----------
    run : Run
        Of an array of this shape.
    rows, columns : int
        Its shape.
    name : str
        What the array is of.
    """
    steps = steps_of(run, rows, columns)
    wide, high = columns * (CELL + GAP) + 22, rows * (CELL + GAP) + 44
    beside = max(int(WIDTH // wide), 1)
    entered, left = run.passes("activations"), run.passes("results")
    title = f"{rows} x {columns} array of {name}: {len(entered)} vectors in {len(steps)} cycles"
    drawing = Drawing(
        max(beside * wide + 24, 420),
        TOP + -(-len(steps) // beside) * high,
        title=title,
        description=f"A step for each cycle. Activations enter rows from the left, each row later than the one above, "
        f"and move one element to the right in every cycle; sums follow them downwards. The first vector enters in "
        f"cycle {entered[0]}, its results leave in cycle {left[0]}, the last ones in cycle {left[-1]}.",
    )
    drawing.text(16, 18, title, size=13, font_weight="bold")
    _legend(drawing)
    for index, step in enumerate(steps):
        x, y = 16 + index % beside * wide, TOP + index // beside * high
        drawing.text(x, y + 10, f"cycle {step.cycle}", size=10)
        for r, c in ((r, c) for r in range(rows) for c in range(columns)):
            _element(drawing, step, (r, c), x + c * (CELL + GAP), y + 17 + r * (CELL + GAP))
        if step.result is not None:
            below = y + 17 + rows * (CELL + GAP)
            drawing.add("path", d=f"M{x:g} {below + 1:g}h{columns * (CELL + GAP) - GAP:g}", stroke=_colour(step.result),
                        stroke_width=4)  # fmt: skip
            drawing.text(x, below + 15, f"results of {step.result}", size=9)
    return drawing


def _colour(vector: int) -> str:
    return COLOURS[vector % len(COLOURS)]


def _box(drawing: Drawing, x: float, y: float, vector: int | None) -> None:
    colour, opacity = ("currentColor", 0) if vector is None else (_colour(vector), 0.3)
    stroke = {
        "stroke": colour,
        "stroke_width": 1 if vector is None else 2,
        "stroke_opacity": 0.4 if vector is None else 1,
    }
    drawing.add("rect", x=x, y=y, width=CELL, height=CELL, rx=3, fill=colour, fill_opacity=opacity, **stroke)


def _element(drawing: Drawing, step: Step, place: tuple[int, int], x: float, y: float) -> None:
    vector, partial = step.activations.get(place), step.sums.get(place)
    _box(drawing, x, y, vector)
    if vector is not None:
        drawing.text(x + 5, y + 12, str(vector), size=10)
    if partial is not None:
        drawing.points([(x + CELL - 7, y + CELL - 7)], colour=_colour(partial), size=8)
    if place in step.loads:
        drawing.text(x + CELL - 11, y + 11, "w", size=9)


def _legend(drawing: Drawing) -> None:
    y = 30.0
    _box(drawing, 16, y, 0)
    drawing.text(21, y + 12, "0", size=10)
    drawing.text(48, y + 17, "an activation of vector 0", size=10)
    drawing.points([(196, y + 13)], colour=_colour(0), size=8)
    drawing.text(206, y + 17, "a sum of vector 0", size=10)
    drawing.text(306, y + 17, "w   a weight of the next tile", size=10)
