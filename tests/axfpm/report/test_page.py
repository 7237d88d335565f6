"""The page in a browser, as readers have it: narrow and wide, light and dark, by keyboard, printed, without scripts."""

import json
import shutil
from pathlib import Path

import pytest

from axfpm.report import build as builder
from axfpm.report.build import build
from axfpm.report.charts import DARK, LIGHT
from axfpm.report.page import cell
from axfpm.report.section import Section

api = pytest.importorskip("playwright.sync_api")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = (390, 800, 1400)


@pytest.fixture(scope="module")
def report(tmp_path_factory, drawn, attacked):
    """A report of quick sections, one that was not run and one that failed, with the true catalogue and front."""
    parts = {
        "arithmetic": lambda scope, progress: drawn,
        "simulation": lambda scope, progress: Section("simulation", "Later", not_run="no simulator"),
        "synthesis": lambda scope, progress: Section("synthesis", "Wrong", failed="3 results differ", details="line 1"),
        "verdict": lambda scope, progress: attacked,
    }
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "SECTIONS", parts)
        patch.setattr(builder, "inspect", list)
        build(folder)
    return folder


@pytest.fixture(scope="module")
def catalogue(report):
    return json.loads((report / "report.json").read_text(encoding="utf-8"))["sections"]["catalogue"]


@pytest.fixture(scope="module")
def browser():
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    """Open the page and wait until all is drawn; what it says on the console, or asks of the network, fails."""
    contexts, said = [], []

    def opened(width=1400, **settings):
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or said.append(r.url))
        page.goto((report / "index.html").as_uri())
        if settings.get("java_script_enabled", True):
            page.wait_for_function("document.documentElement.dataset.drawn === 'all'")
            page.wait_for_selector("#explorer-chart svg")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(open_page, width):
    page = open_page(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beyond = "[...document.querySelectorAll('.chart svg, figure img, select, p, h2, h3')]"
    beyond += (
        ".filter(each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.outerHTML.slice(0, 90))"
    )
    assert page.evaluate(beyond) == []


def test_every_figure_is_drawn_and_named(open_page, report):
    page = open_page()
    charts = page.evaluate("page.charts")
    assert {"arithmetic-2", "arithmetic-3", "verdict-1"} <= charts.keys()
    for key, chart in charts.items():
        place = page.locator(f'[data-chart="{key}"]')
        assert place.locator("svg").count() == 1
        assert place.locator(", ".join(f"svg .mark-{kind} path" for kind in ("symbol", "line", "rect"))).count() > 0
        assert place.get_attribute("aria-label") == chart["description"]
    drawing = page.locator("#arithmetic .drawing svg")
    assert drawing.get_attribute("role") == "img"
    title, _ = (drawing.get_attribute("aria-labelledby") or "").split()
    assert (page.locator(f"#{title}").text_content() or "").startswith("ax-bf16: ")
    assert page.locator(".gallery img").get_attribute("alt") == "a 7, taken for a 7"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    assert all(page.locator(link).count() == 1 for link in page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(each => each.getAttribute('href'))"
    ))  # fmt: skip
    assert (report / "index.html").stat().st_size < 6e6


def test_dots_of_the_front_have_their_names(open_page):
    page = open_page()
    fronts = page.evaluate("Object.keys(page.charts).filter(key => key.startsWith('front-'))")
    assert fronts
    for key in fronts:
        names = page.locator(f'[data-chart="{key}"] .mark-text.labels_marks text').evaluate_all(
            "all => all.filter(each => each.getAttribute('opacity') !== '0' && getComputedStyle(each).fill !== 'none')"
            ".map(each => each.textContent)"
        )
        assert "ax-fpm" in names


def test_sections_that_were_not_run_or_failed_say_so(open_page):
    page = open_page()
    assert page.locator("#simulation .alarm").inner_text() == "not run: no simulator"
    assert page.locator("#synthesis .alarm").inner_text() == "failed: 3 results differ"
    assert "(failed)" in page.locator('nav li:has(> a[href="#synthesis"])').last.inner_text()
    assert page.locator("#claims").bounding_box()["y"] < page.locator("#catalogue").bounding_box()["y"]


def test_long_tables_are_folded_and_text_is_escaped(open_page):
    page = open_page()
    assert page.locator("#verdict details table").count() == 1
    assert page.locator("#arithmetic details").count() == 0
    assert page.locator("#arithmetic tbody th").all_inner_texts() == ["x", "<b>"]
    assert "committed results" in page.locator("#verdict figcaption").first.inner_text()
    assert "measured in this run" in page.locator("#arithmetic figcaption").first.inner_text()


