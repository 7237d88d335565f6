"""Parameters are checked before a component exists: Amaranth warns of components that are made and never used."""

from __future__ import annotations

from typing import Any

from amaranth.lib import wiring

from golden import catalogue
from golden.catalogue import Multiplier
from golden.errors import InvalidInput, InvalidType
from hdl.pipeline import check_stages
from hdl.significand import check_hardware

__all__ = ["CheckedComponent", "check_adder_stages", "check_count", "check_multiplier"]


class CheckedComponent(wiring.Component):
    """A component whose class method ``check``, given the constructor's arguments, runs first and may raise."""

    def __new__(cls, *args: Any, src_loc_at: int = 0, **kwargs: Any) -> Any:
        """Check the arguments, then make the component."""
        cls.check(*args, **kwargs)
        return super().__new__(cls, *args, src_loc_at=src_loc_at + 1, **kwargs)

    @classmethod
    def check(cls, *args: Any, **kwargs: Any) -> None:
        """Raise unless the arguments can be built."""


def check_count(name: str, value: int, least: int = 1) -> int:
    """Return ``value``, or raise unless it is a whole number of at least ``least``.

    Raises
    ------
    InvalidInput
        If it is too small.
    InvalidType
        If it is not an integer.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidType(f"{name} is a whole number, not {type(value).__name__}")
    if value < least:
        raise InvalidInput(f"{name}={value} is too small; give at least {least}")
    return value


def check_multiplier(name: Multiplier | str) -> Multiplier:
    """Look up a multiplier that has hardware; raise as ``golden.catalogue.multiplier`` does, or if it has none."""
    m = catalogue.multiplier(name)
    check_hardware(m.design)
    return m


def check_adder_stages(stages: int, adder_stages: int | None) -> int:
    """Return the registers of an adder inside a processing element: by default those of the multiplier, at least 1."""
    check_stages(stages)
    return max(stages, 1) if adder_stages is None else check_count("adder_stages", adder_stages)
