"""The command ``axfpm``: subcommands loaded when used, and one rule for errors.

Exit code 0 on success, 1 when a check that was run failed, 2 on bad input or a missing tool, with one sentence.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from axfpm import __version__
from axfpm.health import PACKAGES
from golden.errors import AxfpmError

__all__ = ["main"]

COMMANDS = (
    "list",
    "multiply",
    "verilog",
    "vectors",
    "sim",
    "synth",
    "train",
    "evaluate",
    "bench",
    "report",
    "doctor",
)
"""In the order of the help text; each is ``axfpm.commands.NAME.command``."""

INTERRUPTED = 130

MODULES = {"sklearn": "scikit-learn", "cocotb_tools": "cocotb"}
"""Import names that differ from their package's."""


class Refusal(click.ClickException):
    """Bad input, said in one sentence."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence to standard error."""
        click.echo(f"axfpm: {self.format_message()}", err=True)


class LazyGroup(click.Group):
    """Imports a subcommand's module when the subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Subcommands in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        return import_module(f"axfpm.commands.{cmd_name}").command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; errors that a user can cause become one sentence and exit code 2."""
        try:
            return super().invoke(ctx)
        except AxfpmError as error:
            raise Refusal(str(error)) from error
        except ModuleNotFoundError as error:
            module = (error.name or "").partition(".")[0]
            package = MODULES.get(module, module)
            if package not in PACKAGES:
                raise
            need, remedy = PACKAGES[package]
            raise Refusal(f"the package {package} is not installed ({need}); get it with `{remedy}`") from error
        except KeyboardInterrupt:
            click.echo("axfpm: interrupted; finished parts are kept, and the same command goes on from there", err=True)
            raise SystemExit(INTERRUPTED) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="axfpm")
def main() -> None:
    """Approximate floating-point multipliers, from one definition to Verilog and a robustness verdict.

    Example: axfpm multiply 0.856 0.471 --multiplier ax-fpm
    """
