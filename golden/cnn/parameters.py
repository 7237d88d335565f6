"""Parameters in files, ours and others': safetensors, or what ``torch.save`` writes; only tensors, never code."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from golden.errors import InvalidInput
from golden.plugins import reason

__all__ = ["put", "read"]

SHOWN = 3
"""Names of parameters that an error lists."""


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors by name, and a safetensors file's metadata.

    Raises
    ------
    InvalidInput
        If the file cannot be read, is of neither kind, or holds anything but tensors.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
        if start[8:] == b"{":  # the header's length in eight bytes, then the header, in JSON
            with safe_open(path, framework="pt") as content:
                tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 (not a mapping)
                return tensors, content.metadata() or {}
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror or error}); make it readable") from None
    except (SafetensorError, ValueError) as error:
        raise InvalidInput(f"{path} is not a readable safetensors file ({error}); train or copy it again") from None
    if not start.startswith((b"PK\x03\x04", b"\x80")):
        raise InvalidInput(f"{path} is no checkpoint: neither a safetensors file nor one of torch; give another file")
    return _read_torch(path), {}


def _read_torch(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise whatever they lead to
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code:
            raise InvalidInput(
                f"{path} holds more than tensors, and to load it would run {code[1]}, code that is not trusted; save "
                "the model's state_dict() alone"
            ) from None
        raise InvalidInput(f"{path} is not a readable file of torch ({reason(error)}); copy it again") from None
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} holds a {type(content).__name__}, not a state_dict; save model.state_dict()")
    others = [key for key, value in content.items() if not isinstance(key, str) or not isinstance(value, torch.Tensor)]
    if others:
        raise InvalidInput(f"{path} holds {_names(others)} beside tensors; save the model's state_dict() alone")
    return dict(content)


def put(tensors: dict[str, torch.Tensor], module: nn.Module, path: Path, model: str) -> None:
    """Set a module's parameters and buffers, all of them, to the tensors of a file.

    Raises
    ------
    InvalidInput
        If a name, shape or dtype differs, or a number is NaN or infinite.
    """
    expected = module.state_dict()
    problems = (
        ("it lacks {}", [key for key in expected if key not in tensors]),
        ("the model has no {}", [key for key in tensors if key not in expected]),
    )
    found = [sentence.format(_names(keys)) for sentence, keys in problems if keys]
    for key in [] if found else expected:
        ours, theirs = expected[key], tensors[key]
        if ours.shape != theirs.shape:
            found.append(f"the shape of {key!r} is {tuple(theirs.shape)}, not {tuple(ours.shape)}")
        elif ours.dtype != theirs.dtype:
            found.append(f"{key!r} is {theirs.dtype}, not {ours.dtype}")
    if found:
        more = " and more" if len(found) > SHOWN else ""
        raise InvalidInput(f"{path} does not fit model {model!r}: {', '.join(found[:SHOWN])}{more}; give another")
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InvalidInput(f"{path} has NaN or infinity in {key!r}; train or copy it again")
    module.load_state_dict(tensors)


def _names(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{', '.join(repr(key) for key in keys[:SHOWN])}{more}"
