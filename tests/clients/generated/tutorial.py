"""The tutorial of back-end registration of the source system, in its order and with its scopes, with
the client that openapi-generator generates: eight calls from the token to the changed user."""

import os
import uuid

from kith_client import (
    ApiClient,
    Configuration,
    DefinitionsApi,
    GrantType,
    LanguageTagsInput,
    PersonaInput,
    PersonasApi,
    TokenApi,
    UserInput,
    UserPatch,
    UserPatchAttributeValuesInner,
    UserQuery,
    UserQueryFilter,
    UsersApi,
)

URL, RUN = os.environ["KITH_URL"], uuid.uuid4().hex[:8]

# 1. A token.
token = TokenApi(ApiClient(Configuration(URL))).issue_token(
    GrantType.CLIENT_CREDENTIALS,
    client_id=os.environ["KITH_CLIENT_ID"],
    client_secret=os.environ["KITH_CLIENT_SECRET"],
    scope="users:read users:write config:read",
)
client = ApiClient(Configuration(URL, access_token=token.access_token))
users, definitions = UsersApi(client), DefinitionsApi(client)

# 2. Create a user.
created = users.create_user(
    UserInput(
        username=f"mia.{RUN}",
        id_at_customer=f"CRM-{RUN}",
        given_name="Mia",
        family_name="Maes",
        preferred_email=f"mia.{RUN}@example.org",
        ui_locales=LanguageTagsInput("nl-BE"),
    ),
    idempotency_key=RUN,
)

# 3. Give the user a persona: find its definition, then add it.
(consumer,) = definitions.list_persona_definitions(name="consumer").items
persona = PersonasApi(client).create_persona(
    str(created.id), PersonaInput(persona_definition_id=consumer.id)
)
assert persona.name == "consumer"

# 4. Change an attribute: find its definition, find the user, read the user, change it.
(number,) = definitions.list_attribute_definitions(
    category="common", name="employee-number"
).items
email = UserQueryFilter({"preferred_email": f"MIA.{RUN}@example.org"})
(found,) = users.query_users(UserQuery(filter=email)).items
assert found.id == created.id

read = users.get_user_with_http_info(str(found.id))
assert read.headers and read.data.personas[0].id == persona.id
# A query returns the tag of each user, so the caller need not read the user again.
assert read.headers["etag"] == found.etag

values = UserPatchAttributeValuesInner(attribute_definition_id=number.id, value=["42"])
patched = users.patch_user(
    read.headers["etag"], str(found.id), UserPatch(attribute_values=[values])
)
assert patched.attributes["common"]["employee-number"] == ["42"]
assert users.get_user(str(found.id)).attributes["common"]["employee-number"] == ["42"]
