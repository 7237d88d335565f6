"""How long a browser takes to open the report's page, by its own clock, beside a blank page.

    python benchmarks/report_page.py [build/report/index.html]

Each opening has a fresh context, so that nothing is kept; the two alternate. ``load`` is when the browser calls the
page loaded, ``drawn`` when its last chart is there; times are medians, in milliseconds since the navigation began.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

OPENINGS = 9
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
DRAWN = "document.documentElement.dataset.drawn === 'all'"


def opened(browser: Browser, url: str, *, charts: bool) -> tuple[float, float]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.wait_for_function(f"{LOADED} > 0")
    if charts:
        page.wait_for_function(DRAWN)
    times = page.evaluate(LOADED), page.evaluate("performance.now()")
    context.close()
    return times


def main(path: Path) -> None:
    found = [place for name in BROWSERS if (place := shutil.which(name))]
    if not path.is_file() or not found:
        sys.exit(f"{path} is missing; run `axfpm report`" if found else f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0])
        pairs = [
            (opened(browser, "data:text/html,<p>", charts=False), opened(browser, path.resolve().as_uri(), charts=True))
            for _ in range(OPENINGS)
        ]
        print(f"{browser.browser_type.name} {browser.version}, {OPENINGS} openings, {path.stat().st_size / 1e6:.2f} MB")
        browser.close()
    for index, name in enumerate(("blank page", "report")):
        load, drawn = (statistics.median(pair[index][k] for pair in pairs) for k in (0, 1))
        print(f"{name}: load {load:.0f} ms" + (f", drawn {drawn:.0f} ms" if index else ""))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/report/index.html"))
