"""Pages of the catalogue say what ``axfpm show`` says, and are reStructuredText."""

import re

import pytest
from docutils.core import publish_doctree
from docutils.nodes import literal, system_message
from docutils.parsers.rst import roles

from axfpm.catalogue_pages import catalogue_page, multiplier_page, table, text
from axfpm.commands.show import page
from golden.catalogue import multiplier
from golden.errors import InvalidInput

pytest.importorskip("amaranth")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module", autouse=True)
def sphinx_roles():
    """Sphinx brings this one."""
    roles.register_generic_role("doc", literal)


def parsed(source):
    """The document, after seeing that nothing in it is doubtful; the list of pages is Sphinx' own."""
    source = source.partition(".. toctree::")[0]
    tree = publish_doctree(
        source, settings_overrides={"report_level": 5, "raw_enabled": True, "line_length_limit": 10**6}
    )
    assert [message.astext() for message in tree.findall(system_message) if message["level"] > 1] == []
    return tree.astext()


@pytest.fixture(scope="module")
def found():
    return {name: page(multiplier(name)) for name in ("ax-fpm", "mitchell", "ax-bf16", "exact-trunc")}


def test_the_paper_s_multiplier(found):
    source = multiplier_page(multiplier("ax-fpm"), found["ax-fpm"])
    shown = parsed(source)
    assert "P = (A & 0x111111) B + 2 (A & 0xEEEEEE) (B & 0x888888)" in shown
    assert source.count("<svg") == 4
    for row in found["ax-fpm"]["hardware"]:
        assert f"{row['energy_pj']:.4g}" in shown
    assert len(found["ax-fpm"]["hardware"]) == 5
    assert f"{found['ax-fpm']['error']['mred']:.4g}" in shown
    for verdict in (v for one in found["ax-fpm"]["robustness"] for v in one["verdicts"]):
        assert f"{verdict['threat_model']}: {verdict['verdict']} ({verdict['reason']})" in shown
    assert "axfpm verilog multiplier --multiplier ax-fpm -o multiplier.v" in shown
    assert "doi:10.1145/3445814.3446747" in shown


def test_what_there_is_not_is_said(found):
    shown = parsed(multiplier_page(multiplier("mitchell"), found["mitchell"]))
    assert "Mitchell has no partial products to draw" in shown
    shown = parsed(multiplier_page(multiplier("ax-bf16"), found["ax-bf16"] | {"hardware": []}))
    assert "No file of measurements that comes with axfpm has this multiplier" in shown
    assert "axfpm evaluate --preset mnist --subject ax-bf16" in shown


def test_what_this_machine_measured_is_no_part_of_a_page(found):
    plain = found["ax-bf16"]
    here = {"hardware": {"area_um2": 987654321.0, "critical_path_ns": 1.0, "conditions": "here"}, "energy": None}
    m = multiplier("ax-bf16")
    assert multiplier_page(m, plain | {"here": here}) == multiplier_page(m, plain | {"here": {}})


def test_the_joint_view(found):
    found = {**found, "ax-bf16": found["ax-bf16"] | {"hardware": []}}
    entries = [(multiplier(name), one) for name, one in found.items()]
    source = catalogue_page(entries)
    shown = parsed(source)
    for name, one in found.items():
        assert f"{name} </catalogue/{name}>" in shown
        assert f"{one['error']['mred']:.4g}" in shown
        assert re.search(rf"^   {name}$", source, re.MULTILINE)
    for row in found["ax-fpm"]["hardware"]:
        assert f"{row['ratios']['exact-trunc']['energy']:.4g}" in shown
    assert "does not defend" in shown
    assert "not run" not in shown
    measured = [name for name, one in found.items() if one["hardware"]]
    assert measured == ["ax-fpm", "mitchell", "exact-trunc"]
    assert all(f">{name}<" in source for name in measured)
    assert ">ax-bf16<" not in source.partition("<svg")[2]


def test_text_means_itself():
    awkward = "- *a* `b` |c| d_ \\e"
    assert parsed(table(("x", "y"), [(awkward, 1234.5), ("-", 2)])).split() == [
        *("x", "y", *awkward.split(), "1,234", "-", "2")
    ]
    assert text("plain") == "plain"


def test_figures_that_fail_for_another_reason_are_no_sentence(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a defect")

    monkeypatch.setattr("axfpm.catalogue_pages.picture", broken)
    with pytest.raises(RuntimeError):
        multiplier_page(multiplier("bf16"))
    with pytest.raises(InvalidInput):
        multiplier("ax-fmp")
