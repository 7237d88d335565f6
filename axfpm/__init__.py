"""The front door: the names users import, the command ``axfpm``, and the end-to-end report.

Names are imported when first used, so that ``import axfpm`` is instant whatever is installed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from axfpm.rooms import shadowing

if TYPE_CHECKING:
    from axfpm.layer_search.result import SearchResult
    from axfpm.layer_search.run import search
    from golden.assignments import Assignment, assignment
    from golden.catalogue import MULTIPLIERS, Multiplier, multiplier, register, register_cell
    from golden.cells import CELLS, Cell
    from golden.designs import CellBlocks, Function, Masks, TableBlocks, table_of
    from golden.errors import AxfpmError, AxfpmWarning, InvalidInput, InvalidType, MissingTool
    from golden.formats import FORMATS, Format
    from golden.metrics import ErrorReport, error
    from golden.multiply import multiply
    from golden.pytorch import (
        ApproximateModule,
        GradientMaskingWarning,
        approximate,
        calibrate,
        coverage,
        surrogate,
        temperature,
    )
    from golden.robustness.audit import Audit, audit
    from golden.robustness.evaluation import evaluate
    from golden.robustness.results import Results
    from golden.sums import conv2d, matmul
    from synth.energy.comparison import energy
    from synth.energy.inference.comparison import inference_energy
    from synth.energy.inference.result import InferenceEnergy
    from synth.energy.result import Energy

__version__ = "0.1.0"

_HOMES = {
    "axfpm.layer_search.result": ("SearchResult",),
    "axfpm.layer_search.run": ("search",),
    "golden.assignments": ("Assignment", "assignment"),
    "golden.catalogue": ("MULTIPLIERS", "Multiplier", "multiplier", "register", "register_cell"),
    "golden.cells": ("CELLS", "Cell"),
    "golden.designs": ("CellBlocks", "Function", "Masks", "TableBlocks", "table_of"),
    "golden.pytorch": (
        "ApproximateModule",
        "GradientMaskingWarning",
        "approximate",
        "calibrate",
        "coverage",
        "surrogate",
        "temperature",
    ),
    "golden.errors": ("AxfpmError", "AxfpmWarning", "InvalidInput", "InvalidType", "MissingTool"),
    "golden.formats": ("FORMATS", "Format"),
    "golden.metrics": ("ErrorReport", "error"),
    "golden.multiply": ("multiply",),
    "golden.robustness.audit": ("Audit", "audit"),
    "golden.robustness.evaluation": ("evaluate",),
    "golden.robustness.results": ("Results",),
    "golden.sums": ("conv2d", "matmul"),
    "synth.energy.comparison": ("energy",),
    "synth.energy.inference.comparison": ("inference_energy",),
    "synth.energy.inference.result": ("InferenceEnergy",),
    "synth.energy.result": ("Energy",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 - by room, not by alphabet
    "MULTIPLIERS",
    "Multiplier",
    "multiplier",
    "register",
    "register_cell",
    "CELLS",
    "Cell",
    "CellBlocks",
    "Function",
    "Masks",
    "TableBlocks",
    "table_of",
    "FORMATS",
    "Format",
    "multiply",
    "matmul",
    "conv2d",
    "error",
    "ErrorReport",
    "approximate",
    "ApproximateModule",
    "coverage",
    "surrogate",
    "temperature",
    "calibrate",
    "GradientMaskingWarning",
    "evaluate",
    "Results",
    "audit",
    "Audit",
    "Assignment",
    "assignment",
    "search",
    "SearchResult",
    "energy",
    "Energy",
    "inference_energy",
    "InferenceEnergy",
    "AxfpmError",
    "AxfpmWarning",
    "InvalidInput",
    "InvalidType",
    "MissingTool",
]


def _is_command() -> bool:
    """Whether this import is the start of ``axfpm`` or ``python -m axfpm``."""
    if sys.argv[:1] == ["-m"]:  # until the module is found
        return "axfpm" in sys.orig_argv[: sys.orig_argv.index("-m") + 2] if "-m" in sys.orig_argv else False
    return sys.argv[0].replace("\\", "/").rpartition("/")[2].partition(".")[0] == "axfpm" if sys.argv else False


_shadowing = shadowing()
if _shadowing:
    if _is_command():
        sys.stderr.write(f"axfpm: {_shadowing}\n")
        raise SystemExit(2)
    raise ImportError(_shadowing)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'axfpm' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
