"""PyJWT: a resource server that fetches the published keys and verifies access tokens with them."""

import jwt
import pytest
import requests
from conftest import ALL, Service, key_for
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

REQUIRED = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "tenant"]


def token_of(service: Service, client: dict) -> str:
    form = {"grant_type": "client_credentials"}
    credentials = (client["client_id"], client["client_secret"])
    return requests.post(service.token_endpoint, data=form, auth=credentials, timeout=10).json()[
        "access_token"
    ]


def verify(service: Service, token: str, audience: str, algorithm: str) -> dict:
    key = jwt.PyJWKClient(service.metadata["jwks_uri"]).get_signing_key_from_jwt(token)
    options = {"require": REQUIRED}
    return jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=audience,
        issuer=service.issuer,
        options=options,
    )


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_o5_a_token_is_verified_by_the_published_keys(service: Service, algorithm: str) -> None:
    client = service.register("client_secret_basic", access_token_signing_alg=algorithm)
    token = token_of(service, client)

    claims = verify(service, token, service.url, algorithm)

    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert (claims["sub"], claims["scope"]) == (client["client_id"], ALL)


def test_o5_a_token_is_for_its_audience_alone(service: Service) -> None:
    client = service.register("client_secret_basic", audience=["https://orders.example"])
    token = token_of(service, client)

    assert (
        verify(service, token, "https://orders.example", "ES256")["aud"] == "https://orders.example"
    )
    with pytest.raises(jwt.InvalidAudienceError):
        verify(service, token, service.url, "ES256")


def test_o8_no_published_key_is_that_of_a_foreign_token(service: Service, client: dict) -> None:
    header, claims = jwt.get_unverified_header(token_of(service, client)), {
        "sub": client["client_id"]
    }
    key = generate_private_key(SECP256R1())
    foreign = jwt.encode(
        claims, key, "ES256", headers=header | {"kid": key_for("ES256").thumbprint()}
    )
    forged = jwt.encode(claims, key, "ES256", headers=header)

    with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
        verify(service, foreign, service.url, "ES256")
    with pytest.raises(jwt.InvalidSignatureError):
        verify(service, forged, service.url, "ES256")
