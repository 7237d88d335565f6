"""The section on energy: what it says of rows that can be checked in the head."""

import numpy as np
import pytest

from axfpm.report import energy as section
from axfpm.report.section import Scope
from synth.energy import technologies
from synth.energy.comparison import STRONGEST
from synth.energy.measured import Energy as Energies, Measured
from synth.energy.result import Conditions, Energy
from synth.energy.rows import Design, Run, make_rows
from synth.energy.technologies import Technologies

pytest.importorskip("scipy")
pytest.importorskip("altair")

CONDITIONS = Conditions("osu018_stdcells", "typical", "00", (), "clock 12 ns", "made-up operands", 10, 5, 0, {})


def run(energy):
    each = np.full(2, energy / 3)
    spent = Energies(each, each, each, 0.0, np.ones(2, int))
    return Run(100 * energy, energy, 12.0, Measured(spent, spent, (), 0.0, ""))


def result(library="osu018_stdcells", **energies):
    rows = make_rows(
        [
            (
                STRONGEST
                if name == "booth"
                else Design(name.replace("_", "-"), baseline=name in ("exact_trunc", "e8m2")),
                [run(e * k) for k in range(8, 13)],
            )
            for name, e in energies.items()
        ]
    )
    return Energy("multiplier", 0, Conditions(**{**vars(CONDITIONS), "library": library}), rows)


ERRORS = {"exact-trunc": 4e-8, "e8m1": 0.12, "e8m2": 0.06, "ax-fpm": 0.41, "bf16": 0.002}


def test_the_cheapest_narrow_one_that_errs_no_more_is_named():
    first = result(exact_trunc=4.0, e8m2=0.2, e8m1=0.1, bf16=0.5, ax_fpm=1.0)
    said = section.narrow_answer(Technologies((first,)), ERRORS)
    assert "of 1 fraction bit, e8m1, errs by 0.120 where ax-fpm errs by 0.410, and takes less energy" in said
    assert "1 pJ a product against 10 pJ on osu018_stdcells (0.100)." in said
    worse = {**ERRORS, "e8m1": 0.5}
    assert "of 2 fraction bits, e8m2, errs by 0.060" in section.narrow_answer(Technologies((first,)), worse)
    none = {**worse, "e8m2": 0.5, "bf16": 0.5}
    assert section.narrow_answer(Technologies((first,)), none).startswith("No narrow exact multiplier")


def test_the_answer_spans_technologies_and_can_be_no():
    both = Technologies(
        (
            result(exact_trunc=4.0, e8m2=2.0, ax_fpm=1.0),
            result("NangateOpenCellLibrary", exact_trunc=4.0, e8m2=0.5, ax_fpm=1.0),
        )
    )
    said = section.narrow_answer(both, ERRORS)
    assert "takes more energy: 20 pJ" in said
    assert "(2.000, 0.500 to 2.000 over 2 technologies)" in said


@pytest.mark.parametrize("full", [False, True])
def test_section(monkeypatch, tmp_path, full):
    asked = []
    own = result(exact_trunc=4.0, e8m2=0.2, booth=2.0, ax_fpm=1.0)

    def measure(**settings):
        asked.append(settings)
        return own

    monkeypatch.setattr("synth.energy.comparison.energy", measure)
    monkeypatch.setattr(technologies, "MEASURED", tmp_path)
    made = section.energy(Scope(full=full), lambda *step: None)
    assert asked[0]["stimulus"] == ("lenet5" if full else "lenet5-digits")
    assert asked[0].get("variants") == (None if full else 1)
    assert asked[0]["controls"] == (STRONGEST,)
    assert "ax-fpm takes 0.25 [0.25, 0.25] of the energy of exact-trunc" in made.paragraphs[0]
    assert "with Booth digits, which no approximate one can have, 0.50 [0.50, 0.50]." in made.paragraphs[0]
    assert "do not come with this version" in made.paragraphs[-1]
    assert len(made.figures) == 2
    assert made.data["technologies"] is None
    (tmp_path / "technologies.json").write_text(
        Technologies((own, result("NangateOpenCellLibrary", exact_trunc=4.0, e8m2=0.4, ax_fpm=2.0))).to_json()
    )
    made = section.energy(Scope(full=full), lambda *step: None)
    assert "Over 2 technologies the ratio to exact-trunc is 0.250 .. 0.500" in made.paragraphs[-1]
    assert [table.columns[0] for table in made.tables[1:]] == ["energy / exact-trunc", "energy / e8m2"]
    assert made.data["technologies"][0]["multiplier"] == "exact-trunc"
