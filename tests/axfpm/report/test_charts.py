import json
import re

import altair as alt
import pytest

from axfpm.report import charts
from axfpm.report.charts import CONFIG, DARK, LIGHT, bundle, colours, colours_of_multipliers, finish, points, svg

vl_convert = pytest.importorskip("vl_convert")


def bars():
    chart = alt.Chart(points([{"name": "ax-fpm", "area": 2.5}, {"name": "exact", "area": 5.0}])).mark_bar()
    names = ["ax-fpm", "exact"]
    return finish(
        chart.encode(x="area:Q", y="name:N", color=alt.Color("name:N", scale=colours(names))),
        alt_text="Two bars.",
        height=80,
        legend=names,
    )


def luminance(colour):
    """Relative luminance by WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_and_lines_stand_out_from_the_paper(palette):
    for paper in ("paper", "tint", "alarm"):
        assert min(contrast(palette[name], palette[paper]) for name in ("ink", "link")) >= 4.5
    assert min(contrast(palette[name], palette["paper"]) for name in ("soft", "good", "warn")) >= 4.5
    assert min(contrast(palette[f"c{k}"], palette["paper"]) for k in range(charts.SERIES)) >= 3


def test_both_palettes_have_every_colour_that_charts_name():
    named = set(re.findall(r"var\(--(\w+)\)", json.dumps([CONFIG, bars()])))
    assert {"ink", "c0", "c1"} <= named <= LIGHT.keys()
    assert LIGHT.keys() == DARK.keys()


def test_a_chart_says_what_it_shows_and_fits_its_place():
    chart = bars()
    assert (chart["description"], chart["width"], chart["height"]) == ("Two bars.", "container", 80)
    assert chart["usermeta"]["legend"][1] == {"name": "exact", "colour": "var(--c1)"}
    assert chart == bars()


def test_svg_stands_alone():
    text = svg(bars())
    assert text.startswith("<svg")
    assert "var(" not in text
    assert LIGHT["c0"] in text
    assert "Two bars." in text
    assert text == svg(bars())


def test_the_library_is_kept_and_never_ends_its_script(monkeypatch, tmp_path):
    monkeypatch.setenv("AXFPM_CACHE", str(tmp_path))
    made = []

    def bundled(snippet, vl_version):
        made.append((snippet, vl_version))
        return 'const s = "</script>";'

    monkeypatch.setattr(vl_convert, "javascript_bundle", bundled)
    for _ in range(2):  # the second time from the cache
        bundle.cache_clear()
        assert bundle() == 'const s = "<\\/script>";'
    bundle.cache_clear()
    ((snippet, version),) = made
    assert "vegaEmbed" in snippet
    assert version in vl_convert.get_vegalite_versions()


def test_a_multiplier_has_one_colour_wherever_it_stands():
    first, second = (colours_of_multipliers(names).to_dict() for names in (["other", "e8m2"], ["e8m2", "exact", "x"]))
    assert first["domain"] == ["other", "e8m2"] and first["range"][1] == second["range"][0]
    assert len({*first["range"]}) == 2 and len({*second["range"]}) == 3
    chart = alt.Chart(points([{"x": 1}])).mark_point().encode(x="x:Q")
    legend = finish(chart, alt_text="", height=9, legend=colours_of_multipliers(["other", "e8m2"]))["usermeta"][
        "legend"
    ]
    assert legend == [{"name": name, "colour": first["range"][k]} for k, name in enumerate(("other", "e8m2"))]