def not_beaten(catalogue, x, y):
    """Names by the rule, drawn up again: whom no other surpasses whatever the truth within the intervals is."""
    sign = {axis["key"]: 1 if axis["better"] == "less" else -1 for axis in catalogue["axes"]}
    log = {axis["key"]: axis["log"] for axis in catalogue["axes"]}

    def worst_and_best(row, key):
        ends = [sign[key] * row["values"][key][end] for end in ("low", "high")]
        return max(ends), min(ends)

    rows = [
        row
        for row in catalogue["rows"]
        if all(key in row["values"] and (row["values"][key]["value"] > 0 or not log[key]) for key in (x, y))
    ]
    free = []
    for one in rows:
        for other in rows:
            pairs = [(worst_and_best(other, key)[0], worst_and_best(one, key)[1]) for key in (x, y)]
            if all(a <= b for a, b in pairs) and any(a < b for a, b in pairs):
                break
        else:
            free.append(one["name"])
    return len(rows), free


@pytest.mark.parametrize(
    ("x", "y"),
    [("area_um2.osu018", "mred"), ("clean.mnist", "twin.mnist.linf.0.1"), ("energy_pj.asap7", "clean.cifar10")],
)
def test_axes_are_chosen(open_page, catalogue, x, y):
    page = open_page()
    place, titles = page.locator("#explorer-chart"), {axis["key"]: axis["title"] for axis in catalogue["axes"]}
    page.select_option("select[name=x]", x)
    page.select_option("select[name=y]", y)
    page.wait_for_function(f"document.getElementById('explorer-chart').dataset.axes === '{x} {y}'")
    page.wait_for_function(
        f"document.querySelector('#explorer-chart svg')?.textContent.includes({json.dumps(titles[x])})"
    )
    n, free = not_beaten(catalogue, x, y)
    assert n > 1
    assert place.get_attribute("data-points") == str(n)
    assert page.locator("#explorer-state").inner_text().endswith(f"not beaten in both: {', '.join(free)}.")
    assert {titles[x], titles[y]} <= set(place.locator("svg text").all_text_contents())


def test_the_catalogue_is_filtered(open_page, catalogue):
    page = open_page()
    rows = page.locator("#catalogue-table tbody tr:visible th")
    assert rows.all_inner_texts() == [row["name"] for row in catalogue["rows"]]
    page.get_by_role("checkbox", name="approximate").uncheck()
    exact = [row["name"] for row in catalogue["rows"] if row["family"] != "approximate"]
    assert rows.all_inner_texts() == exact
    page.get_by_role("searchbox", name="Name contains").fill("E8M1")
    assert rows.all_inner_texts() == ["e8m1", "e8m10"]
    page.get_by_role("searchbox", name="Name contains").fill("nothing")
    assert page.locator("#explorer-state").inner_text().startswith("0 of 20 multipliers shown.")


def test_values_appear_under_the_pointer(open_page):
    page = open_page()
    page.locator("#explorer-chart svg .mark-symbol path").first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "family" in page.locator("#vg-tooltip-element").inner_text()


def rgb(colour):
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize(("scheme", "own", "other"), [("light", LIGHT, DARK), ("dark", DARK, LIGHT)])
def test_light_and_dark(open_page, scheme, own, other):
    page = open_page(color_scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    dot = "getComputedStyle(document.querySelector('[data-chart=arithmetic-2] .mark-rect path')).fill"
    assert (page.evaluate(paper), page.evaluate(dot)) == (rgb(own["paper"]), rgb(own["c0"]))
    page.emulate_media(media="print")
    assert page.evaluate(paper) == rgb(LIGHT["paper"])
    page.emulate_media(media="screen")
    page.locator("#theme").click()
    assert (page.evaluate(paper), page.evaluate(dot)) == (rgb(other["paper"]), rgb(other["c0"]))
    page.emulate_media(media="print")
    assert page.evaluate(paper) == rgb(LIGHT["paper"])
    assert not page.locator("nav").is_visible()
    assert not page.locator("form.explorer").is_visible()


def test_by_keyboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the results"
    page.locator("select[name=x]").focus()
    before = page.locator("#explorer-chart").get_attribute("data-axes")
    page.keyboard.press("Home")
    page.wait_for_function(f"document.getElementById('explorer-chart').dataset.axes !== '{before}'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_out_of_reach(open_page, scheme):
    """What axe-core finds: no violation at all, where serious and critical ones are what must not be."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    found = axe.Axe().run(page).response
    assert found["passes"]
    assert [(each["impact"], each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


def test_without_scripts(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("#claims table").is_visible()
    assert page.locator("#arithmetic noscript").count() == 2
    assert page.locator("#theme").is_hidden()


def test_the_file_stands_alone(report):
    text = (report / "index.html").read_text(encoding="utf-8")
    assert Path(report).joinpath("report.json").is_file()
    assert "<link" not in text
    assert not any(f'{attribute}="http' in text for attribute in ("src", "href", "action"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.41083, "0.411"),
        (0, "0"),
        (0.0, "0"),
        (117675.4, "117,675"),
        (1048576, "1,048,576"),
        (4.2966e-8, "4.3\N{MULTIPLICATION SIGN}10⁻⁸"),
        (-6.3e-4, "-6.3\N{MULTIPLICATION SIGN}10⁻⁴"),
        (1e20, "1e+20"),
        (True, "True"),
        ("-", "-"),
    ],
)
def test_digits(value, shown):
    assert cell(value) == shown
