import copy
import json

import jsonschema
import pytest
from click.testing import CliRunner

from axfpm.cli import main
from axfpm.report import build as builder
from axfpm.report.build import build
from axfpm.report.section import Figure, Picture, Section, Table
from axfpm.report.sections import CHAPTERS, SECTIONS, TITLES
from golden.errors import InvalidInput, MissingTool

PICTURES = {"clean": [Picture("7: 7", "a seven", b"png")]}


def section(_scope, progress):
    progress(1, 2, "half")
    table = Table("conditions", ("name", "value"), [("x", 0.5), ("<b>", 2)])
    figure = Figure("drawn", "a figure", pictures=PICTURES)
    return Section("arithmetic", "First", ["It holds."], "axfpm list", [table], [figure], {"v": 1})


def absent(_scope, _progress):
    raise MissingTool("no simulator was found; install one")


@pytest.fixture
def alone(monkeypatch):
    """Sections that are drawn up from files say nothing."""
    monkeypatch.setattr(builder, "catalogue", lambda sections, seed: Section("catalogue", "All", not_run="a test"))
    monkeypatch.setattr(builder, "front", lambda: Section("front", "Front", not_run="a test"))


@pytest.fixture
def short(monkeypatch, alone):
    failing = Section("synthesis", "Third", failed="3 results differ")
    parts = {"arithmetic": section, "simulation": absent, "synthesis": lambda scope, progress: failing}
    monkeypatch.setattr(builder, "SECTIONS", parts)


@pytest.mark.usefixtures("short")
def test_page_and_json(tmp_path):
    seen = []
    sections = build(tmp_path / "r", progress=lambda *step: seen.append(step))
    assert [s.key for s in sections] == ["claims", "catalogue", "arithmetic", "simulation", "synthesis", "front"]
    assert [s.state for s in sections[2:5]] == ["done", "not run", "failed"]
    assert (50, 300, "arithmetic, half") in seen
    page = (tmp_path / "r" / "index.html").read_text()
    assert "<strong>not run:</strong> no simulator was found; install one" in page
    assert "<strong>failed:</strong> 3 results differ" in page
    assert 'alt="a seven"' in page
    assert "&lt;b&gt;" in page
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["sections"]["arithmetic"]["v"] == 1
    assert report["sections"]["simulation"]["not_run"]


@pytest.mark.usefixtures("short")
def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot write to"):
        build(tmp_path / "file" / "r")


def test_every_section_has_a_title_and_a_chapter():
    assert SECTIONS.keys() == TITLES.keys()
    together = {"claims", "catalogue", "front"}
    assert [key for keys in CHAPTERS.values() for key in keys if key not in together] == list(SECTIONS)
    assert together < {key for keys in CHAPTERS.values() for key in keys}


def schema():
    result = CliRunner().invoke(main, ["report", "--schema"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_the_schema_holds_for_a_report(tmp_path, monkeypatch, drawn, attacked):
    monkeypatch.setattr(
        builder, "SECTIONS", {"arithmetic": lambda scope, progress: drawn, "verdict": lambda scope, progress: attacked}
    )
    build(tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["schema"] == builder.SCHEMA
    assert {"catalogue", "front"} <= {key for key, s in report["sections"].items() if s["state"] == "done"}
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(report)
    faults = (
        lambda r: r.pop("seed"),
        lambda r: r.update(schema=builder.SCHEMA + 1),
        lambda r: r["sections"]["catalogue"].pop("axes"),
        lambda r: r["sections"]["catalogue"]["rows"][0].update(name=3),
        lambda r: r["sections"]["front"]["tasks"][0]["points"][0]["energy"].pop("low"),
        lambda r: r["sections"]["arithmetic"].pop("errors"),
        lambda r: r["sections"]["verdict"].update(state="soon"),
    )
    for spoil in faults:
        spoilt = copy.deepcopy(report)
        spoil(spoilt)
        assert not validator.is_valid(spoilt)


def test_a_section_that_was_not_run_needs_no_results():
    validator = jsonschema.Draft202012Validator(schema())
    section = builder._plain(Section("synthesis", "Area", not_run="no Yosys"))
    report = {"schema": 1, "version": "0", "scope": "quick", "seed": 0, "installation": []}
    keys = ("claims", "catalogue", "front", "synthesis")
    assert validator.is_valid({**report, "sections": dict.fromkeys(keys, section)})
    done = {**section, "state": "done"}
    assert not validator.is_valid({**report, "sections": dict.fromkeys(keys, done)})


@pytest.mark.long
def test_the_whole_report(tmp_path):
    sections = build(tmp_path)
    assert [s.key for s in sections if s.failed] == []
    jsonschema.Draft202012Validator(schema()).validate(json.loads((tmp_path / "report.json").read_text()))
    assert (tmp_path / "index.html").stat().st_size < 6e6


def broken(error):
    def make(_scope, _progress):
        raise error

    return make


ERRORS = [
    (KeyError("ax-fpm"), "broke off: KeyError: &#39;ax-fpm&#39;"),
    (MemoryError(), "broke off: MemoryError: "),
    (OSError(28, "No space left on device"), "broke off: OSError: [Errno 28] No space left on device"),
    (ZeroDivisionError("<i>[/x]</i>"), "broke off: ZeroDivisionError: &lt;i&gt;[/x]&lt;/i&gt;"),
    (InvalidInput("the library cannot be read; give another"), "the library cannot be read; give another"),
]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("error", "shown"), ERRORS, ids=lambda v: type(v).__name__)
def test_a_section_that_fails_costs_the_others_nothing(tmp_path, monkeypatch, error, shown):
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": broken(error), "arithmetic": section})
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "r"), "--json"])
    assert result.exit_code == 1
    states = {s["section"]: s for s in json.loads(result.stdout)["sections"]}
    assert states["synthesis"]["failed"]
    assert (states["arithmetic"]["failed"], states["arithmetic"]["not_run"]) == ("", "")
    page = (tmp_path / "r" / "index.html").read_text()
    assert f"<strong>failed:</strong> {shown}" in page
    assert 'alt="a seven"' in page
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["sections"]["synthesis"]["failed"]
    assert report["sections"]["arithmetic"]["v"] == 1


@pytest.mark.usefixtures("alone")
def test_pages_are_written_after_each_section(tmp_path, monkeypatch):
    def interrupted(_scope, _progress):
        report = json.loads((tmp_path / "r" / "report.json").read_text())
        assert report["sections"]["arithmetic"]["v"] == 1
        raise KeyboardInterrupt

    parts = {"arithmetic": section, "synthesis": interrupted, "speed": section}
    monkeypatch.setattr(builder, "SECTIONS", parts)
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "r")])
    assert result.exit_code == 130
    page = tmp_path / "r" / "index.html"
    assert result.stderr == f"axfpm: interrupted; {page} holds the finished sections\n"
    assert page.read_text().count("not reached yet") == 2
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": broken(KeyboardInterrupt())})
    result = CliRunner().invoke(main, ["report", "-o", str(tmp_path / "other")])
    assert (result.exit_code, result.stderr) == (130, "axfpm: interrupted\n")


@pytest.mark.usefixtures("alone")
def test_claims_that_cannot_be_drawn_up(tmp_path, monkeypatch):
    strange = Section("synthesis", "Area", data={"rows": [{"multiplier": "ax-fpm"}]})
    monkeypatch.setattr(builder, "SECTIONS", {"synthesis": lambda scope, progress: strange, "arithmetic": section})
    sections = build(tmp_path)
    assert sections[0].failed == "broke off: KeyError: 'ratios'"
    assert 'alt="a seven"' in (tmp_path / "index.html").read_text()
