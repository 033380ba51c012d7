"""A person with a browser that runs no scripts, for clients that send people to sign in."""

import os
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter


class Detour(HTTPAdapter):
    """Sends the requests for one origin to another address; headers, cookies and answers are those
    of the origin."""

    def __init__(self, base: str, address: str) -> None:
        super().__init__()
        self.base, self.address = base, address

    def send(self, request, **options):
        url = request.url
        request.url = self.address + url.removeprefix(self.base)
        try:
            answer = super().send(request, **options)
        finally:
            request.url = url
        answer.url = url
        return answer


def connected(
    session: requests.Session, base: str | None = None, address: str | None = None
) -> requests.Session:
    """The session, which reaches the service at an address, or at `KITH_CONNECT`, if its own name
    leads nowhere."""
    address = address or os.environ.get("KITH_CONNECT")
    if address:
        base = base or os.environ["KITH_URL"]
        session.mount(base, Detour(base, address))
    return session


@dataclass
class Form:
    """A form of a page, with the fields that are filled in."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Reads the forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self.forms.append(Form(given.get("action") or ""))
        elif tag == "input" and self.forms and given.get("name"):
            chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if chosen and "disabled" not in given:
                self.forms[-1].fields[given["name"]] = given.get("value") or ""


class Visitor:
    """A browser that is at a page of the service, or has left it."""

    def __init__(self, base: str, address: str | None = None) -> None:
        self.base = base
        self.session = connected(requests.Session(), base, address)
        self.url, self.text, self.status = "", "", 0

    def open(self, url: str) -> "Visitor":
        """Follows the redirects of the service until a page, or until they lead elsewhere."""
        return self._go("GET", url)

    def send(self, action: str, **fields: str) -> "Visitor":
        """Sends the form of the page that has this action."""
        found = [form for form in Forms(self.text).forms if urlsplit(form.action).path == action]
        assert found, f"{self.url} has no form for {action}: {self.text}"
        origin = {"Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        url = urljoin(self.url, found[0].action)
        return self._go("POST", url, data=found[0].fields | fields, headers=origin)

    def _go(self, method: str, url: str, **options) -> "Visitor":
        for _ in range(10):
            self.url = url
            if not url.startswith(self.base + "/"):
                self.text, self.status = "", 0
                return self
            answer = self.session.request(
                method, url, allow_redirects=False, timeout=30, **options
            )
            self.status, self.text = answer.status_code, answer.text
            if not answer.is_redirect:
                return self
            method, url, options = "GET", urljoin(url, answer.headers["Location"]), {}
        raise AssertionError(f"redirects without end at {url}")

    def call(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        """A request to the API from a page of the service, by the cookie of the session."""
        sent = {"Kith-Portal": "1", "Origin": self.base, "Sec-Fetch-Site": "same-origin"}
        return self.session.request(
            method, self.base + path, json=body, headers=sent | headers, timeout=30
        )

    def sign_in(self, username: str, password: str) -> "Visitor":
        """Sends the form of the sign-in page."""
        return self.send("/idhub/login/password", username=username, password=password)

    def set_password(self, link: str, password: str) -> "Visitor":
        """Follows the link of an invitation, pasted because no script reads it, and sets a
        password."""
        self.open(link.partition("#")[0]).send("/idhub/login/link", link=link)
        assert 'name="new_password"' in self.text, self.text
        return self.send("/idhub/login/link", act="password", new_password=password)
