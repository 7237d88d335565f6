"""The exceptions a user can cause, each carrying one sentence: what was wrong and what to do."""

__all__ = ["AxfpmError", "AxfpmWarning", "InvalidInput", "InvalidType", "MissingTool"]


class AxfpmError(Exception):
    """Base of every error that a user can cause; the command line prints it and exits with code 2."""


class InvalidInput(AxfpmError, ValueError):
    """A value that cannot be used: an unknown name, a wrong shape, a corrupt file."""


class InvalidType(AxfpmError, TypeError):
    """An operand of a type or dtype that has no defined meaning here."""


class MissingTool(AxfpmError, RuntimeError):
    """A program or package that this operation needs is not installed."""


class AxfpmWarning(UserWarning):
    """Something that was worked around, in one sentence; the command line prints it to standard error."""
