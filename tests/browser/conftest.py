"""A real Chromium, without a window, for tests of pages.

Where no Chromium is installed these tests are left out; CONTRIBUTING.md says how to get one.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_DRIVER = shutil.which("chromedriver")

collect_ignore_glob = [] if _BROWSER and _DRIVER else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser with what the tests ask of it."""

    driver: Any
    folder: Path

    def open(
        self, page: str, *, width: int = 1280, dark: bool = False, paper: bool = False
    ) -> None:
        """Open a page from a file, as a person would open an attachment."""
        path = self.folder / "review.html"
        path.write_text(page, encoding="utf-8")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = "print" if paper else "screen"
        self.command("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.as_uri())

    def run(self, script: str) -> Any:
        """Give the value of a script, run from outside the page's policy."""
        return self.driver.execute_script(script)

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """Give a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, dict(values))

    def complaints(self) -> list[str]:
        """Give what the browser's console says since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def print_pages(self) -> bytes:
        """Print to PDF as the page's own style wants it."""
        printed = self.command("Page.printToPDF", {"preferCSSPageSize": True})
        return base64.b64decode(printed["data"])


def begin_driver(*switches: str) -> Any:
    """Begin a browser without a window, and without a network but for what the switches let be."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(_BROWSER)
    # No sandbox: containers run as root. No network: a proxy that nobody answers.
    for switch in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update",
        "--proxy-server=127.0.0.1:9", *switches,
    ):  # fmt: skip
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(str(_DRIVER)))


@pytest.fixture(scope="session")
def _driver() -> Iterator[Any]:
    driver = begin_driver("--proxy-bypass-list=<-loopback>")
    yield driver
    driver.quit()


@pytest.fixture
def browser(_driver: Any, tmp_path: Path) -> Iterator[Browser]:
    """Give the browser with a fresh folder for pages and an empty console."""
    _driver.get_log("browser")
    yield Browser(_driver, tmp_path)
    _driver.get("about:blank")
