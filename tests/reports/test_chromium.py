import os
import shutil
from pathlib import Path

import pytest

from biglog.reports.mail import compose
from biglog.reports.render import render
from biglog.settings import ReportSettings
from reports.night import busy_night, gap_night, hostile_night, huge_night, lost_night

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="chromium or chromedriver is not installed: pages are not looked at",
    ),
]
FLAGS = """--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars
--disable-dev-shm-usage"""
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
NIGHTS = {"busy": busy_night, "gap": gap_night, "hostile": hostile_night, "lost": lost_night}
CONTRAST = """
const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
const light = (c) => {
  const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const worst = [];
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || e.closest("svg, script, style, .sr, .skip") || !e.getClientRects().length) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) worst.push([e.className, e.textContent.slice(0, 30), ratio]);
}
return worst;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    os.environ.setdefault("SE_OFFLINE", "true")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


def show(browser, folder: Path, html: str, *, scheme="light", **screen):
    file = folder / "page.html"
    file.write_text(html, "utf-8")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**PHONE, **screen})
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(file.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")


def widths(browser):
    return browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("name", NIGHTS)
def test_a_phone_never_scrolls_sideways(browser, tmp_path, name, locale):
    show(browser, tmp_path, render(NIGHTS[name](), ReportSettings(), locale))
    wide, seen = widths(browser)
    assert wide <= seen == 390


def test_a_huge_night_fits_a_phone(browser, tmp_path):
    show(browser, tmp_path, render(huge_night(1000), ReportSettings(), "en"))
    assert widths(browser) == [390, 390]


@pytest.mark.parametrize("name", NIGHTS)
def test_the_mail_fits_a_phone(browser, tmp_path, name):
    message = compose(
        NIGHTS[name](), ReportSettings(), recipient="a@example.org", report_url="https://b.example/"
    )
    show(browser, tmp_path, message.get_body(("html",)).get_content())
    assert widths(browser) == [390, 390]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_enough(browser, tmp_path, scheme):
    html = render(gap_night(), ReportSettings(), "zh")
    show(browser, tmp_path, html, scheme=scheme, width=1280, mobile=False)
    assert browser.execute_script(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mails_text_has_contrast_enough(browser, tmp_path, scheme):
    message = compose(
        gap_night(), ReportSettings(), recipient="a@example.org", report_url="https://b.example/"
    )
    html = message.get_body(("html",)).get_content()
    show(browser, tmp_path, html, scheme=scheme, width=700, mobile=False)
    assert browser.execute_script(CONTRAST) == []


def test_nothing_is_loaded_and_nothing_is_refused(browser, tmp_path):
    show(browser, tmp_path, render(hostile_night(), ReportSettings(), "en"))
    assert browser.get_log("browser") == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0
    assert browser.execute_script("return document.title").startswith("BigLog 2026-11-14")


def test_the_fold_button_folds_all(browser, tmp_path):
    show(browser, tmp_path, render(busy_night(), ReportSettings(), "en"))
    browser.refresh()
    button = browser.find_element("css selector", "[data-unfold]")
    opened = "return document.querySelectorAll('details[open]').length"
    assert browser.execute_script(opened) == 0
    button.click()
    assert browser.execute_script(opened) == len(browser.find_elements("css selector", "details"))
    assert button.text == "Fold all"


def test_the_page_is_whole_without_scripts(browser, tmp_path):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        file = tmp_path / "page.html"
        file.write_text(render(busy_night(), ReportSettings(), "en"), "utf-8")
        browser.get(file.as_uri())
        text = browser.find_element("tag name", "body").text
        assert "Unfold all" not in text
        for heading in ("3 incidents", "What changed", "The night in pictures", "What was read"):
            assert heading in text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
