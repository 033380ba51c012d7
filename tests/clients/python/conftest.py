"""The service that the libraries are tried on, and clients registered with it."""

import os
import time
import uuid

# The service under test is plain HTTP on loopback; both libraries refuse that unless these options
# allow it.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import pytest  # noqa: E402
import requests  # noqa: E402
from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: E402
from visitor import connected  # noqa: E402

ALL = "users:read users:write"


class Service:
    """A running service, as its metadata describes it, and an administrator's token."""

    def __init__(self) -> None:
        self.web = connected(requests.Session())
        self.url = os.environ["KITH_URL"]
        self.issuer = f"{self.url}/idhub/oidc"
        self.users = f"{self.url}/identity/users"
        self.metadata = self.web.get(
            f"{self.issuer}/.well-known/openid-configuration", timeout=10
        ).json()
        self.token_endpoint = self.metadata["token_endpoint"]
        credentials = (os.environ["KITH_ADMIN_CLIENT_ID"], os.environ["KITH_ADMIN_CLIENT_SECRET"])
        form = {"grant_type": "client_credentials", "scope": "administrator"}
        issued = self.web.post(self.token_endpoint, data=form, auth=credentials, timeout=10)
        issued.raise_for_status()
        self.administrator = {"Authorization": f"Bearer {issued.json()['access_token']}"}

    def register(self, method: str, **fields) -> dict:
        """A new client that may read and write users, with a refresh token unless `fields` say
        otherwise."""
        client = {
            "name": f"{method} {uuid.uuid4()}",
            "token_endpoint_auth_method": method,
            "scopes": ALL.split(),
            "grant_types": ["client_credentials", "refresh_token"],
        }
        answer = self.web.post(
            f"{self.url}/config/clients",
            json=client | fields,
            headers=self.administrator,
            timeout=10,
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    def is_active(self, client: dict, token: str) -> bool:
        """The answer of introspection to a client with a secret, without any library."""
        credentials = (client["client_id"], client["client_secret"])
        endpoint = self.metadata["introspection_endpoint"]
        return self.web.post(endpoint, data={"token": token}, auth=credentials, timeout=10).json()[
            "active"
        ]


def key_for(algorithm: str):
    """A new key pair for an algorithm, whose public part can be registered."""
    parameters = {"alg": algorithm, "use": "sig", "kid": str(uuid.uuid4())}
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


def person() -> dict:
    """A person with a unique username."""
    return {"username": f"jan.{uuid.uuid4()}", "given_name": "Jan"}


def soon() -> int:
    """A minute from now, as a NumericDate."""
    return int(time.time()) + 60


@pytest.fixture(scope="session")
def service() -> Service:
    return Service()


@pytest.fixture(scope="module")
def client(service: Service) -> dict:
    """A client with a secret."""
    return service.register("client_secret_basic")
