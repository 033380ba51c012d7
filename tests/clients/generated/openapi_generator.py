"""The onboarding flow with the client that openapi-generator generates."""

import os
import uuid

from kith_client import (
    ApiClient,
    AttributeDefinitionInput,
    Configuration,
    DataFormat,
    DefinitionsApi,
    GrantType,
    PersonaDefinitionInput,
    PersonaInput,
    PersonasApi,
    Problem,
    TokenApi,
    UserInput,
    UserPatch,
    UserQuery,
    UserQueryFilter,
    UsersApi,
)
from kith_client.exceptions import ApiException

URL, RUN = os.environ["KITH_URL"], uuid.uuid4().hex[:8]


def authenticated(prefix: str) -> ApiClient:
    token = TokenApi(ApiClient(Configuration(URL))).issue_token(
        GrantType.CLIENT_CREDENTIALS,
        client_id=os.environ[f"{prefix}_CLIENT_ID"],
        client_secret=os.environ[f"{prefix}_CLIENT_SECRET"],
    )
    return ApiClient(Configuration(URL, access_token=token.access_token))


admin, crm = DefinitionsApi(authenticated("KITH_ADMIN")), authenticated("KITH")
users = UsersApi(crm)

badge = admin.create_attribute_definition(
    AttributeDefinitionInput(
        category="common", name=f"badge-{RUN}", data_format=DataFormat.TEXT
    )
)
guest = admin.create_persona_definition(PersonaDefinitionInput(name=f"guest-{RUN}"))

created = users.create_user_with_http_info(
    UserInput(
        username=f"jan.{RUN}",
        preferred_email=f"jan.{RUN}@example.org",
        attributes={"common": {badge.name: ["42"]}},
    ),
    idempotency_key=RUN,
)
user = str(created.data.id)
assert created.headers and created.headers["location"].endswith(user)
persona = PersonasApi(crm).create_persona(user, PersonaInput(name=guest.name))

email = UserQueryFilter({"preferred_email": f"JAN.{RUN}@example.org"})
found = users.query_users(UserQuery(filter=email))
assert [str(one.id) for one in found.items] == [user]

read = users.get_user_with_http_info(user)
assert read.headers and read.data.personas[0].id == persona.id
assert read.data.attributes["common"][badge.name] == ["42"]
etag = read.headers["etag"]
changes = UserPatch(attributes={"common": {badge.name: ["43"]}})
assert users.patch_user(etag, user, changes).attributes["common"][badge.name] == ["43"]
try:
    users.patch_user(etag, user, UserPatch(given_name="Jan"))
except ApiException as stale:
    assert isinstance(stale.data, Problem) and stale.data.status == 412, stale
else:
    raise AssertionError("a stale tag was taken")
