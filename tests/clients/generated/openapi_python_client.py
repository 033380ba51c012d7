"""The onboarding flow with the client that openapi-python-client generates."""

import base64
import os
import uuid

from kith_client import AuthenticatedClient
from kith_client.api.definitions import create_attribute_definition, create_persona_definition
from kith_client.api.personas import create_persona
from kith_client.api.token import issue_token
from kith_client.api.users import create_user, get_user, patch_user, query_users
from kith_client.models import (
    AttributeDefinitionInput,
    Attributes,
    AttributesPatch,
    DataFormat,
    FilterFields,
    GrantType,
    PersonaDefinitionInput,
    PersonaInput,
    Problem,
    TokenRequest,
    TokenResponse,
    User,
    UserInput,
    UserPatch,
    UserQuery,
    UserQueryResult,
)

URL, RUN = os.environ["KITH_URL"], uuid.uuid4().hex[:8]


def authenticated(prefix: str) -> AuthenticatedClient:
    credentials = f"{os.environ[prefix + '_CLIENT_ID']}:{os.environ[prefix + '_CLIENT_SECRET']}"
    basic = base64.b64encode(credentials.encode()).decode()
    client = AuthenticatedClient(URL, basic, prefix="Basic")
    token = issue_token.sync(client=client, body=TokenRequest(GrantType.CLIENT_CREDENTIALS))
    assert isinstance(token, TokenResponse), token
    return AuthenticatedClient(URL, token.access_token)


admin, crm = authenticated("KITH_ADMIN"), authenticated("KITH")

badge = AttributeDefinitionInput("common", DataFormat.TEXT, f"badge-{RUN}")
assert create_attribute_definition.sync_detailed(client=admin, body=badge).status_code == 201
guest = PersonaDefinitionInput(f"guest-{RUN}")
assert create_persona_definition.sync_detailed(client=admin, body=guest).status_code == 201

user = create_user.sync_detailed(
    client=crm,
    idempotency_key=RUN,
    body=UserInput(
        username=f"jan.{RUN}",
        preferred_email=f"jan.{RUN}@example.org",
        attributes=Attributes.from_dict({"common": {badge.name: ["42"]}}),
    ),
)
assert isinstance(user.parsed, User) and user.headers["location"].endswith(str(user.parsed.id))
persona = create_persona.sync_detailed(
    str(user.parsed.id), client=crm, body=PersonaInput(name=guest.name)
)
assert persona.status_code == 201, persona.content

email = FilterFields.from_dict({"preferred_email": f"JAN.{RUN}@example.org"})
found = query_users.sync(client=crm, body=UserQuery(email))
assert isinstance(found, UserQueryResult), found
assert [one.id for one in found.items] == [user.parsed.id]

read = get_user.sync_detailed(str(user.parsed.id), client=crm)
assert isinstance(read.parsed, User) and read.parsed.personas[0].name == guest.name
assert read.parsed.attributes["common"][badge.name] == ["42"]
changes = UserPatch(attributes=AttributesPatch.from_dict({"common": {badge.name: ["43"]}}))
patched = patch_user.sync(
    str(user.parsed.id), client=crm, if_match=read.headers["etag"], body=changes
)
assert isinstance(patched, User) and patched.attributes["common"][badge.name] == ["43"], patched
stale = patch_user.sync(
    str(user.parsed.id), client=crm, if_match=read.headers["etag"], body=UserPatch(given_name="Jan")
)
assert isinstance(stale, Problem) and stale.status == 412, stale
