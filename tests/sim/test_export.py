import subprocess

import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.reference import multiply_word
from hdl.verilog import generate
from sim.export import write_vectors


def simulate(folder):
    """Run the commands of the README, but for the generation."""
    command = (folder / "README.txt").read_text().splitlines()[1].split(": ", 1)[1]
    compile_and_run = " && ".join(command.split(" && ")[1:])
    return subprocess.run(compile_and_run, shell=True, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("stages", [0, 1, 3])
def test_passes_on_the_design_and_fails_on_a_mutant(icarus, tmp_path, stages):
    write_vectors("multiplier", multiplier="ax-bf16", n=300, seed=1, stages=stages, out=tmp_path)
    (tmp_path / "multiplier.v").write_text(generate("multiplier", multiplier="ax-bf16", stages=stages))
    good = simulate(tmp_path)
    assert good.returncode == 0, good.stderr
    assert "PASS: 300 checks, 0 failures" in good.stdout
    (tmp_path / "multiplier.v").write_text(generate("multiplier", multiplier="ax-bf16:carry=widen", stages=stages))
    bad = simulate(tmp_path)
    assert bad.returncode != 0
    assert "FAIL: 300 checks, " in bad.stdout
    assert "PASS" not in bad.stdout


def test_vectors_of_the_adder(icarus, tmp_path):
    write_vectors("adder", n=400, stages=2, out=tmp_path)
    text = generate("adder", stages=2)
    (tmp_path / "adder.v").write_text(text)
    assert "PASS: 400 checks, 0 failures" in simulate(tmp_path).stdout
    (tmp_path / "adder.v").write_text(text.replace("assign sticky =", "assign sticky = 1'h0 &"))
    assert "FAIL: 400 checks, " in simulate(tmp_path).stdout


@pytest.mark.parametrize(("rows", "columns", "stages", "adder_stages"), [(2, 2, 0, None), (3, 2, 1, 2)])
def test_vectors_of_the_array(icarus, tmp_path, rows, columns, stages, adder_stages):
    shape = {"rows": rows, "columns": columns}
    write_vectors("array", multiplier="exact:format=e8m2", n=60, seed=3, stages=stages, **shape, out=tmp_path)

    def outcome(multiplier, old="", new=""):
        text = generate("array", multiplier=multiplier, stages=stages, adder_stages=adder_stages, **shape)
        assert old in text
        (tmp_path / "array.v").write_text(text.replace(old, new) if old else text)
        return simulate(tmp_path)

    good = outcome("exact:format=e8m2")
    assert good.returncode == 0, good.stdout + good.stderr
    assert f"PASS: {2 * 60 * (columns + 1)} checks, 0 failures" in good.stdout
    mutants = {
        "another multiplier": outcome("ax-fpm:format=e8m2,block=3"),
        "refused results are lost": outcome("exact:format=e8m2", "| results__ready;", "| 1'h1;"),
    }
    for name, bad in mutants.items():
        assert bad.returncode != 0, name
        assert "FAIL: " in bad.stdout, name
        assert "PASS" not in bad.stdout, name


def test_undefined_results_fail(icarus, tmp_path):
    write_vectors("multiplier", multiplier="ax-bf16", n=10, out=tmp_path)
    (tmp_path / "multiplier.v").write_text(
        "module multiplier(input [31:0] a, input [31:0] b, output [31:0] y); endmodule\n"
    )
    assert "FAIL: 10 checks, 10 failures" in simulate(tmp_path).stdout


def test_words_are_the_golden_products(tmp_path):
    files = write_vectors("multiplier", multiplier="ax-fpm:format=toy", n=200, out=tmp_path / "new" / "folder")
    a, b, y = ([int(line, 16) for line in path.read_text().splitlines()] for path in files[:3])
    m = multiplier("ax-fpm:format=toy")
    assert len(y) == 200
    assert [multiply_word(*pair, m) for pair in zip(a, b, strict=True)] == y
    assert {len(line) for line in files[2].read_text().splitlines()} == {2}


def test_equal_seeds_give_equal_files(tmp_path):
    first, again, other = (
        [path.read_bytes() for path in write_vectors(n=50, seed=seed, out=tmp_path / str(k))]
        for k, seed in enumerate((1, 1, 2))
    )
    assert first == again != other


BAD = [
    ({"block": "engine"}, "no vectors for block 'engine'; choose from multiplier, adder, array"),
    ({"multiplier": "nothing-like-it"}, "unknown multiplier 'nothing-like-it'"),
    ({"n": 0}, "vectors=0 is too small; give at least 1"),
    ({"seed": -1}, "seed=-1 is too small; give at least 0"),
    ({"stages": -2}, "stages=-2 is negative"),
    ({"rows": 2}, "the block 'multiplier' has no parameter 'rows'"),
    ({"block": "array", "rows": 0}, "rows=0 is too small"),
    ({"block": "array", "columns": -1}, "columns=-1 is too small"),
    ({"block": "array", "n": 0}, "vectors=0 is too small"),
    ({"block": "array", "seed": -1}, "seed=-1 is too small; give at least 0"),
    ({"block": "array", "multiplier": "exact:format=toy"}, "toy"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input(tmp_path, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        write_vectors(**{"out": tmp_path / "out", **arguments})
    assert not (tmp_path / "out").exists()


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=r"cannot write to .*; choose another folder"):
        write_vectors(n=5, out=tmp_path / "file" / "below")
