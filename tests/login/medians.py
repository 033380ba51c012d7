#!/usr/bin/env python3
"""Measures whether the time of an answer tells who has an account (rules G39, G40).

Starts `kith serve` in memory, makes persons of six kinds, and tries to sign each of them in once
with a password that cannot succeed. The kinds take turns in random order. The medians of the times
must differ by less than 5 per cent, and the answers must be equal but for their sealed fields. The
page for a forgotten password is measured likewise, for a known and an unknown username.

    medians.py                     200 tries of each kind
    medians.py --tries 50          fewer
    medians.py --program target/release/kith

Nothing needs to be installed. Run it on a machine that does nothing else.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
MOST = 0.05
WRONG = "incorrect horse battery staple"
FORM = "application/x-www-form-urlencoded"


class Service:
    """A service in a process of its own."""

    def __init__(self, program: Path, folder: Path):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KITH")}
        self.process = subprocess.Popen(
            [program, "--data", folder, "serve", "--listen", "127.0.0.1:0", "--memory"],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.variables = self._variables(folder / "demo.env")
        self.port = int(re.search(r":(\d+)", self.variables["KITH_URL"])[1])
        self.base = self.variables["KITH_URL"]
        self.token = self._token()

    @staticmethod
    def _variables(file: Path) -> dict[str, str]:
        deadline = time.monotonic() + 30
        while not file.exists():
            if time.monotonic() > deadline:
                raise SystemExit("the service does not start")
            time.sleep(0.1)
        time.sleep(0.5)
        lines = (line.removeprefix("export ") for line in file.read_text().splitlines())
        pairs = (line.split("=", 1) for line in lines if "=" in line)
        return {name: value.strip("'\"") for name, value in pairs}

    def _token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.variables["KITH_ADMIN_CLIENT_ID"],
            "client_secret": self.variables["KITH_ADMIN_CLIENT_SECRET"],
        }
        path, headers = "/idhub/oidc/v1/token", {"Content-Type": FORM}
        status, _, body = self.send("POST", path, urlencode(form), headers)
        assert status == 200, body
        return json.loads(body)["access_token"]

    def send(self, method, path, body=None, headers=None, source="127.0.0.1"):
        """One request on a connection of its own: status, headers, body."""
        status, answered, body, _ = self.timed(method, path, body, headers, source)
        return status, answered, body

    def timed(self, method, path, body=None, headers=None, source="127.0.0.1"):
        """The same with the seconds from the request to the answer, without those to connect."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, source_address=(source, 0))
        connection.connect()
        host = {"Host": self.base.split("://")[1]}
        started = time.perf_counter()
        connection.request(method, path, body, host | (headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        taken = time.perf_counter() - started
        connection.close()
        return answer.status, answer.getheaders(), content.decode(), taken

    def api(self, method, path, content=None, expected=(200, 201, 204), **headers):
        """A call of the API as its administrator."""
        body = None if content is None else json.dumps(content)
        headers |= {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, _, body = self.send(method, path, body, headers)
        assert status in expected, (method, path, status, body)
        return json.loads(body) if body else None

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


class Browser:
    """A browser with a page whose form it can send."""

    def __init__(self, service: Service, path: str):
        self.service, self.path = service, path
        self.action = None

    def open(self):
        """Asks for the page."""
        status, headers, body = self.service.send("GET", self.path)
        assert status == 200, body
        cookies = [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]
        self.cookies = "; ".join(cookies)
        form = next(form for form in body.split("<form")[1:] if 'method="post"' in form)
        self.action = re.search(r'action="([^"]*)"', form)[1].replace("&amp;", "&")
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        self.hidden = dict(hidden)

    def submit(self, fields: dict[str, str], source: str):
        """Sends the form; what the answer shows, and the seconds that it took."""
        headers = {
            "Content-Type": FORM,
            "Origin": self.service.base,
            "Sec-Fetch-Site": "same-origin",
            "Cookie": self.cookies,
            "Accept-Language": "en",
        }
        body = urlencode(self.hidden | fields)
        status, answered, body, taken = self.service.timed(
            "POST", self.action, body, headers, source
        )
        names = tuple(sorted(name.lower() for name, _ in answered))
        for value in fields.values():
            body = body.replace(value, "…")
        sealed = r'name="(state|form_token)" value="([^"]*)"'
        body = re.sub(sealed, lambda match: f"{match[1]} {len(match[2])}", body)
        return (status, names, body), taken


def prepare(service: Service, tries: int) -> dict[str, list[tuple[str, str]]]:
    """Persons of each kind, with the password that is tried. All names have one length."""
    def person(username: str) -> str:
        profile = {"username": username, "preferred_email": f"{username}@example.org"}
        user = service.api("POST", "/identity/users", profile)
        return f"/identity/users/{user['id']}"

    def password(path: str) -> str:
        made = service.api("POST", f"{path}/temporary-password", {}, **{"If-Match": "*"})
        return made["password"]

    def wrong(name: str) -> tuple[str, str]:
        password(person(name))
        return name, WRONG

    def none(name: str) -> tuple[str, str]:
        person(name)
        return name, WRONG

    def blocked(name: str) -> tuple[str, str]:
        path = person(name)
        password(path)
        service.api("POST", f"{path}/block")
        return name, WRONG

    def unlinked(name: str) -> tuple[str, str]:
        path = person(name)
        right = password(path)
        service.api("POST", f"{path}/principals/system/unlink")
        return name, right

    kinds = {
        "unknown username": lambda name: (name, WRONG),
        "wrong password": wrong,
        "no password": none,
        "blocked": blocked,
        "unlinked, right password": unlinked,
        "no username at all": lambda name: (name.replace("-", " "), WRONG),
    }
    return {
        kind: [make(f"{'uwnblx'[i]}-{number:05}") for number in range(tries)]
        for i, (kind, make) in enumerate(kinds.items())
    }


def measure(browser: Browser, attempts: list[tuple[str, dict[str, str]]]) -> bool:
    """Makes the attempts in random order and compares; whether they are alike."""
    random.shuffle(attempts)
    times, shown = {}, {}
    for number, (kind, fields) in enumerate(attempts):
        if number % 100 == 0:
            browser.open()
        # The failures of one network are counted together.
        source = f"127.{1 + number // 60000}.{number // 250 % 250}.{1 + number % 250}"
        answer, taken = browser.submit(fields, source)
        times.setdefault(kind, []).append(taken)
        shown.setdefault(answer, set()).add(kind)
    medians = {kind: statistics.median(taken) * 1000 for kind, taken in times.items()}
    for kind, median in medians.items():
        print(f"  {kind:28} {median:7.2f} ms, {len(times[kind])} tries")
    least, most = min(medians.values()), max(medians.values())
    spread = (most - least) / least
    print(f"  the medians differ by {spread:.1%}; {len(shown)} kind(s) of answers")
    if len(shown) > 1:
        for (status, headers, body), kinds in shown.items():
            print(f"  {status} {len(body)} characters, headers {headers}: {sorted(kinds)}")
    return spread < MOST and len(shown) == 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--program", type=Path, default=ROOT / "target/debug/kith")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-", ignore_cleanup_errors=True) as folder:
        service = Service(options.program.resolve(), Path(folder))
        try:
            persons = prepare(service, options.tries)
            print("Sign-in")
            alike = measure(
                Browser(service, "/idhub/login/acme"),
                [
                    (kind, {"username": username, "password": password})
                    for kind, attempts in persons.items()
                    for username, password in attempts
                ],
            )
            print("Forgotten password")
            alike &= measure(
                Browser(service, "/idhub/login/forgot?tenant=acme"),
                [
                    (kind, {"username": username})
                    for kind in ("unknown username", "wrong password")
                    for username, _ in persons[kind]
                ],
            )
        finally:
            service.stop()
    print("alike" if alike else "NOT alike")
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
