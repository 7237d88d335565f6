"""What is reached through an ``ApproximateModule``: whatever can be called enters its context when it is.

``reached`` turns what an attribute or a call gave into what the user gets. A submodule becomes a *view*, an object of a
subclass that shares the submodule's ``__dict__``: reads, writes, hooks and ``isinstance`` are the submodule's, and only
what runs it differs. Functions and methods become an ``Entering``, iterators take each step in the context.
"""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    ItemsView,
    Iterator,
    KeysView,
    ValuesView,
)
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import FunctionType, MappingProxyType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from golden.errors import InvalidInput

__all__ = ["Owner", "attribute", "own", "reached"]


class Owner(Protocol):
    """An ``ApproximateModule``, as what is reached through it sees it."""

    model: Any

    def entered(self) -> AbstractContextManager[None]:
        """Return the context, its names being those of the whole model."""
        ...


def attribute(owner: Owner, holder: Any, name: str) -> Any:
    """Return an attribute of the model or of something in it; one that is computed is computed in the context."""
    with owner.entered() if _computed(holder, name) else nullcontext():
        value = getattr(holder, name)
    return reached(owner, value)


def _computed(holder: Any, name: str) -> bool:
    """Return whether reading an attribute may run code of the model's: a property, say, or its own ``__getattr__``."""
    static = inspect.getattr_static(type(holder), name, None)
    if static is not None:
        return hasattr(type(static), "__get__") and not isinstance(static, (FunctionType, staticmethod, classmethod))
    return getattr(type(holder), "__getattr__", None) not in (None, nn.Module.__getattr__)


def reached(owner: Owner, value: Any) -> Any:
    """Return a value as it is reached through an ``ApproximateModule``.

    Raises
    ------
    InvalidInput
        If it would run later, when no context can be entered around its steps.
    """
    if isinstance(value, (Tensor, str, _View, Entering, _Steps)) or not _runs(value):
        return value
    if value is owner.model:
        return owner
    if isinstance(value, nn.Module) and not isinstance(value, torch.jit.ScriptModule):
        return _view(owner, value)
    if isinstance(value, (AsyncGenerator, AsyncIterator, Awaitable)):
        if isinstance(value, Coroutine):
            value.close()
        raise InvalidInput(
            f"a {type(value).__name__} would run after the context of the ApproximateModule has ended; enter "
            "axfpm.approximate where it runs, with the original model"
        )
    if isinstance(value, Iterator):
        return _Steps(owner, value)
    if isinstance(value, _MAPPINGS):
        return MappingProxyType({reached(owner, key): reached(owner, item) for key, item in value.items()})
    if isinstance(value, _SETS):
        return frozenset(reached(owner, item) for item in value)
    if isinstance(value, _SEQUENCES):
        make = getattr(value, "_make", tuple)  # a named tuple stays one
        return make(reached(owner, item) for item in value)
    return Entering(owner, value)


_MAPPINGS = (dict, MappingProxyType)
_SETS = (set, frozenset)
_SEQUENCES = (list, tuple, deque, KeysView, ValuesView, ItemsView)


def _runs(value: Any) -> bool:
    """Return whether a value, or one that it holds as a collection, can be called or stepped through."""
    if isinstance(value, _MAPPINGS) and any(_runs(pair) for pair in value.items()):
        return True
    if isinstance(value, (*_SETS, *_SEQUENCES)) and any(_runs(item) for item in value):
        return True
    if isinstance(value, type):
        return False
    return callable(value) or isinstance(value, (Iterator, AsyncIterator, Awaitable))


def own(value: Any) -> Any:
    """Return the model's own object behind a view, also within a list or tuple, for what goes into the model."""
    if isinstance(value, _View):
        return _real(value)
    if isinstance(value, Entering):
        return object.__getattribute__(value, "_target")
    if type(value) in (list, tuple):
        return type(value)(own(item) for item in value)
    return value


