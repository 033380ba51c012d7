#!/usr/bin/env python3
"""Looks at the pages of `kith serve` with Chromium.

    check.py                        each page, wide and narrow, light and dark; then the API
                                    reference gets a token and sends a request, and pages of other
                                    origins call the service
    check.py --screenshots FOLDER   also keeps what it saw
    check.py --prepare              installs Chromium and its driver and stops

A page fails if the console shows an error, such as a violation of the Content-Security-Policy, if
it is wider than the window, or if its text is hard to read. The program is `kith` of `cargo build`.
Chromium comes from Debian's packages if the machine has none.
"""

import argparse
import base64
import contextlib
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
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
    """The faults of the page that is shown."""
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


class EmptyPage(http.server.BaseHTTPRequestHandler):
    """A page of another origin than the service."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def origin() -> Iterator[str]:
    """Serves an empty page for as long as the block lasts; yields its origin."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


class Page:
    """A page of an origin, which sends requests to the service."""

    # The status, headers and body that the page may read of an answer, or that it may read nothing.
    FETCH = """
    const [url, options, done] = arguments;
    fetch(url, options).then(
      async (answer) => done({
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      }),
      () => done({ status: 0, headers: {}, body: "" }),
    );
    """

    def __init__(self, driver, origin: str, url: str) -> None:
        self.driver, self.url = driver, url
        driver.set_script_timeout(PATIENCE)
        driver.get(origin)

    def send(self, method: str, path: str, token: str = "", body: object = None, **headers) -> dict:
        """Sends JSON with an access token; the status is 0 if the page may not read the answer."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["authorization"] = f"Bearer {token}"
        options = {"method": method, "headers": headers}
        if body is not None:
            headers["content-type"] = "application/json"
            options["body"] = json.dumps(body)
        return self.driver.execute_async_script(self.FETCH, self.url + path, options)

    def token(self, client_id: str, secret: str) -> str:
        """An access token of a client, got from the token endpoint."""
        credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        headers = {
            "authorization": f"Basic {credentials}",
            "content-type": "application/x-www-form-urlencoded",
        }
        options = {"method": "POST", "headers": headers, "body": "grant_type=client_credentials"}
        url = self.url + "/idhub/oidc/v1/token"
        answer = self.driver.execute_async_script(self.FETCH, url, options)
        return json.loads(answer["body"] or "{}").get("access_token", "")


class Provider:
    """An identity provider whose people the tenant trusts."""

    ISSUER = "https://login.example.org/realm"

    def __init__(self, folder: Path) -> None:
        self.key = folder / "provider.pem"
        self.openssl("genrsa", "-out", self.key, "2048")
        modulus = self.openssl("rsa", "-in", self.key, "-noout", "-modulus").decode()
        number = self.base64url(bytes.fromhex(modulus.strip().partition("=")[2]))
        self.jwk = {"kty": "RSA", "alg": "RS256", "kid": "1", "n": number, "e": "AQAB"}

    def token(self, tenant: str) -> str:
        """A person's token."""
        header = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        claims = {
            "iss": self.ISSUER, "sub": "mia", "aud": "page", "tenant": tenant,
            "iat": int(time.time()), "exp": int(time.time()) + 600, "given_name": "Mia",
        }  # fmt: skip
        parts = (self.base64url(json.dumps(part).encode()) for part in (header, claims))
        text = ".".join(parts)
        signature = self.openssl("dgst", "-sha256", "-sign", self.key, given=text.encode())
        return f"{text}.{self.base64url(signature)}"

    @staticmethod
    def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
        command = ["openssl", *arguments]
        return subprocess.run(command, input=given, check=True, capture_output=True).stdout

    @staticmethod
    def base64url(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def call_from(page: Page, variables: dict[str, str], folder: Path) -> Iterator[str]:
    """Ec8: a page of an origin that may call signs a person in, and reads and changes the profile
    with the person's token."""
    admin = page.token(variables["KITH_ADMIN_CLIENT_ID"], variables["KITH_ADMIN_CLIENT_SECRET"])
    provider, tenant = Provider(folder), variables["KITH_TENANT"]
    server = {
        "id": "login", "name": "Login", "subject_type": "predefined", "issuer": provider.ISSUER,
        "audience": "page", "jwks": {"keys": [provider.jwk]},
    }  # fmt: skip
    system = {"id": "webshop", "name": "Web shop", "attributes_definition": []}
    person = provider.token(tenant)
    shop = f"/api/v1/tenants/{tenant}/systems/webshop/users"
    servers, systems, me = "/api/v1/sso/authentication-servers", "/identity/config/systems", "/identity/me"
    for status, readable, call in (
        (201, "location etag", lambda: page.send("POST", servers, admin, server)),
        (201, "location etag", lambda: page.send("POST", systems, admin, system)),
        (201, "location etag", lambda: page.send("POST", shop, person)),
        (401, "www-authenticate", lambda: page.send("GET", me)),
        (404, "x-correlation-id", lambda: page.send("GET", "/nothing", x_request_id="page-1")),
    ):
        yield from missing(call(), status, readable)
    read = page.send("GET", me, person)
    yield from missing(read, 200, "etag x-request-id")
    tag = read["headers"].get("etag", "")
    yield from missing(page.send("GET", me, person, if_none_match=tag), 304, "")
    for status in (200, 412):
        answer = page.send("PATCH", me, person, {"family_name": "Maes"}, if_match=tag)
        yield from missing(answer, status, "etag")


def missing(answer: dict, status: int, readable: str) -> Iterator[str]:
    """The parts of an answer that a page should see and does not."""
    hidden = [name for name in readable.split() if name not in answer["headers"]]
    if answer["status"] != status or hidden:
        found = f"{answer['status']} without {hidden}: {answer['body'][:300]}"
        yield f"a page expected {status}, and found {found}"


PUBLIC = (
    "/idhub/oidc/v1/jwks",
    "/idhub/oidc/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/idhub/oidc",
    "/.well-known/oauth-protected-resource",
    "/openapi.json",
)


def read_public(page: Page) -> Iterator[str]:
    """Ec8: what is the same for everybody is read by pages of every origin that may call."""
    for path in PUBLIC:
        yield from missing(page.send("GET", path), 200, "")


def cross(driver, folder: Path) -> Iterator[str]:
    """Pages of other origins call a service that lets one of them, and one that lets none."""
    with origin() as mine, origin() as other:
        for options in ((), ("--cors", f"https://app.example.com,{mine}")):
            with tempfile.TemporaryDirectory(dir=folder) as data, service(
                Path(data), *options
            ) as variables:
                url = variables["KITH_URL"]
                if options:
                    page = Page(driver, mine, url)
                    yield from call_from(page, variables, folder)
                    yield from read_public(page)
                page = Page(driver, other, url)
                # Where origins are named, API Gateway lets no other one read anything.
                if not options:
                    yield from read_public(page)
                refused = PUBLIC if options else ()
                for call in (
                    *(lambda page=page, path=path: page.send("GET", path) for path in refused),
                    lambda page=page: page.send("GET", "/identity/users"),
                    lambda page=page: page.send("GET", "/identity/users", "x"),
                    lambda page=page: page.send("POST", "/identity/users", "x", {}),
                ):
                    if (answer := call())["status"] != 0:
                        yield f"a page of any origin reads {answer}"


def check(screenshots: Path | None) -> int:
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder, service(
        Path(folder)
    ) as variables, browser() as driver:
        wrong = [
            *look(driver, variables["KITH_URL"], screenshots),
            *ask(driver, variables, screenshots),
            *cross(driver, Path(folder)),
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
