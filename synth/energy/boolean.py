"""Boolean expressions of Liberty (``function``, ``when``, ``next_state``): as Verilog, and over arrays of states."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from golden.errors import InvalidInput

__all__ = ["evaluate", "names", "verilog"]


def verilog(expression: str, names: Callable[[str], str] = str) -> str:
    """Return a Liberty expression as Verilog; ``names`` says what each pin is called there.

    Raises
    ------
    InvalidInput
        If it is no Boolean expression of Liberty.
    """
    return _fold(
        _parse(expression),
        symbol=names,
        constant=lambda value: f"1'b{value:d}",
        invert=lambda value: f"(~{value})",
        join=lambda operator, values: "(" + f" {operator} ".join(values) + ")",
    )


def evaluate(expression: str, state: Callable[[str], np.ndarray]) -> Any:
    """Return the value of a Liberty expression, a bool array as ``state(pin)`` is, or one bool where it is constant.

    Raises
    ------
    InvalidInput
        If it is no Boolean expression of Liberty.
    """
    apply = {"&": np.logical_and, "|": np.logical_or, "^": np.logical_xor}
    return _fold(
        _parse(expression),
        symbol=state,
        constant=bool,
        invert=np.logical_not,
        join=lambda operator, values: functools.reduce(apply[operator], values),
    )


def names(expression: str) -> tuple[str, ...]:
    """Return the pins that an expression names, in alphabetical order.

    Raises
    ------
    InvalidInput
        If it is no Boolean expression of Liberty.
    """
    return tuple(sorted(str(symbol) for symbol in _parse(expression).free_symbols))


@functools.lru_cache(maxsize=4096)
def _parse(expression: str) -> Any:
    from liberty.boolean_functions import parse_boolean_function

    try:
        return parse_boolean_function(expression)
    except Exception as error:  # the parser's own exceptions share no class
        reason = str(error).split("\n")[0][:80]
        raise InvalidInput(f"{expression!r} is no Boolean expression of Liberty ({reason}); mend the library") from None


def _fold(node: Any, *, symbol: Any, constant: Any, invert: Any, join: Any) -> Any:
    from sympy import And, Not, Or, Symbol, Xor

    def fold(each: Any) -> Any:
        if isinstance(each, Symbol):
            return symbol(str(each))
        if isinstance(each, Not):
            return invert(fold(each.args[0]))
        for kind, operator in ((And, "&"), (Or, "|"), (Xor, "^")):
            if isinstance(each, kind):
                return join(operator, [fold(part) for part in sorted(each.args, key=str)])
        return constant(bool(each))

    return fold(node)
