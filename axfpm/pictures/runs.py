"""Short runs of the array and the engine to be drawn: the components themselves, held against the golden model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from golden.catalogue import Multiplier
from golden.checks import check_count, check_seed
from golden.errors import AxfpmError, InvalidInput
from golden.registry import check_choice
from sim.limits import check_simulated
from sim.observed import Run, observe
from sim.streams import PACES, StreamJob, judge

__all__ = ["LARGEST", "MOST_VECTORS", "run_array", "run_engine"]

LARGEST = 8
"""Most rows and columns of an array that is drawn."""
MOST_VECTORS = 64
"""Most vectors that enter it."""


def run_array(
    m: Multiplier, *, rows: int = 3, columns: int = 3, stages: int = 1, vectors: int = 6, seed: int = 0
) -> Run:
    """Run tiles of as many vectors as the array has rows, offered and taken in every cycle.

    Watched of each element, as ``pe_R_C``: ``a_valid``, ``p_valid`` and ``w_load``.

    Parameters
    ----------
    m : Multiplier
        Of 32-bit words, with hardware.
    rows, columns, stages : int
        The array.
    vectors : int
        Vectors of activations in all.
    seed : int
        Decides the operands.

    Raises
    ------
    InvalidInput
        If the multiplier has no hardware or other words, or a number is out of range.
    MissingTool
        If Amaranth is not installed.
    AxfpmError
        If a result differs from the golden model's.
    """
    from sim.array import array_job

    _check(m, rows, columns, stages, seed)
    check_count("vectors", vectors, 1, MOST_VECTORS)
    job, _ = array_job(m, rows=rows, columns=columns, vectors=vectors, seed=seed, pace="always", length=rows)
    from hdl.array import SystolicArray

    class Opened(SystolicArray):
        """The array, and its elements by name."""

        def elaborate(self, platform: object) -> Any:
            module: Any = super().elaborate(platform)
            self.parts = {
                f"pe_{r}_{c}": getattr(module.submodules, f"pe_{r}_{c}") for r in range(rows) for c in range(columns)
            }
            return module

    array = Opened(m, rows=rows, columns=columns, stages=stages)
    ports = ("a_valid", "p_valid", "w_load")
    return _checked(
        array, job, lambda: {f"{name}_{port}": getattr(e, port) for name, e in array.parts.items() for port in ports}
    )


def run_engine(
    m: Multiplier,
    *,
    shape: tuple[int, int, int] = (5, 4, 4),
    rows: int = 2,
    columns: int = 2,
    stages: int = 1,
    pace: str = "always",
    seed: int = 0,
) -> Run:
    """Run one product on the engine.

    Watched beside its ports: the streams of the array inside, ``array_activations`` and ``array_results``, by valid and
    ready.

    Parameters
    ----------
    m : Multiplier
        Of 32-bit words, with hardware.
    shape : tuple of int
        M, K, N of the product.
    rows, columns, stages : int
        The engine's array.
    pace : str
        How often its streams move, a name in ``sim.streams.PACES``.
    seed : int
        Decides the operands and the pace.

    Raises
    ------
    InvalidInput
        As ``run_array``, or if the product needs more than ``MOST_VECTORS`` vectors.
    MissingTool
        If Amaranth is not installed.
    AxfpmError
        If a result differs from the golden model's.
    """
    from sim.array import matrix_words
    from sim.engine import command_of, engine_job
    from sim.stimulus.stimulus import stream_of

    _check(m, rows, columns, stages, seed)
    check_choice("unknown pace", pace, PACES)
    for name, size in zip("MKN", shape, strict=True):
        check_count(name, size, 1, 1024)
    size_m, k, n = shape
    vectors = size_m * -(-k // rows) * -(-n // columns)
    if vectors > MOST_VECTORS:
        raise InvalidInput(f"{vectors} vectors of activations are more than the {MOST_VECTORS} that a picture shows; "
                           "choose smaller sizes or a larger array")  # fmt: skip
    rng = stream_of(seed, "picture")
    a, w, bias = (matrix_words(m, size, "like a network's", rng).view("f4") for size in ((size_m, k), (k, n), (n,)))
    job = engine_job([command_of(m, a, w, bias)], rows=rows, columns=columns, seed=seed, pace=pace)
    from hdl.engine import MatrixEngine

    class Opened(MatrixEngine):
        """The engine, and the array inside."""

        def elaborate(self, platform: object) -> Any:
            module: Any = super().elaborate(platform)
            self.array = module.submodules.array
            return module

    engine = Opened(m, rows=rows, columns=columns, stages=stages)
    inside = ("activations", "results")
    return _checked(
        engine,
        job,
        lambda: {
            f"array_{s}__{part}": getattr(getattr(engine.array, s), part) for s in inside for part in ("valid", "ready")
        },
    )


def _check(m: Multiplier, rows: int, columns: int, stages: int, seed: int) -> None:
    if m.format.word_bits != 32:
        raise InvalidInput(f"{m} works on {m.format.word_bits}-bit words, and runs are drawn of 32-bit words alone; "
                           "choose a format of 8 exponent bits")  # fmt: skip
    check_count("rows", rows, 1, LARGEST, "which a picture can show")
    check_count("columns", columns, 1, LARGEST, "which a picture can show")
    check_simulated(rows, columns, stages)
    check_seed(seed)


def _checked(component: Any, job: StreamJob, watch: Callable[[], dict[str, Any]]) -> Run:
    run = observe(component, job, watch)
    comparison = judge(job, run.seen())
    if comparison.failures or not comparison.checks:
        raise AxfpmError(f"a run to be drawn differs from the golden model: {comparison.mismatches[:1]}")
    return run
