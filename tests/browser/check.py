#!/usr/bin/env python3
"""Looks at the pages of `kith serve` with Chromium.

    check.py                        each page, wide and narrow, light and dark; then the API
                                    reference gets a token and sends a request
    check.py --screenshots FOLDER   also keeps what it saw
    check.py --prepare              installs Chromium and its driver and stops

A page fails if the console shows an error, such as a violation of the Content-Security-Policy, if
it is wider than the window, or if its text is hard to read. The program is `kith` of `cargo build`.
Chromium comes from Debian's packages if the machine has none.
"""

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# The sources stand among others under version control, where compiled ones would only be noise.
sys.dont_write_bytecode = True

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "clients"), str(HERE.parent / "deployment")]

from machine import VENVS, environment, program, say, timed  # noqa: E402
from run import service  # noqa: E402

PAGES = ["/", "/problems/precondition-failed", "/docs"]
WIDTHS = [1280, 320]
PATIENCE = 30
# WCAG 2.2, success criterion 1.4.3.
CONTRAST = 4.5
# The foreground and the ground of each element that has text of its own. The API reference has
# colours of its library.
COLOURS = """
const ground = (e) => {
  const colour = e ? getComputedStyle(e).backgroundColor : "rgb(255, 255, 255)";
  return colour === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : colour;
};
return [...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((e) => [e.textContent, getComputedStyle(e).color, ground(e)]);
"""


def install() -> None:
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    with timed("installed Chromium"):
        for command in (["update"], ["install", "--yes", "chromium", "chromium-driver"]):
            subprocess.run(["apt-get", "--quiet=2", *command], check=True, stdout=sys.stderr)


@contextlib.contextmanager
def browser() -> Iterator:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for name in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-quic",
        "no-first-run", "disable-background-networking", "disable-component-update",
        "disable-sync", "hide-scrollbars",
    ):  # fmt: skip
        options.add_argument(f"--{name}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.implicitly_wait(PATIENCE)
    try:
        yield driver
    finally:
        driver.quit()


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(colour: str, ground: str) -> float:
    dark, light = sorted((luminance(colour), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def show(driver, url: str, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    driver.get(url)


def complaints(driver) -> list[str]:
    """What the console shows that somebody has to mend."""
    entries = driver.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]


def faults(driver, path: str, width: int, scheme: str) -> Iterator[str]:
    """What is wrong with the page that is shown."""
    if path == "/docs":
        driver.find_element("css selector", ".opblock-tag")
    yield from complaints(driver)
    wide = driver.execute_script("return document.documentElement.scrollWidth")
    if wide > width:
        yield f"the page is {wide} pixels wide"
    if len(driver.find_elements("tag name", "h1")) != 1:
        yield "the page has not one heading"
    ground = driver.execute_script(
        "return getComputedStyle(document.querySelector('.swagger-ui') ?? document.body)"
        ".backgroundColor"
    )
    if scheme == "dark" and luminance(ground) > 0.05:
        yield f"the page is not dark: {ground}"
    if path != "/docs":
        for text, colour, behind in driver.execute_script(COLOURS):
            if contrast(colour, behind) < CONTRAST:
                yield f"`{text}` is hard to read: {colour} on {behind}"


def look(driver, url: str, screenshots: Path | None) -> Iterator[str]:
    for path in PAGES:
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                show(driver, url + path, width, scheme)
                wrong = list(faults(driver, path, width, scheme))
                yield from (f"{path}, {width} pixels, {scheme}: {fault}" for fault in wrong)
                if screenshots:
                    name = f"{path.strip('/').replace('/', '-') or 'root'}-{width}-{scheme}.png"
                    driver.save_screenshot(str(screenshots / name))


def ask(driver, variables: dict[str, str], screenshots: Path | None) -> Iterator[str]:
    """Gets a token in the API reference and sends a request with it."""

    def click(selector: str) -> None:
        driver.execute_script("arguments[0].click()", driver.find_element("css selector", selector))

    show(driver, variables["KITH_URL"] + "/docs", 1280, "light")
    click(".btn.authorize")
    form = ".auth-container:has(#client_id_clientCredentials)"
    for name in ("client_id", "client_secret"):
        field = driver.find_element("id", f"{name}_clientCredentials")
        field.send_keys(variables[f"KITH_{name.upper()}"])
    click(f"{form} [data-value='users:read']")
    if screenshots:
        driver.save_screenshot(str(screenshots / "authorize.png"))
    click(f"{form} .btn.authorize")
    driver.find_element("xpath", "//h6[.='Authorized']")
    click(".auth-container .btn-done")
    click("#operations-tag-users button")
    click("#operations-users-list_users .opblock-summary-control")
    click("#operations-users-list_users .try-out__btn")
    click("#operations-users-list_users .execute")
    row = "#operations-users-list_users .live-responses-table .response-col_status"
    status = driver.find_elements("css selector", row)[-1].text
    if screenshots:
        driver.save_screenshot(str(screenshots / "answer.png"))
    if not status.startswith("200"):
        yield f"a request of the API reference is answered {status}"
    yield from complaints(driver)


def check(screenshots: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder, service(
        Path(folder)
    ) as variables, browser() as driver:
        wrong = [
            *look(driver, variables["KITH_URL"], screenshots), *ask(driver, variables, screenshots)
        ]
    for fault in wrong:
        say(fault)
    say(f"{len(PAGES)} pages, {len(wrong)} faults")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepare", action="store_true", help="install Chromium and stop")
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep what was seen")
    arguments = parser.parse_args()
    python = environment("browser", HERE / "requirements.txt") / "python"
    install()
    if arguments.prepare:
        return 0
    if Path(sys.prefix).resolve() != (VENVS / "browser").resolve():
        return subprocess.run([python, *sys.argv], check=False).returncode
    return check(arguments.screenshots)


if __name__ == "__main__":
    program(main)
