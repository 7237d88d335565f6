"""The command ``axfpm``: subcommands loaded when used, and one rule for errors.

Exit code 0 on success, 1 when a check that was run failed, 2 on bad input or a missing tool, with one sentence; after
an interrupt, a broken pipe or a polite kill what shells expect: 130, 141, 143.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from importlib import import_module
from typing import Any

import click

from axfpm import __version__
from axfpm.console import what_is_kept
from axfpm.health import PACKAGES
from golden.errors import AxfpmError, AxfpmWarning
from golden.registry import Registry, unknown
from golden.tables import printable

__all__ = ["main"]

_NAMES = (
    "list",
    "show",
    "draw",
    "multiply",
    "verilog",
    "vectors",
    "sim",
    "synth",
    "energy",
    "train",
    "evaluate",
    "audit",
    "search",
    "results",
    "bench",
    "report",
    "doctor",
)
COMMANDS = Registry("command", {name: f"axfpm.commands.{name}" for name in _NAMES}, more="`axfpm --help` shows all")
"""In the order of the help text, with the module that has it as ``command``."""

INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143

MODULES = {
    "art": "adversarial-robustness-toolbox",
    "cocotb_tools": "cocotb",
    "liberty": "liberty-parser",
    "sklearn": "scikit-learn",
    "vl_convert": "vl-convert-python",
}
"""Import names that differ from their package's."""


class Refusal(click.ClickException):
    """Bad input, said in one sentence."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence to standard error."""
        click.echo(f"axfpm: {printable(self.format_message())}", err=True)


class LazyGroup(click.Group):
    """Imports a subcommand's module when the subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Subcommands in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        return import_module(COMMANDS[cmd_name]).command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the subcommand; a name that is none gets near misses."""
        if not ctx.resilient_parsing:  # a shell asks what a line may go on with, which nothing is wrong with
            COMMANDS.look_up(args[0])
        return super().resolve_command(ctx, args)

    def main(self, args: Any = None, *rest: Any, **extra: Any) -> Any:
        """Run the command line; a polite kill ends it like an error, so that nothing half made is left."""
        alone = args is None and threading.current_thread() is threading.main_thread()
        if alone and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
        return super().main(args, *rest, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the subcommand."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _refusal(error, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; errors that a user can cause become one sentence and exit code 2."""
        stdout: Any = sys.stdout
        if hasattr(stdout, "reconfigure"):  # names of files may hold bytes that are no characters
            stdout.reconfigure(errors="backslashreplace")
        with warnings.catch_warnings():
            warnings.simplefilter("default", AxfpmWarning)
            warnings.showwarning = _show_warning(warnings.showwarning)
            try:
                return super().invoke(ctx)
            except AxfpmError as error:
                raise Refusal(str(error)) from error
            except click.UsageError as error:
                raise _refusal(error, ctx) from error
            except ModuleNotFoundError as error:
                module = (error.name or "").partition(".")[0]
                package = MODULES.get(module, module)
                if package not in PACKAGES:
                    raise
                need, remedy = PACKAGES[package]
                raise Refusal(f"the package {package} is not installed ({need}); get it with `{remedy}`") from error
            except BrokenPipeError:  # whoever read has had enough: nothing is said, and no check has failed
                with contextlib.suppress(OSError, ValueError, AttributeError):  # nor by Python's last flush
                    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise SystemExit(BROKEN_PIPE) from None
            except OSError as error:
                where = f"cannot use {error.filename}: " if error.filename else ""
                raise Refusal(f"{where}{error.strerror or error}; free or mend it and try again") from error
            except MemoryError as error:
                raise Refusal("memory does not suffice for this; ask for less at once") from error
            except KeyboardInterrupt:
                kept = what_is_kept(ctx)
                click.echo(f"axfpm: interrupted{'; ' if kept else ''}{kept}", err=True)
                raise SystemExit(INTERRUPTED) from None


def _refusal(error: click.UsageError, group: click.Context) -> click.ClickException:
    if type(error).__name__ == "NoArgsIsHelpError":  # `axfpm` alone shows its help
        return error
    asked = f"{group.command_path} {group.invoked_subcommand or ''}".rstrip()  # the parser names no context of its own
    path = error.ctx.command_path if error.ctx is not None else asked
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        # Short ones first: those of --help come in either order, by Click's version.
        params = error.ctx.command.get_params(error.ctx)
        choices = [option for p in params for option in sorted(p.opts, key=len) if option[:1] == "-"]
        return Refusal(str(unknown("option", error.option_name, choices, more=f"`{path} --help` shows all")))
    message = error.format_message().rstrip(".")
    return Refusal(f"{message[:1].lower()}{message[1:]} (`{path} --help` shows more)")


def _show_warning(otherwise: Any) -> Any:
    def show(message: Any, category: Any, *rest: Any, **named: Any) -> None:
        if issubclass(category, AxfpmWarning):
            click.echo(f"axfpm: warning: {printable(message)}", err=True)
        else:
            otherwise(message, category, *rest, **named)

    return show


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="axfpm")
def main() -> None:
    """Approximate floating-point multipliers, from one definition to Verilog and a robustness verdict.

    Example: axfpm multiply 0.856 0.471 --multiplier ax-fpm
    """
