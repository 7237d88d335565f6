"""What a shell that completes is answered, as click's own scripts ask."""

import os
import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from axfpm.cli import main
from axfpm.completion import Name
from golden.catalogue import MULTIPLIERS


def answers(*words):
    """What the last of some words of a command line goes on with."""
    *before, incomplete = words
    found = ShellComplete(main, {}, "axfpm", "_AXFPM_COMPLETE").get_completions(list(before), incomplete)
    return [(item.type, item.value) for item in found]


def names(*words):
    found = answers(*words)
    assert {kind for kind, _ in found} <= {"plain"}
    return [value for _, value in found]


def test_multipliers():
    assert names("show", "") == list(MULTIPLIERS)
    assert names("multiply", "1", "1", "--multiplier", "ax-fpm-") == ["ax-fpm-widen", "ax-fpm-wrap"]
    for command in ("verilog", "vectors", "sim", "synth", "energy", "evaluate", "audit", "bench", "draw"):
        assert names(command, "--multiplier", "mit") == ["mitchell"]
    assert names("evaluate", "--subject", "mit") == ["mitchell"]


def test_a_multiplier_may_be_a_file():
    assert answers("show", "./my") == [("file", "./my")]
    assert answers("results", "--board", "b") == [("file", "b")]
    assert answers("evaluate", "--layers", "fr") == [("file", "fr")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("ener",), ["energy"]),
        (("verilog", "arr"), ["array"]),
        (("vectors", ""), ["multiplier", "adder", "array"]),
        (("sim", "si"), ["significand"]),
        (("synth", "p"), ["pe"]),
        (("energy", "mul"), ["multiplier"]),
        (("sim", "--simulator", ""), ["icarus", "verilator"]),
        (("synth", "--library", "s"), ["sky130hd", "sg13g2"]),
        (("energy", "--library", "n"), ["nangate45"]),
        (("synth", "--target", "e"), ["ecp5"]),
        (("train", "--data", "m"), ["mnist"]),
        (("train", "--gradient", "s"), ["straight-through", "scaled"]),
        (("train", "--multiplier", "mit"), ["mitchell"]),
        (("audit", "--data", "c"), ["cifar10"]),
        (("search", "--candidates", "mit"), ["mitchell"]),
        (("search", "--strategy", ""), ["nsga2", "greedy", "random", "exhaustive"]),
        (("search", "--library", "n"), ["nangate45"]),
        (("verilog", "--dep"), ["--depth"]),
        (("draw", "tr"), ["tree"]),
        (("draw", "tree", "--tree", "w"), ["wallace"]),
        (("draw", "schedule", "--pace", "h"), ["half"]),
        (("no-command", "--li"), []),
        (("verilog", "-o", "absent/x.v", "--multiplier", "e8m10"), ["e8m10"]),
    ],
)
def test_names_of_tables(words, expected):
    assert names(*words) == expected


def test_what_a_missing_package_names_is_left_out():
    parameter = click.Option(["--x"])
    assert Name("axfpm_absent:TABLE").shell_complete(click.Context(main), parameter, "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell):
    environment = os.environ | {"_AXFPM_COMPLETE": f"{shell}_source"}
    code = "import sys; sys.argv[0] = 'axfpm'; from axfpm.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert f"_AXFPM_COMPLETE={shell}_complete" in done.stdout
