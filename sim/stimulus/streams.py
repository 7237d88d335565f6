"""Files of the systolic array's streams: what a testbench offers, and what must come out."""

from __future__ import annotations

from typing import Any

from golden.catalogue import Multiplier
from golden.checks import check_seed
from hdl.limits import check_shape
from sim.limits import check_vectors

__all__ = ["array_files"]


def array_files(
    m: Multiplier, *, rows: int, columns: int, vectors: int, seed: int
) -> tuple[dict[str, str], dict[str, Any]]:
    """Beats of every stream in hexadecimal, one a line, and what the templates say of them.

    Parameters
    ----------
    m : Multiplier
        Its words are FP32.
    rows, columns : int
        The array's shape.
    vectors : int
        Vectors of activations, over all tiles.
    seed : int
        Equal seeds give equal files.

    Returns
    -------
    texts : dict of str to str
        By the file's name.
    facts : dict of str to object
        ``rows``, ``columns`` and ``tiles``.

    Raises
    ------
    InvalidInput
        If a number is out of range, or the multiplier's words are not FP32.
    """
    from sim.array import array_job  # not above: it imports the stimulus of this package

    check_shape(rows, columns)
    check_vectors(vectors, rows=rows, columns=columns)
    check_seed(seed)
    job, corners = array_job(m, rows=rows, columns=columns, vectors=vectors, seed=seed, pace="always")
    texts = {}
    for name, stream in (job.sources | job.sinks).items():
        digits = -(-stream.bits // 4)
        numbers = (int.from_bytes(beat.tobytes(), "little") for beat in stream.beats)
        texts[f"array_{name}.hex"] = "".join(f"{number:0{digits}x}\n" for number in numbers)
    return texts, {"rows": rows, "columns": columns, "tiles": corners["tiles"]}
