"""Models in code of others, by import path: ``package.module:name``, a class or a function without arguments."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import nn

from golden.errors import InvalidInput
from golden.plugins import reason
from golden.registry import did_you_mean

__all__ = ["find_factory", "guard", "is_import_path"]


MISSING = object()


def is_import_path(name: object) -> bool:
    """Whether a model's name says where it is imported from; names of registered ones have no colon."""
    return isinstance(name, str) and ":" in name


def find_factory(path: str) -> Callable[[], nn.Module]:
    """What makes the model that an import path names.

    Modules are found as Python finds them, and in the current folder where nothing else has the name. They are
    imported, which runs their code.

    Parameters
    ----------
    path : str
        ``package.module:name``; the name may have dots too.

    Returns
    -------
    callable
        ``factory() -> torch.nn.Module``.

    Raises
    ------
    InvalidInput
        If there is no such module or name, importing fails, or it is nothing that can be called; and from the factory
        where the call raises, or gives no ``torch.nn.Module``.
    """
    where, _, name = path.partition(":")
    if not all(part.isidentifier() for part in (*where.split("."), *name.split("."))):
        raise InvalidInput(f"{path!r} is no import path of a model; write package.module:name")
    found: Any = _imported(path, where)
    for part in name.split("."):
        with guard(f"{path!r} cannot be looked up"):
            here = {other for other in dir(found) if other[:1] != "_"}
            inner = getattr(found, part, MISSING)
        if inner is MISSING:
            hint = did_you_mean(part, sorted(here)) if here else "it is empty"
            raise InvalidInput(f"there is no {part!r} in {where!r}; {hint}")
        where, found = f"{where}.{part}", inner
    if isinstance(found, nn.Module) or not callable(found):
        what = "a model that is built already" if isinstance(found, nn.Module) else f"a {type(found).__name__}"
        raise InvalidInput(f"{path!r} is {what}; give a class, or a function that returns a torch.nn.Module")

    def factory() -> nn.Module:
        with guard(f"{path!r} raises an error when it is called without arguments"):
            module = found()
        if not isinstance(module, nn.Module):
            raise InvalidInput(f"{path!r} returns a {type(module).__name__}, not a torch.nn.Module; mend it")
        return module

    return factory


def _imported(path: str, where: str) -> Any:
    top = where.partition(".")[0]
    with guard(f"the module of {path!r} cannot be looked for"):
        elsewhere = top in sys.modules or importlib.util.find_spec(top) is not None
    if not elsewhere and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # stays: the module may import its neighbours later, and in other processes
        importlib.invalidate_caches()
    with guard(f"the module of {path!r} cannot be imported"):
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{where}.".startswith(f"{error.name}."):
                raise  # the module is there; what it needs is not
    raise InvalidInput(f"there is no module {where!r}; correct the name, or install it or go to the folder that has it")


@contextlib.contextmanager
def guard(what: str) -> Iterator[None]:
    """Code of others: what it prints goes to standard error, and whatever it raises becomes one sentence.

    Raises
    ------
    InvalidInput
        If anything but a keyboard interrupt is raised inside.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is the command's result
            yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it may raise or exit as it likes
        raise InvalidInput(f"{what} ({reason(error)}); mend it") from error
