"""Parameters are checked before a component exists: Amaranth warns of components that are made and never used."""

from __future__ import annotations

from typing import Any

from amaranth.lib import wiring

from golden import catalogue
from golden.catalogue import Multiplier
from hdl.significand import check_hardware

__all__ = ["CheckedComponent", "check_multiplier"]


class CheckedComponent(wiring.Component):
    """A component whose class method ``check``, given the constructor's arguments, runs first and may raise."""

    def __new__(cls, *args: Any, src_loc_at: int = 0, **kwargs: Any) -> Any:
        """Check the arguments, then make the component."""
        cls.check(*args, **kwargs)
        here = src_loc_at + 1
        return super().__new__(cls, *args, src_loc_at=here, **kwargs)  # pyright: ignore[reportCallIssue] - the stubs lack it

    @classmethod
    def check(cls, *args: Any, **kwargs: Any) -> None:
        """Raise unless the arguments can be built."""


def check_multiplier(name: Multiplier | str, tree: str = "dadda") -> Multiplier:
    """Look up a multiplier that has hardware; raise as ``golden.catalogue.multiplier`` does, or if it has none.

    ``tree`` is the compressor tree that it is to be built with.
    """
    m = catalogue.multiplier(name)
    check_hardware(m.design, tree)
    return m
