"""``axfpm draw``."""

import json

import pytest
from click.testing import CliRunner

from axfpm.cli import main
from axfpm.commands.draw import command
from axfpm.pictures.kinds import PICTURES, settings_of

pytest.importorskip("amaranth")


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["draw", *map(str, arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


def test_to_standard_output_a_file_and_json(tmp_path):
    text = run("rows", "--multiplier", "bf16")
    assert text.startswith("<svg ")
    out = tmp_path / "rows.svg"
    assert run("rows", "--multiplier", "bf16", "-o", out) == f"wrote {out}\n"
    assert out.read_text() == text
    made = json.loads(run("rows", "--multiplier", "bf16", "--json"))
    assert made == {"picture": "rows", "multiplier": "bf16", "file": None, "text": text}
    made = json.loads(run("tree", "--multiplier", "bf16", "--tree", "wallace", "-o", tmp_path / "t.svg", "--json"))
    assert made == {"picture": "tree", "multiplier": "bf16", "tree": "wallace", "file": str(tmp_path / "t.svg")}


def test_sizes_reach_the_run():
    text = run("schedule", "--multiplier", "e8m1", "--shape", 2, 1, 1, "--rows", 1, "--columns", 1, "--pace", "half")
    assert "1 x 1 engine of e8m1: (2 x 1) (1 x 1) in" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("flowers",), "axfpm: unknown picture 'flowers'"),
        (("rows", "--seed", "1"), "axfpm: the picture 'rows' has no setting 'seed'; leave it out, it has none"),
        (("rows", "--multiplier", "mitchell"), "axfpm: mitchell has no partial products to draw"),
        (("rows", "-o", "/dev/null/x.svg"), "axfpm: cannot write /dev/null/x.svg"),
        (("array", "--rows", "100"), "axfpm: rows=100 is too large; give at most 8"),
    ],
)
def test_refusals_are_one_sentence(arguments, sentence):
    shown = run(*arguments, code=2)
    assert shown.startswith(sentence)
    assert shown.count("\n") == 1


def test_every_setting_has_an_option_and_every_picture_a_word_in_the_help():
    options = {option.name for option in command.params}
    assert options >= {name for kind in PICTURES for name in settings_of(kind)}
    shown = run("--help")
    assert ", ".join(PICTURES) in " ".join(shown.split())
