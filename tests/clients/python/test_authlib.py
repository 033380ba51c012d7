"""Authlib: a session as client, the metadata, and a resource server that validates tokens by RFC
9068."""

import re

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oidc.discovery import OpenIDProviderMetadata
from conftest import ALL, Service, key_for, person, soon

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]
ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]


def session_of(
    service: Service, client: dict, method: str = "client_secret_basic", **options
) -> OAuth2Session:
    return OAuth2Session(
        client["client_id"],
        client.get("client_secret"),
        token_endpoint=service.token_endpoint,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        **options,
    )


class Signing:
    """A client that signs, and its key."""

    def __init__(self, service: Service, algorithm: str) -> None:
        self.service, self.algorithm, self.key = service, algorithm, key_for(algorithm)
        self.client = service.register(
            "private_key_jwt", jwks={"keys": [self.key.as_dict(private=False)]}
        )

    def session(self, **claims) -> OAuth2Session:
        """A session whose assertions have these claims beside, or in place of, Authlib's own."""
        session = session_of(self.service, self.client, "private_key_jwt", scope=ALL)
        session.client_secret = self.key
        headers = {"kid": self.key.kid}
        auth = PrivateKeyJWT(
            self.service.token_endpoint, claims=claims or None, headers=headers, alg=self.algorithm
        )
        session.register_client_auth_method(auth)
        return session


@pytest.mark.parametrize("suffix", ["openid-configuration", "oauth-authorization-server"])
@pytest.mark.parametrize("external", [True, False])
def test_ec9_the_metadata_is_valid_wherever_clients_look_for_it(
    service: Service, suffix: str, external: bool
) -> None:
    # RFC 8414 puts the name of the document before the path of the issuer, OpenID Connect Discovery
    # after it.
    inserted = get_well_known_url(service.issuer, external=True, suffix=suffix)
    url = inserted if external else f"{service.issuer}/.well-known/{suffix}"
    found = requests.get(url, timeout=10).json()

    for kind in (AuthorizationServerMetadata, OpenIDProviderMetadata):
        metadata = kind(found)
        metadata.validate()
        assert metadata.issuer == service.issuer
    assert found == service.metadata


def test_ec9_a_client_that_knows_the_resource_alone_finds_the_issuer(service: Service) -> None:
    refused = requests.get(service.users, timeout=10)
    (url,) = set(re.findall('resource_metadata="([^"]+)"', refused.headers["WWW-Authenticate"]))
    resource = requests.get(url, timeout=10).json()

    # RFC 9728 §3.3 and §4: both documents name each other.
    assert resource["resource"] == service.url
    assert url == get_well_known_url(service.url, True, "oauth-protected-resource")
    (issuer,) = resource["authorization_servers"]
    url = get_well_known_url(issuer, external=True)
    metadata = AuthorizationServerMetadata(requests.get(url, timeout=10).json())
    metadata.validate()
    assert metadata["protected_resources"] == [resource["resource"]]
    assert set(resource["scopes_supported"]) <= set(metadata.scopes_supported)


def test_ec10_a_session_asks_for_the_resource_that_its_token_is_for(service: Service) -> None:
    shop = "https://shop.example"
    client = service.register("client_secret_basic", audience=[shop, service.url])
    for name in ["resource", "audience"]:
        session = session_of(service, client, scope="users:read")
        token = session.fetch_token(**{name: shop})["access_token"]
        assert ResourceServer(service, shop).admit(token, "users:read")["aud"] == shop
        with pytest.raises(InvalidTokenError):
            ResourceServer(service, service.url).admit(token, "users:read")
        with pytest.raises(OAuthError, match="invalid_target"):
            session_of(service, client).fetch_token(**{name: "https://other.example"})


@pytest.mark.parametrize("method", SECRET_METHODS)
def test_o4_a_session_with_a_secret_uses_the_service(service: Service, method: str) -> None:
    session = session_of(service, service.register(method), method, scope=ALL)

    token = session.fetch_token()

    assert (token["token_type"], token["scope"], token["expires_in"]) == ("Bearer", ALL, 900)
    created = session.post(service.users, json=person())
    assert created.status_code == 201, created.text
    read = session.get(service.url + created.headers["Location"])
    assert (read.status_code, read.json()) == (200, created.json())


