"""Requests-OAuthlib, the oldest of the clients for Python."""

import pytest
from conftest import ALL, Service, person
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests_oauthlib import OAuth2Session


def credentials(client: dict) -> dict:
    return {"client_id": client["client_id"], "client_secret": client["client_secret"]}


def test_o4_a_session_uses_the_service(service: Service, client: dict) -> None:
    session = OAuth2Session(client=BackendApplicationClient(client["client_id"], scope=ALL))

    token = session.fetch_token(service.token_endpoint, **credentials(client))

    assert sorted(token.scopes) == ALL.split()
    created = session.post(service.users, json=person())
    assert created.status_code == 201, created.text
    assert session.get(service.url + created.headers["Location"]).json() == created.json()


def test_o6_a_session_refreshes_an_expired_token_by_itself(service: Service, client: dict) -> None:
    first = OAuth2Session(client=BackendApplicationClient(client["client_id"])).fetch_token(
        service.token_endpoint, **credentials(client)
    )
    rotated = []
    session = OAuth2Session(
        client["client_id"],
        token={name: first[name] for name in ["access_token", "refresh_token", "token_type"]}
        | {"expires_in": -30},
        auto_refresh_url=service.token_endpoint,
        auto_refresh_kwargs=credentials(client),
        token_updater=rotated.append,
    )

    assert session.post(service.users, json=person()).status_code == 201

    assert [token["refresh_token"] == first["refresh_token"] for token in rotated] == [False]


def test_o1_a_session_reports_what_is_refused(service: Service, client: dict) -> None:
    session = OAuth2Session(client=BackendApplicationClient(client["client_id"]))
    with pytest.raises(InvalidClientError):
        session.fetch_token(
            service.token_endpoint, client_id=client["client_id"], client_secret="kith_wrong"
        )
    with pytest.raises(InvalidScopeError):
        session.fetch_token(service.token_endpoint, scope="unknown", **credentials(client))
