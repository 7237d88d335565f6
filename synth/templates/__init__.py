"""Scripts of the flow as Jinja templates: mapping (Yosys), constraints (ABC), timing and power (OpenSTA)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Scripts, not HTML: what goes in is numbers and checked identifiers, and escaping would corrupt them.
    return Environment(loader=PackageLoader(__name__, ""), undefined=StrictUndefined, keep_trailing_newline=True)


def render(template: str, **values: Any) -> str:
    """Fill in one of this folder's templates; a value that is missing raises."""
    return _environment().get_template(template).render(values)
