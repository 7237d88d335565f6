"""The state of an unfinished training, in a file beside the checkpoint to be: written whole, read if it is ours."""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from golden.cache import MAGIC, pack, unpack
from golden.errors import AxfpmWarning, InvalidInput
from golden.files import replace_file

__all__ = ["read_state", "write_state"]

KIND = "training"
PARTS = {"asked", "done", "module", "optimiser", "schedule"}


def write_state(state_file: Path, state: dict[str, Any]) -> None:
    """Keep a state: what was asked for, the epochs done, and what module, optimiser and schedule are like by then.

    Warns
    -----
    AxfpmWarning
        If it cannot be written; the training goes on.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    try:
        replace_file(state_file, pack(KIND, "", buffer.getvalue()))
    except OSError as error:
        warnings.warn(
            AxfpmWarning(f"cannot write {state_file} ({error.strerror}): if this run is interrupted, it starts afresh"),
            stacklevel=2,
        )


def read_state(state_file: Path | None, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Return what was kept of the training that is asked for; None where nothing was, or it is damaged.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is something else, or the state of another training, which would be lost.

    Warns
    -----
    AxfpmWarning
        If it is damaged.
    """
    if state_file is None or not state_file.exists():
        return None
    try:
        entry = state_file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {state_file} ({error.strerror}); delete or move it") from None
    if not entry.startswith(MAGIC):
        raise InvalidInput(f"{state_file} is not the state of an interrupted training; delete or move it")
    content = unpack(KIND, "", entry)
    try:
        state = None if content is None else torch.load(io.BytesIO(content), weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile):
        state = None  # written by another version of torch
    if not isinstance(state, dict) or state.keys() != PARTS:
        warnings.warn(AxfpmWarning(f"{state_file} is damaged: training starts afresh"), stacklevel=2)
        return None
    differing = [name for name in {**asked, **state["asked"]} if asked.get(name) != state["asked"].get(name)]
    if differing:
        there, here = (_shown(each.get(differing[0])) for each in (state["asked"], asked))
        raise InvalidInput(
            f"{state_file} keeps another training, interrupted after {state['done']} of "
            f"{state['asked'].get('epochs')} epochs ({differing[0]} {there}, not {here}); finish that by its own "
            "command, or delete or move it"
        )
    return state


def _shown(value: Any) -> str:
    """A setting in a few words; a digest by its first digits."""
    text = "none" if value in (None, "") else str(value)
    return text[:12] if len(text) == 64 else text
