"""Tables of the measured circuits say what their files say."""

import pytest

from axfpm.circuit_tables import CIRCUITS, circuit_readme_rows, circuit_tables, measured_circuits
from golden.errors import InvalidInput
from synth.energy.comparison import STRONGEST
from synth.energy.measured import Energy as Energies, Measured
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, Run, make_rows
from synth.energy.technologies import Technologies

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")


def run(pj):
    each = np.full(2, pj / 3)
    spent = Energies(each, each, each, 0.0, np.ones(2, int))
    return Run(1.0, 1.0, 12.0, Measured(spent, spent, (), 0.0, ""))


def result(library, ours):
    """Five netlists of each design, alike but for their operands, so that ratios are exact."""
    energies = {Design("exact", baseline=True): 10.0, STRONGEST: 8.0, Design("ax-fpm"): ours, Design("bf16"): 125.0}
    rows = make_rows([(design, [run(pj * k) for k in (0.8, 0.9, 1.0, 1.1, 1.2)]) for design, pj in energies.items()])
    return Energy("mac", 0, Conditions(library, "typical", "00", (), "clock 12 ns", "made up", 10, 5, 0, {}), rows)


def test_tables():
    found = Technologies((result("osu018_stdcells", 5.0), result("NangateOpenCellLibrary", 4.0)))
    text = circuit_tables({"mac": found})
    options = "--multiplier ax-fpm --multiplier bf16 --stimulus lenet5 --technologies -n 10 --variants 5"
    assert text.startswith(f"`axfpm energy mac {options}`, pJ an operation:")
    assert "| ax-fpm | 5 | 4 |\n| bf16 | 125 | 125 |\n" in text
    over, strongest = text.split("Over exact, ")[1].split("Over exact-trunc (booth tree), ")
    assert "|  | `osu018` | `nangate45` |\n" in over
    assert "| ax-fpm | 0.50 [0.50, 0.50] | 0.40 [0.40, 0.40] |" in over
    assert "| exact |" not in over
    assert "| exact | 1.25 [1.25, 1.25] | 1.25 [1.25, 1.25] |" in strongest
    predicted = "as predicted of multiplier and adder"
    assert f"- ax-fpm at most 0.62 of exact, {predicted}: holds; the interval stays below 0.62 on all 2 tech" in text
    assert f"- ax-fpm at most 0.62 of exact-trunc (booth tree), {predicted}: does not hold; the whole" in text
    assert "- `osu018`: osu018_stdcells, corner typical, clock 12 ns" in text
    assert circuit_tables({}) == ""


def test_the_row_of_readme():
    page = "| both on five technologies | half |\n| other | none |\n"
    both = Technologies((result("osu018_stdcells", 5.0), result("NangateOpenCellLibrary", 4.0)))
    text = circuit_readme_rows(page, {"mac": both})
    assert text.splitlines()[1].startswith(
        "| energy of an operation of multiplier and adder (`mac`) on 2 technologies | ax-fpm 0.40 to 0.50 of exact and "
        "0.50 to 0.62 of exact-trunc (booth tree); `bf16` 12.50 to 12.50 of exact | `axfpm energy mac --multiplier "
    )
    assert circuit_readme_rows(text, {"mac": both}) == text
    assert circuit_readme_rows(text, {}) == page
    with pytest.raises(InvalidInput, match="rows on circuits belong behind it"):
        circuit_readme_rows("nothing", {"mac": both})


def test_files_that_come_with_the_package():
    measured = measured_circuits()
    assert "mac" in measured
    for block, found in measured.items():
        assert block in CIRCUITS
        assert {each.block for each in found.results} == {block}
        assert {"exact", "exact-trunc (booth tree)", "ax-fpm"} <= set(found.names)
        assert len({each.conditions.stimulus for each in found.results}) == 1