@pytest.mark.parametrize("method", SECRET_METHODS)
def test_o6_a_session_rotates_refresh_tokens_by_itself(service: Service, method: str) -> None:
    rotated = []
    remember = lambda token, refresh_token: rotated.append(
        (refresh_token, token["refresh_token"])
    )  # noqa: E731
    # With more leeway than a token lives, each request finds it expired.
    session = session_of(
        service,
        service.register(method),
        method,
        scope="users:read",
        leeway=1000,
        update_token=remember,
    )
    first = session.fetch_token()["refresh_token"]

    for _ in range(3):
        assert session.get(f"{service.users}/unknown").status_code == 404

    old, new = zip(*rotated, strict=True)
    assert old == (first, *new[:-1])
    assert len({first, *new}) == 4
    assert session.refresh_token(scope="users:read")["scope"] == "users:read"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_o3_a_session_that_signs_uses_the_service(service: Service, algorithm: str) -> None:
    signing = Signing(service, algorithm)
    session = signing.session(exp=soon())

    token = session.fetch_token()

    assert session.post(service.users, json=person()).status_code == 201
    renewed = signing.session(exp=soon()).refresh_token(refresh_token=token["refresh_token"])
    assert renewed["refresh_token"] != token["refresh_token"]
    introspection = signing.session(exp=soon())
    endpoint = service.metadata["introspection_endpoint"]
    assert introspection.introspect_token(endpoint, token["access_token"]).json()["active"] is True
    endpoint = service.metadata["revocation_endpoint"]
    assert (
        signing.session(exp=soon()).revoke_token(endpoint, token["access_token"]).status_code == 200
    )
    endpoint = service.metadata["introspection_endpoint"]
    assert signing.session(exp=soon()).introspect_token(endpoint, token["access_token"]).json() == {
        "active": False
    }


def test_o3_an_assertion_is_short_and_single_and_signed_by_a_registered_key(
    service: Service,
) -> None:
    signing = Signing(service, "ES256")

    # Authlib's default is an hour.
    with pytest.raises(OAuthError) as long:
        signing.session().fetch_token()
    assert (long.value.error, long.value.description) == (
        "invalid_client",
        "the `exp` of the assertion must be at most 5 minutes away",
    )

    # Authlib gives all assertions of one object with claims the same `jti`.
    session = signing.session(exp=soon())
    session.fetch_token()
    with pytest.raises(OAuthError, match="invalid_client: the assertion was used before"):
        session.fetch_token()

    signing.key = key_for("ES256")
    with pytest.raises(OAuthError, match="invalid_client"):
        signing.session(exp=soon()).fetch_token()


def test_o7_a_session_introspects_and_revokes(service: Service, client: dict) -> None:
    session = session_of(service, client)
    token = session.fetch_token(scope="users:read")
    introspect = lambda kind: session.introspect_token(
        service.metadata["introspection_endpoint"], token[kind], kind
    ).json()  # noqa: E731
    revoke = lambda kind: session.revoke_token(
        service.metadata["revocation_endpoint"], token[kind], kind
    ).status_code  # noqa: E731

    for kind in ["access_token", "refresh_token"]:
        content = introspect(kind)
        assert (content["active"], content["client_id"], content["scope"]) == (
            True,
            client["client_id"],
            "users:read",
        )
        assert revoke(kind) == 200
        assert introspect(kind) == {"active": False}
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token()


def test_o1_a_session_reports_what_is_refused(service: Service, client: dict) -> None:
    for method in SECRET_METHODS:
        with pytest.raises(OAuthError, match="invalid_client"):
            session_of(service, client | {"client_secret": "kith_wrong"}, method).fetch_token()
    for scope in ["administrator", "unknown"]:
        with pytest.raises(OAuthError, match="invalid_scope"):
            session_of(service, client, scope=scope).fetch_token()
    with pytest.raises(OAuthError, match="unsupported_grant_type"):
        session_of(service, client).fetch_token(username="jan", password="secret")
    with pytest.raises(OAuthError, match="invalid_grant"):
        session_of(service, client).refresh_token(refresh_token="unknown")


class ResourceServer(JWTBearerTokenValidator):
    """Another service that takes this one's tokens."""

    def __init__(self, service: Service, name: str) -> None:
        super().__init__(service.issuer, name)
        self.keys = requests.get(service.metadata["jwks_uri"], timeout=10).json()

    def get_jwks(self) -> dict:
        return self.keys

    def admit(self, token: str, scope: str) -> dict:
        claims = self.authenticate_token(token)
        self.validate_token(claims, [scope], request=None)
        return claims


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_o5_a_resource_server_takes_the_tokens_as_rfc_9068_says(
    service: Service, algorithm: str
) -> None:
    client = service.register("client_secret_basic", access_token_signing_alg=algorithm)
    token = session_of(service, client).fetch_token(scope="users:read")["access_token"]

    claims = ResourceServer(service, service.url).admit(token, "users:read")

    assert (claims["client_id"], claims.header["alg"]) == (client["client_id"], algorithm)
    with pytest.raises(InsufficientScopeError):
        ResourceServer(service, service.url).admit(token, "users:write")
    with pytest.raises(InvalidTokenError):
        ResourceServer(service, "https://other.example").admit(token, "users:read")
    head, body, signature = token.split(".")
    with pytest.raises(InvalidTokenError):
        ResourceServer(service, service.url).admit(f"{head}.{body}.{signature[::-1]}", "users:read")
