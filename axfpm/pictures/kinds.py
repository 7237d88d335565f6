"""Pictures by name: what ``axfpm draw`` and the pages of the documentation ask for."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from golden.catalogue import Multiplier
from golden.errors import InvalidInput
from golden.registry import Registry

__all__ = ["PICTURES", "picture", "settings_of"]

Picture = Callable[..., str]


def _rows(m: Multiplier, *, alone: bool) -> str:
    from axfpm.pictures.rows import draw_rows

    return draw_rows(m).svg(alone=alone)


def _tree(m: Multiplier, *, alone: bool, tree: str = "dadda") -> str:
    from axfpm.pictures.tree import draw_tree

    return draw_tree(m, tree).svg(alone=alone)


def _histogram(m: Multiplier, *, alone: bool) -> str:
    from axfpm.pictures.errors import draw_histogram

    return draw_histogram(m, alone=alone)


def _errors(m: Multiplier, *, alone: bool) -> str:
    from axfpm.pictures.errors import draw_errors

    return draw_errors(m, alone=alone)


def _array(
    m: Multiplier, *, alone: bool, rows: int = 3, columns: int = 3, stages: int = 1, vectors: int = 5, seed: int = 0
) -> str:
    from axfpm.pictures.array import draw_array
    from axfpm.pictures.runs import run_array

    run = run_array(m, rows=rows, columns=columns, stages=stages, vectors=vectors, seed=seed)
    return draw_array(run, rows=rows, columns=columns, name=str(m)).svg(alone=alone)


def _schedule(
    m: Multiplier,
    *,
    alone: bool,
    shape: tuple[int, int, int] = (5, 4, 4),
    rows: int = 2,
    columns: int = 2,
    stages: int = 1,
    pace: str = "always",
    seed: int = 0,
) -> str:
    from axfpm.pictures.runs import run_engine
    from axfpm.pictures.schedule import draw_schedule

    run = run_engine(m, shape=shape, rows=rows, columns=columns, stages=stages, pace=pace, seed=seed)
    return draw_schedule(run, shape=shape, rows=rows, columns=columns, name=str(m)).svg(alone=alone)


def _waves(
    m: Multiplier, *, alone: bool, rows: int = 2, columns: int = 2, stages: int = 1, vectors: int = 4, seed: int = 0
) -> str:
    from axfpm.pictures.runs import run_array
    from axfpm.pictures.waves import wavejson

    run = run_array(m, rows=rows, columns=columns, stages=stages, vectors=vectors, seed=seed)
    return json.dumps(wavejson(run, title=f"{rows} x {columns} array of {m}: lowest word of each payload")) + "\n"


PICTURES: Registry[Picture] = Registry(
    "picture",
    {
        "rows": _rows,
        "tree": _tree,
        "histogram": _histogram,
        "errors": _errors,
        "array": _array,
        "schedule": _schedule,
        "waves": _waves,
    },
)
"""In the order of the data: of the significand product, of its errors, of the array and the engine in a run."""


def settings_of(kind: str) -> tuple[str, ...]:
    """What a picture can be told beside its multiplier.

    Raises
    ------
    InvalidInput
        If no picture has that name.
    """
    parameters = inspect.signature(PICTURES.look_up(kind)).parameters
    return tuple(name for name in parameters if name not in ("m", "alone"))


def picture(kind: str, m: Multiplier, *, alone: bool = True, **settings: Any) -> str:
    """Draw a picture of a multiplier, or of hardware with it.

    Parameters
    ----------
    kind : str
        A name in ``PICTURES``.
    m : Multiplier
        The multiplier.
    alone : bool
        For a file of its own, instead of a place inside a page.
    **settings
        Those of ``settings_of``.

    Returns
    -------
    str
        SVG; of ``waves`` WaveJSON.

    Raises
    ------
    InvalidInput
        If there is no such picture, it has not this setting, or the multiplier cannot be drawn so.
    MissingTool
        If Amaranth is needed and not installed.
    """
    known = settings_of(kind)
    for name in settings:
        if name not in known:
            some = f"it has {', '.join(known)}" if known else "leave it out, it has none"
            raise InvalidInput(f"the picture {kind!r} has no setting {name!r}; {some}")
    return PICTURES.look_up(kind)(m, alone=alone, **settings)
