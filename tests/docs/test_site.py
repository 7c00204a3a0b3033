"""The built pages as a reader sees them: nothing is missing, formulas are set, a search finds what it should.

Needs the built site (`make docs`); what a browser must show needs Playwright and an installed Chromium, and is skipped
without them.
"""

import functools
import html.parser
import http.server
import importlib.util
import json
import os
import re
import shutil
import threading
import urllib.parse
from pathlib import Path

import pytest
import scripts


ROOT = Path(__file__).parent.parent.parent
SITE = ROOT / "output" / "site"
BROWSERS = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in BROWSERS if name and (found := shutil.which(name))), None)
FORMULAS = ("systems/hopfield.html", "api/teacher_student.html", "what_is_grokking.html", "exact.html")

pytestmark = [
    pytest.mark.docs,
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="the pages are not built: run `make docs`"),
]
browser_only = pytest.mark.skipif(
    BROWSER is None or importlib.util.find_spec("playwright") is None,
    reason="no Chromium on the path (or in CHROMIUM), or no Playwright to drive it",
)


class References(html.parser.HTMLParser):
    """What a page asks for, where it leads, and its anchors."""

    def __init__(self, path: Path):
        super().__init__()
        self.assets, self.links, self.anchors, self.text = [], [], set(), ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given["id"]} if given.get("id") else set()
        if tag in ("script", "img") and given.get("src"):
            self.assets.append(given["src"])
        elif tag == "link" and given.get("href") and given.get("rel") in ("stylesheet", "icon"):
            self.assets.append(given["href"])
        elif tag == "a" and given.get("href"):
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def pages():
    return {path: References(path) for path in sorted(SITE.rglob("*.html")) if path.name != "404.html"}


def test_every_asset_and_link_of_every_page_is_there(pages):
    lost = []
    for path, page in pages.items():
        for target in (*page.assets, *page.links):
            parts = urllib.parse.urlsplit(target)
            if parts.scheme in ("data", "mailto", "javascript"):
                continue
            if parts.scheme or parts.netloc:
                lost += [f"{path.name} fetches {target}"] if target in page.assets else []
                continue
            goal = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            goal = goal / "index.html" if goal.is_dir() else goal
            if not goal.exists():
                lost.append(f"{path.relative_to(SITE)}: {target}")
            elif parts.fragment and goal in pages and urllib.parse.unquote(parts.fragment) not in pages[goal].anchors:
                lost += [f"{path.relative_to(SITE)}: {target}"] if not parts.fragment.startswith("__") else []
    assert not lost, "\n".join(lost[:20])
    assert len(pages) > 30


def test_style_sheets_ask_for_what_is_there():
    sheet = SITE / "assets" / "katex" / "katex.min.css"
    fonts = re.findall(r"url\(([^)]*)\)", sheet.read_text())
    assert len(fonts) > 10
    assert not [font for font in fonts if not (sheet.parent / font).exists()]


def test_every_name_of_the_reference_is_on_its_page(pages):
    staged = scripts.load("pages")
    lost = [
        f"{module}.{name}"
        for page, named in staged.reference().items() for module, names in named.items() for name in names
        if staged.place(module, name) not in pages[SITE / "api" / f"{page}.html"].anchors
    ]  # fmt: skip
    assert not lost, f"{len(lost)} names have no anchor: {lost[:10]}"


def test_the_index_of_the_search_has_the_doors():
    index = json.loads((SITE / "search.json").read_text())
    assert any("simulate" in json.dumps(item) for item in index["items"])


@pytest.fixture(scope="module")
def served():
    """The site on this machine, for as long as the tests last."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(SITE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@browser_only
def test_a_browser_finds_nothing_missing_and_formulas_set(browser, served, pages):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    lost, outside = [], []
    page.on("response", lambda response: lost.append(response.url) if response.status >= 400 else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith((served, "data:", "blob:")) else outside.append(request.url),
    )
    page.on("pageerror", lambda error: lost.append(str(error)))
    pictures = Path(os.environ["PICTURES"]) if "PICTURES" in os.environ else None
    shown = ("index.html", *FORMULAS, "gallery/index.html", "api/index.html", "speed.html")
    for name in shown:
        page.goto(f"{served}/{name}", wait_until="networkidle")
        broken = page.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
        assert not broken, f"{name} shows no {broken}"
        if name in FORMULAS:
            assert page.locator(".katex").count() > 3, f"{name} has no formula"
        assert page.locator(".katex-error").count() == 0, f"{name}: {page.locator('.katex-error').first.inner_text()}"
        left = page.evaluate(
            r"[...document.querySelectorAll('.arithmatex')].filter(e => !e.querySelector('.katex')).length"
        )
        assert left == 0, f"{name} leaves {left} formulas as they are typed"
        if pictures is not None:
            page.screenshot(path=pictures / f"{name.replace('/', '-').removesuffix('.html')}.png")
    assert not lost
    assert not outside, "nothing is fetched from a network"


@browser_only
def test_a_search_finds_simulate(browser, served):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{served}/index.html", wait_until="networkidle")
    page.keyboard.press("/")
    page.keyboard.type("simulate", delay=20)
    found = page.locator("a[href*='api/'], a[href*='#']", has_text="simulate")
    page.wait_for_function("document.body.innerText.toLowerCase().includes('simulate')")
    found.first.wait_for(state="visible", timeout=10_000)
    if "PICTURES" in os.environ:
        page.wait_for_timeout(500)
        page.screenshot(path=Path(os.environ["PICTURES"]) / "search.png")
