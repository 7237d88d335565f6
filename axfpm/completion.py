"""Names that a shell completes: of a table, looked up when the shell asks, and files where a file is a name too."""

from __future__ import annotations

import contextlib
import warnings
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = ["Name"]


class Name(click.ParamType):
    """A text that is taken as it is, and the names that it may begin.

    Parameters
    ----------
    table : str
        Where they stand, as ``module:attribute``; imported when a shell asks, and without what a missing package names.
    files : bool
        Whether a file is a name too; then the shell completes files where no name begins so.
    """

    name = "text"

    def __init__(self, table: str, *, files: bool = False) -> None:
        self.table, self.files = table, files

    def names(self) -> list[str]:
        """All names, in the order of their table; empty where a package that it needs is missing."""
        module, _, attribute = self.table.partition(":")
        with contextlib.suppress(ModuleNotFoundError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a plug-in that fails is no answer to a shell
            return list(getattr(import_module(module), attribute))
        return []

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin as the word does, or where there are none a request for files."""
        found: list[Any] = [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]
        return found or ([CompletionItem(incomplete, type="file")] if self.files else [])
