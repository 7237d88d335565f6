"""Finished parts of an evaluation, kept on disk, so that an interrupted or repeated run computes only what is missing.

A part's key names everything that it depends on; the file's name is the key's hash. The key holds a digest of this
package's sources, so that no result outlives the code that made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import golden
from golden.cache import Cache
from golden.cnn.checkpoint import weights_digest
from golden.sources import is_ours, multiplier_key, sources_digest

__all__ = ["Store", "array_digest", "is_ours", "module_key", "multiplier_key", "sources"]


class Store:
    """Arrays by key, under the cache folder ``evaluation``; or nowhere.

    Parameters
    ----------
    enabled : bool
        Whether to keep anything.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.cache = Cache("evaluation") if enabled else None

    def _name(self, key: dict[str, Any]) -> str | None:
        # A part that depends on something without a name has None in its key: it cannot be recognised again.
        if None in key.values():
            return None
        content = json.dumps({**key, "sources": sources()}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def get(self, key: dict[str, Any], parts: Sequence[str]) -> dict[str, np.ndarray] | None:
        """Return kept arrays by name; None where one is missing or damaged."""
        name = self._name(key)
        if self.cache is None or name is None:
            return None
        found = {part: self.cache.get_array(f"{name}-{part}") for part in parts}
        whole = {part: array for part, array in found.items() if array is not None}
        return whole if len(whole) == len(found) else None

    def put(self, key: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Keep arrays by name, where the cache can be written."""
        name = self._name(key)
        if self.cache is not None and name is not None:
            for part, array in arrays.items():
                self.cache.put_array(f"{name}-{part}", array)


EXCLUDED = (
    "__init__.py",
    "add.py",
    "metrics.py",
    "progress.py",
    "reference.py",
    "templates.py",
    "cnn/__init__.py",
    "cnn/adversarial.py",
    "cnn/trained.py",
    "cnn/training.py",
    "cnn/training_settings.py",
    "cnn/training_state.py",
    "robustness/__init__.py",
    *(
        f"robustness/{name}.py"
        for name in (
            *("confidence", "equivalence", "evaluation", "hypotheses", "inputs", "intervals", "outcomes", "pipeline"),
            *(
                "backends",
                "board",
                "preset",
                "preset_cifar10",
                "presets",
                "primary_budgets",
                "records",
                "result_tables",
                "results",
                "row_types",
            ),
            *("recovery", "rows", "rule", "runs", "statistics", "subjects", "validation", "verdicts"),
        )
    ),
    *(f"speed/{name}.py" for name in ("__init__", "bounds", "running", "shapes")),
)
"""Files that order, read or describe finished parts, and compute none."""


@cache
def sources() -> str:
    """Digest of the sources of this package that results depend on."""
    return sources_digest(Path(golden.__file__).parent, lambda name: name.endswith(".py") and name not in EXCLUDED)


def array_digest(array: np.ndarray) -> str:
    """SHA-256 over dtype, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def module_key(module: nn.Module) -> dict[str, str]:
    """Identity of a model: its structure and parameters (to which its users add what it does with their images)."""
    return {
        "model": f"{type(module).__module__}.{module!r}",
        "weights": weights_digest(module),
        "torch": str(torch.__version__),
    }
