"""The engine's schedule in a run: in which cycle each beat passes, outside and at the array inside."""

from __future__ import annotations

from dataclasses import dataclass

from axfpm.pictures.svg import COLOURS, Drawing
from sim.observed import Run

__all__ = ["Lane", "draw_schedule", "lanes_of"]

LEFT, TOP, LANE = 176.0, 64.0, 24.0
WIDTH = 560.0
"""Pixels of all cycles, where they are not too few for it."""


@dataclass(frozen=True)
class Lane:
    """The beats of one stream: the cycle of each, and the K tile and N tile that it belongs to."""

    name: str
    beats: tuple[tuple[int, int, int], ...]


def lanes_of(run: Run, shape: tuple[int, int, int], rows: int, columns: int) -> list[Lane]:
    """The streams of a run of ``run_engine``, in the order of the data.

    Parameters
    ----------
    run : Run
        Of one product.
    shape : tuple of int
        M, K, N of the product.
    rows, columns : int
        The engine's array.
    """
    size_m, k, n = shape
    across, n_tiles = -(-k // rows), -(-n // columns)
    # Loops as hdl.engine has them: for each K tile, for each N tile, for each row of A.
    vectors = [(i, j) for i in range(across) for j in range(n_tiles) for _ in range(size_m)]
    last = [(across - 1, j) for j in range(n_tiles) for _ in range(size_m)]
    places = {
        "command": ("command", [(0, 0)]),
        "weights": ("weights", [(i, j) for i in range(across) for j in range(n_tiles) for _ in range(rows)]),
        "biases": ("biases", [(0, j) for j in range(n_tiles)]),
        "activations": ("activations", [(i, 0) for i in range(across) for _ in range(size_m)]),
        "array_activations": ("vectors into the array", vectors),
        "array_results": ("sums out of it", vectors),
        "results": ("results", last),
    }
    return [
        Lane(name, tuple((cycle, *tile) for cycle, tile in zip(run.passes(stream), tiles, strict=True)))
        for stream, (name, tiles) in places.items()
    ]


def draw_schedule(run: Run, *, shape: tuple[int, int, int], rows: int, columns: int, name: str) -> Drawing:
    """Draw a lane for each stream, a mark for each beat.

    Parameters
    ----------
    run, shape, rows, columns
        As for ``lanes_of``.
    name : str
        What the engine is of.
    """
    lanes = lanes_of(run, shape, rows, columns)
    size_m, k, n = shape
    (busy, stalled, _) = (int(word) for word in run.seen().recorded[0])
    end = max(cycle for lane in lanes for cycle, _, _ in lane.beats)
    step = max(min(WIDTH / (end + 1), 16), 3)
    utilisation = size_m * k * n / (rows * columns * busy)
    title = f"{rows} x {columns} engine of {name}: ({size_m} x {k}) ({k} x {n}) in {busy} cycles"
    beats = "; ".join(
        f"{lane.name}: {len(lane.beats)} from {lane.beats[0][0]} to {lane.beats[-1][0]}" for lane in lanes
    )
    drawing = Drawing(
        LEFT + step * (end + 1) + 20,
        TOP + LANE * len(lanes) + 40,
        title=title,
        description=f"Beats by cycle. {beats}. In {stalled} of the cycles no vector enters the array; "
        f"{utilisation:.0%} of its products are used.",
    )
    drawing.text(16, 18, title, size=13, font_weight="bold")
    note = f"{stalled} cycles without a vector, utilisation {utilisation:.0%}"
    drawing.text(16, 36, f"{note}; a colour for each K tile, fainter in odd N tiles", size=10)
    for index, lane in enumerate(lanes):
        y = TOP + LANE * index
        drawing.text(16, y + 13, lane.name, size=11)
        drawing.add(
            "path", d=f"M{LEFT:g} {y + LANE - 3:g}h{step * (end + 1):g}", stroke="currentColor", stroke_opacity=0.2
        )
        for tile in sorted({beat[1:] for beat in lane.beats}):
            cycles = [cycle for cycle, *place in lane.beats if tuple(place) == tile]
            data = "".join(f"M{LEFT + step * cycle + step / 2:.2f} {y:g}v{LANE - 7:g}" for cycle in cycles)
            colour = COLOURS[tile[0] % len(COLOURS)]
            drawing.add(
                "path", d=data, stroke=colour, stroke_width=0.8 * step, stroke_opacity=0.55 if tile[1] % 2 else 1
            )
    _axis(drawing, end, step, TOP + LANE * len(lanes) + 14)
    return drawing


def _axis(drawing: Drawing, end: int, step: float, y: float) -> None:
    """Label cycles, at least 40 pixels apart."""
    every = next(n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if n * step >= 40)
    for cycle in range(0, end + 1, every):
        drawing.text(LEFT + step * (cycle + 0.5), y, str(cycle), size=10, text_anchor="middle")
    drawing.text(LEFT, y + 16, "cycle", size=10)
