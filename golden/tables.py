"""Text that is shown as it is: nothing that comes from outside is markup, an emoji or a control character."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["plain_console", "printable"]


def plain_console(**settings: Any) -> Console:
    """A rich console that takes brackets, colons and numbers as text; settings as for ``rich.console.Console``."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:  # rich would end the process with 1
            raise BrokenPipeError

    return Plain(markup=False, emoji=False, highlight=False, **settings)


def printable(text: object) -> str:
    """Text on one line whose control characters, and bytes that are no characters, are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
