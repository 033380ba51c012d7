"""People on the deployed stack: the rights of the roles by which they sign in and work.

    people.py CLIENT_ID CLIENT_SECRET   inside deploy_local.py, as a client with the scope administrator

The first administrator comes by `kith admin invite`. openid-client and Authlib then sign that person
in. The rest walks through what people do with passwords, sessions and the API, so that each function
asks the table for all that it ever needs.
"""

import json
import os
import subprocess
import sys

from machine import ROOT

sys.path[:0] = [str(ROOT / "tests" / "clients" / name) for name in ("python", "")]

import requests  # noqa: E402
from visitor import Visitor, connected  # noqa: E402

import run  # noqa: E402

TENANT = "acme"
FRONT = os.environ["KITH_URL"]
METADATA = "/idhub/oidc/.well-known/openid-configuration"
BASE = requests.get(FRONT + METADATA, timeout=30).json()["issuer"].removesuffix("/idhub/oidc")
ORDINARY, BETTER = "brass-lantern-quiet-meadow", "seven-paper-kites-in-march"


def expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise SystemExit(f"people: {otherwise}")


def kith(*arguments: str) -> str:
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "kith"
    table = ["--table", os.environ["KITH_TABLE"], "--endpoint", os.environ["KITH_ENDPOINT"]]
    done = subprocess.run(
        [program, "--json", *table, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


class Api:
    """The API, for the administrator's client."""

    def __init__(self, client_id: str, secret: str) -> None:
        self.web = connected(requests.Session(), BASE, FRONT)
        form = {"grant_type": "client_credentials"}
        url = f"{BASE}/idhub/oidc/v1/token"
        issued = self.web.post(url, data=form, auth=(client_id, secret), timeout=30).json()
        self.web.headers["Authorization"] = f"Bearer {issued['access_token']}"

    def ask(self, status: int, method: str, path: str, body: object = None, **headers: str) -> dict:
        answer = self.web.request(method, BASE + path, json=body, headers=headers, timeout=30)
        expect(answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else {}

    def person(self, username: str, password: str, **fields: object) -> dict:
        """A person who has signed in once with a password of an administrator and changed it."""
        made = self.ask(201, "POST", "/identity/users", {"username": username} | fields)
        path = f"/identity/users/{made['id']}/temporary-password"
        temporary = self.ask(200, "POST", path, {})["password"]
        browser = visitor()
        browser.open(f"{BASE}/idhub/login/{TENANT}").sign_in(username, temporary)
        browser.send("/idhub/login/new-password", new_password=password)
        expect(signed_in(browser), f"{username} is not signed in: {browser.text}")
        return made


def visitor() -> Visitor:
    return Visitor(BASE, FRONT)


def at_sign_in(username: str, password: str) -> Visitor:
    return visitor().open(f"{BASE}/idhub/login/{TENANT}").sign_in(username, password)


def signed_in(browser: Visitor) -> bool:
    return browser.open(f"{BASE}/idhub/account").status == 200 and browser.url.endswith("account")


def ok(browser: Visitor, status: int, method: str, path: str, body: object = None, **headers: str):
    answer = browser.call(method, path, body, **headers)
    expect(answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}")
    return answer


def first_administrator() -> str:
    """The link of the first administrator."""
    made = kith(
        "admin", "invite", "--tenant", TENANT, "--username", "boss", "--email", "boss@example.org",
        "--base-url", BASE,
    )  # fmt: skip
    return json.loads(made)["link"]


def clients(client_id: str, secret: str, link: str) -> None:
    """Stock clients sign the administrator in by discovery alone."""
    variables = {
        "KITH_URL": BASE, "KITH_CONNECT": FRONT, "KITH_TENANT": TENANT,
        "KITH_ADMIN_CLIENT_ID": client_id, "KITH_ADMIN_CLIENT_SECRET": secret,
    }  # fmt: skip
    expect(run.sign_in(run.enrol(variables, "boss", link)), "a client does not sign people in")


def by_cookie(boss: Visitor) -> None:
    """Each function takes the session of a person who has rights."""
    for path in (
        "/identity/users?limit=1", "/identity/config/attribute-definitions?limit=1",
        "/config/persona-definitions?limit=1", "/api/v1/sso/applications?limit=1",
        "/config/clients?limit=1", "/identity/change-requests?limit=1", "/identity/me",
        "/identity/me/sessions", "/identity/me/consents", "/idhub/oidc/v1/userinfo",
    ):  # fmt: skip
        ok(boss, 200, "GET", path)
    ina = {"username": "ina", "preferred_email": "ina@example.org", "invite": False}
    made = ok(boss, 201, "POST", "/identity/users", ina).json()
    path = f"/identity/users/{made['id']}"
    ok(boss, 204, "POST", f"{path}/invite")
    persona = ok(boss, 201, "POST", f"{path}/personas", {"name": "auditor"}).json()
    ok(boss, 200, "GET", f"{path}/personas")
    ok(boss, 200, "POST", f"{path}/personas/{persona['id']}/suspend")
    # Each function that takes the right of an administrator looks for another one.
    for way in (("DELETE", 204, ""), ("POST", 200, "/suspend")):
        deputy = ok(boss, 201, "POST", f"{path}/personas", {"name": "administrator"}).json()
        ok(boss, way[1], way[0], f"{path}/personas/{deputy['id']}{way[2]}")
    owner = {"name": "owner", "portal_scopes": ["administrator", "users:read"]}
    owner = ok(boss, 201, "POST", "/config/persona-definitions", owner).json()
    less = {"portal_scopes": ["users:read"]}
    definition = f"/config/persona-definitions/{owner['id']}"
    ok(boss, 200, "PATCH", definition, less, **{"If-Match": "*"})
    ok(boss, 204, "DELETE", path)
    category = ok(boss, 201, "POST", "/identity/config/attribute-categories", {"name": "badges"})
    ok(boss, 204, "DELETE", f"/identity/config/attribute-categories/{category.json()['id']}")
    application = {"id": "desk", "name": "Desk", "subject_type": "username"}
    ok(boss, 201, "POST", "/api/v1/sso/applications", application)
    ok(boss, 204, "DELETE", "/api/v1/sso/applications/desk")
    me = ok(boss, 200, "GET", "/identity/me").json()["id"]
    refused = boss.call("DELETE", f"/identity/users/{me}")
    last = refused.json().get("type") == "/problems/last-administrator"
    expect(refused.status_code == 409 and last, f"the last administrator goes: {refused.text}")


def credentials(api: Api) -> None:
    """A person changes a password, an address and browsers, and asks for what was forgotten."""
    made = api.person("lea", ORDINARY, preferred_email="lea@example.org", given_name="Lea")
    first, second = at_sign_in("lea", ORDINARY), at_sign_in("lea", ORDINARY)
    expect(signed_in(first) and signed_in(second), "nobody is signed in")
    first.send("/idhub/account/sessions/end", others="1")
    expect(signed_in(first) and not signed_in(second), "other browsers are signed in")
    first.open(f"{BASE}/idhub/account")
    first.send("/idhub/account/password", current_password=ORDINARY, new_password=BETTER)
    expect(signed_in(at_sign_in("lea", BETTER)), "the new password is not good")
    wrong = at_sign_in("lea", ORDINARY)
    expect(not signed_in(wrong), "the old password is good")
    first.open(f"{BASE}/idhub/account")
    first.send("/idhub/account/address", email="lea@example.com")
    first.open(f"{BASE}/idhub/account").send("/idhub/account/address/cancel")
    asked = visitor().open(f"{BASE}/idhub/login/forgot?tenant={TENANT}")
    asked.send("/idhub/login/forgot", username="lea")
    asked.open(f"{BASE}/idhub/login/forgot-username?tenant={TENANT}")
    asked.send("/idhub/login/forgot-username", email="lea@example.org")
    sessions = api.ask(200, "GET", f"/identity/users/{made['id']}/sessions")["items"]
    expect(len(sessions) >= 2, f"too few sessions: {sessions}")
    path = f"/identity/users/{made['id']}/sessions"
    api.ask(204, "DELETE", f"{path}/{sessions[-1]['id']}")
    api.ask(204, "DELETE", path)
    expect(not signed_in(first), "an ended session is alive")
    api.ask(200, "GET", f"/identity/users/{made['id']}/principals")
    out = at_sign_in("lea", BETTER).open(f"{BASE}/idhub/account")
    out.send("/idhub/account/sign-out")
    expect(not signed_in(out), "the sign-out did nothing")


def ends(api: Api) -> None:
    """Block, unlink and forget end what people have."""
    made = api.person("ole.langkaer", ORDINARY)
    path = f"/identity/users/{made['id']}"
    for end, back in (
        ("block", "unblock"),
        ("principals/system/unlink", "principals/system/link"),
    ):
        browser = at_sign_in("ole.langkaer", ORDINARY)
        expect(signed_in(browser), "nobody is signed in")
        api.ask(200, "POST", f"{path}/{end}")
        expect(browser.call("GET", "/identity/me").status_code == 401, f"alive after {end}")
        api.ask(200, "POST", f"{path}/{back}")
    browser = at_sign_in("ole.langkaer", ORDINARY)
    kith("session", "end", "--tenant", TENANT, "--user", made["id"])
    expect(browser.call("GET", "/identity/me").status_code == 401, "alive after `kith session end`")
    browser = at_sign_in("ole.langkaer", ORDINARY)
    ok(browser, 204, "DELETE", "/identity/me")
    expect(browser.call("GET", "/identity/me").status_code == 401, "alive after a forget")
    kith("forget", "--tenant", TENANT, made["id"], "--verify", "ole.langkaer")


def mails() -> None:
    """The mailer is called by its schedule; without a sender it sends nothing and fails at nothing."""
    import boto3

    functions = boto3.client("lambda", endpoint_url=os.environ["KITH_ENDPOINT"])
    answer = functions.invoke(
        FunctionName=os.environ["KITH_MAILER"], Qualifier="live", Payload=b"{}"
    )
    expect("FunctionError" not in answer, f"the mailer fails: {answer['Payload'].read()}")


def main() -> None:
    client_id, secret = sys.argv[1:]
    api = Api(client_id, secret)
    clients(client_id, secret, first_administrator())
    boss = at_sign_in("boss", ORDINARY)
    expect(signed_in(boss), f"the administrator is not signed in: {boss.text}")
    by_cookie(boss)
    credentials(api)
    ends(api)
    mails()
    print(f"people: they sign in at {BASE}")


if __name__ == "__main__":
    main()