def _run(owner: Owner, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    args, kwargs = own(args), {name: own(value) for name, value in kwargs.items()}
    with owner.entered():
        result = function(*args, **kwargs)
    return reached(owner, result)


class Entering:
    """A callable of the model that enters the context when called, and is like the original otherwise."""

    __slots__ = ("__weakref__", "_owner", "_target")

    def __init__(self, owner: Owner, target: Callable[..., Any]) -> None:
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_target", target)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self._owner, self._target, args, kwargs)

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self._target

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - read-only
        return type(self._target)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            return getattr(self._target, name)
        return attribute(self._owner, self._target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target, name, own(value))

    def __eq__(self, other: object) -> bool:
        return self._target == own(other)

    def __hash__(self) -> int:
        return hash(self._target)

    def __repr__(self) -> str:
        return repr(self._target)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Entering, (self._owner, self._target)


class _Steps(Iterator):
    """An iterator whose every step runs in the context."""

    def __init__(self, owner: Owner, iterator: Iterator[Any]) -> None:
        self._owner, self._iterator = owner, iterator

    def __next__(self) -> Any:
        with self._owner.entered():
            item = next(self._iterator)
        return reached(self._owner, item)

    def __getattr__(self, name: str) -> Any:  # send, throw and close of a generator
        return reached(self._owner, getattr(self._iterator, name))


class _View:
    """What all views have; the class of a view also derives from that of its module."""

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep a view's class out of whatever the module's class does with its subclasses."""


_OWNER, _REAL = "_axfpm_owner", "_axfpm_real"
# nn.Module's own methods and state act on the shared __dict__, and return the view where they return the module.
_OF_EVERY_MODULE = (frozenset(dir(nn.Module)) | frozenset(vars(nn.Module()))) - {"forward"}
_OF_THE_VIEW = frozenset(dir(object)) | {
    *("__getattr__", "__setstate__", "__copy__", "__deepcopy__", "__del__", "__call__", "__weakref__"),
}


def _real(view: Any) -> nn.Module:
    return object.__getattribute__(view, _REAL)


def _view(owner: Owner, module: nn.Module) -> nn.Module:
    """Return a module of the model, or one made of its modules, as one that runs in the context."""
    view = object.__new__(_view_class(type(module)))
    for name, value in (("__dict__", module.__dict__), (_OWNER, owner), (_REAL, module)):
        object.__setattr__(view, name, value)
    return view


@lru_cache(maxsize=1024)
def _view_class(cls: type[nn.Module]) -> type[nn.Module]:
    def owner_of(view: Any) -> Owner:
        return object.__getattribute__(view, _OWNER)

    def make(_: type, *args: Any, **kwargs: Any) -> nn.Module:
        return cls(*args, **kwargs)  # type(self)(...) in a method makes a module of the original class

    def get(view: Any, name: str) -> Any:
        if name in _OF_EVERY_MODULE or name.startswith("__"):
            return object.__getattribute__(view, name)
        return attribute(owner_of(view), _real(view), name)

    def call(view: Any, *args: Any, **kwargs: Any) -> Any:
        return _run(owner_of(view), _real(view), args, kwargs)

    def special(name: str) -> Callable[..., Any]:
        def method(view: Any, *args: Any, **kwargs: Any) -> Any:
            return _run(owner_of(view), getattr(_real(view), name), args, kwargs)

        return method

    namespace: dict[str, Any] = {
        name: special(name)
        for name in dir(cls)
        if (name == "forward" or (name.startswith("__") and name not in _OF_THE_VIEW))
        and isinstance(getattr(cls, name), FunctionType)
    }
    namespace |= {
        "__slots__": (_OWNER, _REAL),
        "__doc__": cls.__doc__,
        "__module__": cls.__module__,
        "__class__": property(lambda view: type(_real(view))),
        "__new__": make,
        "__getattribute__": get,
        "__setattr__": lambda view, name, value: setattr(_real(view), name, own(value)),
        "__delattr__": lambda view, name: delattr(_real(view), name),
        "__call__": call,
        "_call_impl": call,
        "_wrapped_call_impl": call,
        "compile": lambda view, *args, **kwargs: _real(view).compile(*args, **kwargs),
        "get_submodule": lambda view, target: reached(owner_of(view), _real(view).get_submodule(target)),
        "add_module": lambda view, name, module: _real(view).add_module(name, own(module)),
        "register_module": lambda view, name, module: _real(view).register_module(name, own(module)),
        "set_submodule": lambda view, target, module, *rest, **names: _real(view).set_submodule(
            target, own(module), *rest, **names
        ),
        "__eq__": lambda view, other: _real(view) is own(other),
        "__hash__": lambda view: hash(_real(view)),
        "__copy__": lambda view: _view(owner_of(view), copy.copy(_real(view))),
        "__deepcopy__": lambda view, memo: _view(copy.deepcopy(owner_of(view), memo), copy.deepcopy(_real(view), memo)),
        "__reduce_ex__": lambda view, protocol: (_view, (owner_of(view), _real(view))),
        "__del__": lambda view: None,
    }
    metaclass: Any = type(cls)
    return metaclass(cls.__name__, (_View, cls), namespace)
