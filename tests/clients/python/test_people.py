"""Authlib signs people in: an application that knows nothing of the service but its issuer gets
tokens for a code with PKCE, refreshes them, reads userinfo, and signs the person out."""

import os
import uuid
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from conftest import Service
from visitor import Visitor, connected

CALLBACK, BYE = "https://app.example/callback", "https://app.example/bye"
SCOPE = "openid profile email offline_access"


class Session(OAuth2Session):
    """Authlib's session, which reaches the service."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        connected(self)


class Framework:
    """What a web framework keeps: nothing here."""

    def update_token(self, token, refresh_token=None, access_token=None) -> None:
        pass


class Application(OAuth2Mixin, OpenIDMixin, BaseApp):
    """An application as Authlib's integrations for web frameworks make it."""

    client_cls = Session

    def __init__(self, service: Service, method: str, **fields) -> None:
        client = service.register(
            method,
            scopes=SCOPE.split(),
            grant_types=["authorization_code", "refresh_token"],
            redirect_uris=[CALLBACK],
            post_logout_redirect_uris=[BYE],
            first_party=True,
            **fields,
        )
        super().__init__(
            Framework(),
            "kith",
            client_id=client["client_id"],
            client_secret=client.get("client_secret"),
            server_metadata_url=f"{service.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
            },
        )

    def start(self, **parameters) -> dict:
        """The address that asks for a sign-in, and what the application remembers of it."""
        return self.create_authorization_url(CALLBACK, **parameters)

    def finish(self, started: dict, address: str) -> dict:
        """The tokens for the code of an answer, their ID token verified."""
        answer = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
        assert "error" not in answer, answer
        assert (answer["state"], answer["iss"]) == (
            started["state"],
            self.load_server_metadata()["issuer"],
        )
        token = self.fetch_access_token(
            CALLBACK, code=answer["code"], code_verifier=started["code_verifier"]
        )
        return token | {"userinfo": self.parse_id_token(token, started["nonce"])}

    def refresh(self, token: dict) -> dict:
        """A new token, by Authlib's session."""
        metadata = self.load_server_metadata()
        with self._get_oauth_client(**metadata) as session:
            return session.refresh_token(
                metadata["token_endpoint"], refresh_token=token["refresh_token"]
            )


def credentials() -> tuple[str, str]:
    return os.environ["KITH_PERSON_USERNAME"], os.environ["KITH_PERSON_PASSWORD"]


def error(address: str) -> str:
    return parse_qs(urlsplit(address).query)["error"][0]


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_g4_g8_a_person_signs_in_by_discovery_alone(service: Service, method: str) -> None:
    app, browser = Application(service, method), Visitor(service.url)

    started = app.start()
    address = browser.open(started["url"]).sign_in(*credentials()).url
    token = app.finish(started, address)

    assert address.startswith(f"{CALLBACK}?"), browser.text
    claims = token["userinfo"]
    assert claims["sub"] and claims["auth_time"] and claims["amr"] == ["pwd"]
    profile = app.userinfo(token=token)
    assert (profile["sub"], profile["preferred_username"]) == (claims["sub"], credentials()[0])
    renewed = app.refresh(token)
    assert renewed["access_token"] != token["access_token"]
    assert app.userinfo(token=renewed)["sub"] == claims["sub"]
    logout = app.create_logout_url(BYE, id_token_hint=token["id_token"])
    assert browser.open(logout["url"]).url == f"{BYE}?state={logout['state']}"
    again = app.start(prompt="none")
    assert error(browser.open(again["url"]).url) == "login_required"


def test_g7_a_code_that_is_used_twice_ends_what_the_first_use_gave(service: Service) -> None:
    app, browser = Application(service, "client_secret_basic"), Visitor(service.url)
    started = app.start()
    address = browser.open(started["url"]).sign_in(*credentials()).url
    token = app.finish(started, address)

    with pytest.raises(OAuthError, match="invalid_grant"):
        app.finish(started, address)

    with pytest.raises(OAuthError, match="invalid_grant"):
        app.refresh(token)
    assert app.get(app.load_server_metadata()["userinfo_endpoint"], token=token).status_code == 401


def test_g14_refresh_tokens_of_a_public_client_rotate(service: Service) -> None:
    app, browser = Application(service, "none"), Visitor(service.url)
    started = app.start()
    token = app.finish(started, browser.open(started["url"]).sign_in(*credentials()).url)

    renewed = app.refresh(token)

    assert renewed["refresh_token"] != token["refresh_token"]
    # Rule O6: a repetition within seconds gets the same.
    assert app.refresh(token)["refresh_token"] == renewed["refresh_token"]
    assert set(app.refresh(renewed)["scope"].split()) == set(SCOPE.split())


def test_g3_the_application_is_told_what_is_wrong(service: Service) -> None:
    app, browser = Application(service, "none"), Visitor(service.url)
    for wrong, told in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
    ):
        url, _, query = app.start()["url"].partition("?")
        asked = dict(parse_qsl(query)) | wrong
        assert error(browser.open(f"{url}?{urlencode(asked)}").url) == told


def test_g2_an_address_that_is_not_registered_is_a_page(service: Service) -> None:
    app, browser = Application(service, "none"), Visitor(service.url)
    address = app.create_authorization_url(f"{CALLBACK}/{uuid.uuid4()}")["url"]
    browser.open(address)
    assert (browser.status, browser.url) == (400, address)
