"""The page in a real browser: readable on a desk, on a phone, in the dark, on paper and without scripts."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from rnnconv_cli.records import Report
from rnnconv_cli.report.page.page import page as page_of
from rnnconv_cli.report.page.parts import Source

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ALONE = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PAPER: ViewportSize = {"width": 720, "height": 1000}
LEAST_CONTRAST = 4.5  # of text with its background (WCAG 2.2, 1.4.3, level AA)

# Of every element that has words of its own: its name, and the contrast of its words with what lies behind them.
CONTRASTS = """
() => {
  const parsed = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const part = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const paper = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parsed(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const worded = [...document.body.querySelectorAll('*')].filter(each =>
    [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
    && each.checkVisibility() && !['title', 'desc', 'style'].includes(each.tagName));
  return worded.map(each => {
    const style = getComputedStyle(each);
    const ink = parsed(each.namespaceURI.endsWith('svg') ? style.fill : style.color);
    const [high, low] = [light(ink), light(paper(each))].sort((a, b) => b - a);
    return [each.tagName + '.' + (each.getAttribute('class') || ''), (high + 0.05) / (low + 0.05)];
  });
}
"""
HIDDEN_IN_DETAILS = """
() => [...document.querySelectorAll('details table')].filter(each => {
  const box = each.getBoundingClientRect();
  return !each.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}) || !box.height || !box.width;
}).length
"""
BEYOND_THE_EDGE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        reason = f"found no browser, wanted one of {', '.join(NAMES)}"
        if os.environ.get("RNNCONV_NEEDS_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=list(ALONE))
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of two results stands: every kind of check, and one without a number."""
    made_up = _made_up_report()
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(page_of([Source("a.json", made_up), Source("b.json", replace(made_up, claims=made_up.claims[:1]))]))
    return file.as_uri()


def _made_up_report() -> Report:
    """The report that the tests of every format read."""
    place = Path(__file__).parent / "report" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_report", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made_up: Report = module.report.__wrapped__()
    return made_up


@pytest.fixture
def opened(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, opened under the options of a context."""
    options: dict[str, Any] = {"viewport": DESK, "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(**options)
    shown = context.new_page()
    shown.goto(address)
    yield shown
    context.close()


EVERY_LOOK = [
    {"viewport": viewport, "color_scheme": scheme} for viewport in (DESK, PHONE) for scheme in ("light", "dark")
]
LOOK_NAMES = [f"{place}-{scheme}" for place in ("desk", "phone") for scheme in ("light", "dark")]


def test_nothing_is_asked_of_the_network_and_nothing_is_complained_of(browser: Browser, address: str) -> None:
    context = browser.new_context()
    shown = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.goto(address, wait_until="networkidle")
    shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    shown.emulate_media(media="print")
    context.close()
    assert asked == [address]
    assert said == []


@pytest.mark.parametrize("opened", EVERY_LOOK, indirect=True, ids=LOOK_NAMES)
def test_no_part_of_the_page_lies_beyond_its_edge(opened: Page) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert opened.evaluate(BEYOND_THE_EDGE) == 0


@pytest.mark.parametrize("opened", EVERY_LOOK, indirect=True, ids=LOOK_NAMES)
def test_every_text_stands_out_from_what_lies_behind_it(opened: Page) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = opened.evaluate(CONTRASTS)
    assert len(found) > 500
    assert {name: ratio for name, ratio in found if ratio < LEAST_CONTRAST} == {}


@pytest.mark.parametrize("opened", EVERY_LOOK, indirect=True, ids=LOOK_NAMES)
def test_every_figure_is_seen_and_large_enough_to_read(opened: Page) -> None:
    boxes = opened.evaluate(
        "() => [...document.querySelectorAll('figure svg')].map(each => {"
        " const box = each.getBoundingClientRect(); return [each.checkVisibility(), box.width, box.height]; })"
    )
    assert len(boxes) >= 12
    assert all(seen and width >= 300 and height >= 200 for seen, width, height in boxes)


def test_figures_take_the_colours_of_the_page(browser: Browser, address: str) -> None:
    inks = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
        shown = context.new_page()
        shown.goto(address)
        inks.append(shown.evaluate("() => getComputedStyle(document.querySelector('figure svg text')).fill"))
        inks.append(shown.evaluate("() => getComputedStyle(document.body).color"))
        context.close()
    assert inks[0] == inks[1] != inks[2] == inks[3]


def test_without_scripts_the_page_says_the_same(browser: Browser, address: str, opened: Page) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    without = context.new_page()
    without.goto(address)
    said = without.locator("body").inner_text()
    context.close()
    assert said == opened.locator("body").inner_text()
    assert "Do the statements hold at sizes that a computer reaches?" in said


@pytest.mark.parametrize("opened", [{"viewport": PAPER, "color_scheme": "dark"}], indirect=True, ids=["dark"])
def test_on_paper_everything_is_open_and_light(opened: Page) -> None:
    assert opened.evaluate(HIDDEN_IN_DETAILS) > 0
    opened.emulate_media(media="print")
    assert opened.evaluate(HIDDEN_IN_DETAILS) == 0
    assert opened.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    figures = "() => [...document.querySelectorAll('figure svg')].map(each => each.getBoundingClientRect().right)"
    assert max(opened.evaluate(figures)) <= PAPER["width"]


def test_the_first_stop_of_the_keyboard_leads_past_the_contents(opened: Page) -> None:
    opened.keyboard.press("Tab")
    assert opened.evaluate("() => document.activeElement.textContent") == "Skip to the claims"
    box = opened.locator(":focus").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert opened.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    opened.keyboard.press("Enter")
    assert opened.evaluate("() => document.querySelector(':target').id") == "claims"


def test_links_of_the_contents_lead_to_their_claims(opened: Page) -> None:
    opened.locator("nav tbody a").first.click()
    assert opened.evaluate("() => document.querySelector(':target').tagName") == "H3"


def test_details_open_by_the_keyboard(opened: Page) -> None:
    summary = opened.locator("section.check summary").first
    summary.focus()
    opened.keyboard.press("Enter")
    assert opened.locator("section.check details").first.evaluate("each => each.open")
