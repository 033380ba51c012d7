"""Tests the rights of the roles that the tour does not use, on the deployed stack: the sweeper,
change events, requests about personas, searchable hashes, clients and their secrets, assertions,
proofs of possession, introspection, revocation, failures that are counted, people by every subject
type, and the site.

    beyond_the_tour.py CLIENT_ID CLIENT_SECRET   inside deploy_local.py, as a client with the scope
                                                 administrator

The sweeper is called as its schedule calls it. The test first creates work for it: a derived
attribute whose workflow has changed, and an interrupted erasure. The engine's clock cannot be
moved, so the note of when the change was noticed is made older instead.
"""

import base64
import gzip
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from email.message import Message
from hashlib import sha256

import boto3
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

TABLE = os.environ["KITH_TABLE"]
TENANT = "acme"


def client(service: str):
    return boto3.client(service, endpoint_url=os.environ["KITH_ENDPOINT"])


class Api:
    """The deployed service, for one client."""

    def __init__(self, client_id: str, secret: str) -> None:
        credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        _, issued = self.send(
            "POST", "/idhub/oidc/v1/token", headers, b"grant_type=client_credentials"
        )
        self.headers = {
            "Authorization": f"Bearer {issued['access_token']}",
            "Content-Type": "application/json",
        }

    @staticmethod
    def send(
        method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[str | None, dict]:
        request = urllib.request.Request(
            os.environ["KITH_URL"] + path, data=body, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
            return answer.headers["ETag"], json.loads(content) if content else {}

    def ask(self, method: str, path: str, body=None, **headers: str) -> tuple[str | None, dict]:
        return self.send(
            method,
            path,
            self.headers | headers,
            json.dumps(body).encode() if body is not None else None,
        )


def sweep() -> dict:
    """Calls the function through the Lambda API, as the schedule calls the alias. Returns its
    report."""
    answer = client("lambda").invoke(
        FunctionName=os.environ["KITH_SWEEPER"], Qualifier="live", Payload=b"{}"
    )
    report = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise SystemExit(f"beyond_the_tour: {report}")
    print(f"the sweeper's report: {report}")
    return report


def expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise SystemExit(f"beyond_the_tour: {otherwise}")


def script(word: str) -> str:
    greeting = f"['{word} ' + item.input.value.given_name]"
    answer = f"tb.simpleResponse({{ greeting: {greeting} }})"
    return f"function main(item) {{ item.output = {answer}; }}"


def older() -> None:
    """Makes the note of the last change so old that no function can still remember what was
    before."""
    table, key = client("dynamodb"), {"pk": {"S": f"T#{TENANT}#J"}, "sk": {"S": "DERIVE"}}
    document = json.loads(
        table.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]["doc"]["S"]
    )
    document["noticed_at"] = "2026-01-01T00:00:00.000Z"
    change = {
        "UpdateExpression": "SET doc = :doc",
        "ExpressionAttributeValues": {":doc": {"S": json.dumps(document)}},
    }
    table.update_item(TableName=TABLE, Key=key, **change)


def interrupt(user: str) -> str:
    """Undoes the end of an erasure: the tombstone waits again, and something the person owned is
    left, with its look-up elsewhere."""
    table, pk, forward = client("dynamodb"), f"T#{TENANT}#U#{user}", f"T#{TENANT}#S#left"
    owned = {"holder": {"S": user}}
    table.put_item(
        TableName=TABLE,
        Item={"pk": {"S": pk}, "sk": {"S": "S#left"}, "forward": {"S": forward}} | owned,
    )
    table.put_item(TableName=TABLE, Item={"pk": {"S": forward}, "sk": {"S": "-"}} | owned)
    table.update_item(
        TableName=TABLE,
        Key={"pk": {"S": pk}, "sk": {"S": "PROFILE"}},
        UpdateExpression="SET gsi1pk = :sweep, gsi1sk = deleted_at REMOVE expires_at",
        ExpressionAttributeValues={":sweep": {"S": "SWEEP"}},
    )
    return forward


def define(api: Api, name: str, **properties) -> dict:
    """Defines an attribute."""
    attribute = {"category": "common", "name": name, "data_format": "TEXT"} | properties
    return api.ask("POST", "/identity/config/attribute-definitions", attribute)[1]


def requests(api: Api) -> None:
    """A persona's attribute that only people approve; the request goes with its user."""
    approver = {"statements": [{"persona": "approver"}]}
    api.ask("POST", "/config/persona-definitions", {"name": "approver"})
    badge = define(api, "room", approval_policy=approver)
    api.ask("POST", "/config/persona-definitions", {"name": "visitor", "attributes": [badge["id"]]})
    _, user = api.ask(
        "POST", "/identity/users", {"username": "bo", "personas": [{"name": "visitor"}]}
    )
    path = f"/identity/users/{user['id']}"
    value = {"category": "common", "name": "room", "value": ["B-7"]}
    _, asked = api.ask(
        "PATCH",
        f"{path}/personas/{user['personas'][0]['id']}/attribute",
        value,
        **{"If-Match": "*"},
    )
    expect(asked.get("status") == "PENDING", f"nobody was asked: {asked}")
    _, listed = api.ask("GET", "/identity/change-requests?status=PENDING")
    expect(
        [item["id"] for item in listed["items"]] == [asked["id"]],
        f"the request is not listed: {listed}",
    )
    api.ask("DELETE", path)
    _, listed = api.ask("GET", "/identity/change-requests")
    waiting = [item for item in listed["items"] if item["user_id"] == user["id"]]
    expect(not waiting, f"the request outlives its user: {listed}")


def hashes(api: Api) -> None:
    """A searchable secret, whose key every function reads."""
    define(api, "token", data_format="SEARCHABLE_HASH", search="exact")
    secret = {"attributes": {"common": {"token": ["open sesame"]}}}
    _, user = api.ask("POST", "/identity/users", {"username": "cas"} | secret)
    expect(user["attributes"]["common"]["token"] == [{"set": True}], "the secret is shown")
    filtered = {"filter": {"attributes.common.token": "open sesame"}}
    _, found = api.ask("POST", "/identity/users/query", filtered)
    expect(
        [item["id"] for item in found["items"]] == [user["id"]], "the secret does not find its user"
    )
    api.ask("GET", f"/identity/users/{user['id']}/personas")
    api.ask("DELETE", f"/identity/users/{user['id']}")


def finding(api: Api) -> None:
    """Finds users by the time of their change, by their id at the customer, and by filters with and
    without a look-up."""
    first, path = {
        "username": "dirk",
        "family_name": "Zwart",
    }, "/identity/users/by/id_at_customer/D-1"
    _, made = api.ask("PUT", path, first)
    _, again = api.ask("PUT", path, first | {"given_name": "Dirk"})
    expect(made["id"] == again["id"], "the second PUT made somebody else")
    _, some = api.ask(
        "POST",
        "/identity/users/batch-get",
        {"ids": [made["id"], "0192f3c1-0000-7000-8000-000000000000"]},
    )
    expect(len(some["items"]) == len(some["missing"]) == 1, f"not one of two is there: {some}")
    for filter_ in (
        'family_name sw "zwa" or username eq "nobody"',
        'id_at_customer sw "D-" and updated_at le "2999-01-01T00:00:00Z"',
    ):
        _, found = api.ask("POST", "/identity/users/query", {"filter": filter_, "explain": True})
        expect([item["id"] for item in found["items"]] == [made["id"]], f"{filter_} finds {found}")
    _, page = api.ask("GET", "/identity/users?limit=100")
    expect(made["id"] in [item["id"] for item in page["items"]], "the listing lacks somebody")
    since = f"/identity/users?limit=100&updated_since={made['created_at']}"
    api.ask("DELETE", f"/identity/users/{made['id']}")
    _, page = api.ask("GET", since)
    expect(
        [item for item in page["items"] if item["id"] == made["id"] and "deleted_at" in item],
        f"no tombstone: {page}",
    )


def importing(api: Api) -> None:
    """A file of people, which the sweeper finishes if the request does not."""
    rows = 1000
    file = "username,id_at_customer,preferred_email\n" + "".join(
        f"row.{n},I-{n},row{n}@example.org\n" for n in range(rows)
    )
    headers = api.headers | {"Content-Type": "text/csv", "Idempotency-Key": "people"}
    _, job = api.send("POST", "/identity/imports?mode=upsert", headers, file.encode())
    path = f"/identity/imports/{job['id']}"
    _, began = api.ask("GET", path)
    for _ in range(10):
        _, job = api.ask("GET", path)
        if job["state"] == "COMPLETED":
            break
        time.sleep(5)
        sweep()
    print(f"the request worked {began['done']} of {rows} rows, the sweeper the others")
    expect((job["state"], job["created"]) == ("COMPLETED", rows), f"the import is not done: {job}")
    _, report = api.ask("GET", f"{path}/report?limit=100")
    expect(
        len(report["items"]) == 100 and report["items"][0]["status"] == "created",
        f"the report is another: {report}",
    )
    _, found = api.ask(
        "POST", "/identity/users/query", {"filter": {"id_at_customer": f"I-{rows - 1}"}}
    )
    expect(
        [item["id_at_customer"] for item in found["items"]] == [f"I-{rows - 1}"],
        "the last row is not there",
    )


def clients(api: Api) -> None:
    """A client from its registration to its end, its secret rotated in between."""
    _, made = api.ask("POST", "/config/clients", {"name": "erp", "scopes": ["users:read"]})
    path = f"/config/clients/{made['client_id']}"
    _, first = api.ask("GET", "/config/clients?limit=1")
    _, second = api.ask("GET", f"/config/clients?limit=1&cursor={first['next_cursor']}")
    expect(first["items"] != second["items"], "the second page is the first")
    _, added = api.ask("POST", f"{path}/secrets")
    for secret in (made["client_secret"], added["client_secret"]):
        Api(made["client_id"], secret)
    tag, used = api.ask("GET", path)
    expect(
        all(secret["last_used_on"] for secret in used["secrets"]),
        f"the day of use is not noted: {used}",
    )
    api.ask("PATCH", path, {"name": "former"}, **{"If-Match": tag})
    api.ask("DELETE", f"{path}/secrets/{used['secrets'][0]['id']}")
    api.ask("DELETE", path)


class Signer:
    """A key, and what a client signs with it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)

    def sign(self, claims: dict, **headers) -> str:
        now = int(time.time())
        return jwt.encode(
            {"iat": now, "jti": str(uuid.uuid4())} | claims, self.private, "ES256", headers
        )

    def assertion(self, client_id: str, audience: str) -> str:
        return self.sign(
            {"iss": client_id, "sub": client_id, "aud": audience, "exp": int(time.time()) + 60}
        )

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        claims = {"htm": method, "htu": url}
        if token:
            claims["ath"] = (
                base64.urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
            )
        return self.sign(claims, typ="dpop+jwt", jwk=self.public)


def form(endpoint: str, parameters: dict[str, str], **headers: str) -> tuple[int, dict]:
    """A request to an OAuth endpoint; returns its status and its answer."""
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        _, answer = Api.send(
            "POST",
            f"/idhub/oidc/v1/{endpoint}",
            headers,
            urllib.parse.urlencode(parameters).encode(),
        )
        return 200, answer
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def tokens(api: Api) -> None:
    """The items that the token function writes and reads beside clients. Each needs a right of its
    role, or of every role."""
    signer = Signer()
    _, metadata = Api.send("GET", "/.well-known/oauth-authorization-server/idhub/oidc", {}, None)
    _, made = api.ask(
        "POST",
        "/config/clients",
        {
            "name": "signing",
            "scopes": ["users:read"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [signer.public]},
            "access_token_signing_alg": "RS256",
            "grant_types": ["client_credentials", "refresh_token"],
        },
    )

    def by_assertion(
        endpoint: str, parameters: dict[str, str], assertion: str | None = None, **headers: str
    ) -> tuple[int, dict]:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assertion = assertion or signer.assertion(made["client_id"], metadata["issuer"])
        return form(
            endpoint,
            parameters | {"client_assertion_type": kind, "client_assertion": assertion},
            **headers,
        )

    grant = {"grant_type": "client_credentials"}
    assertion = signer.assertion(made["client_id"], metadata["issuer"])
    proof = signer.proof("POST", metadata["token_endpoint"])
    status, issued = by_assertion("token", grant, assertion, DPoP=proof)
    expect(status == 200 and issued["token_type"] == "DPoP", f"no bound token: {status} {issued}")
    expect(
        jwt.get_unverified_header(issued["access_token"])["alg"] == "RS256",
        "the token is not signed with RS256",
    )
    expect(by_assertion("token", grant, assertion)[0] == 401, "an assertion is good twice")
    expect(by_assertion("token", grant, DPoP=proof)[0] == 400, "a proof is good twice")

    token = issued["access_token"]
    base = metadata["issuer"].removesuffix("/idhub/oidc")
    for path in (f"/identity/users/{uuid.uuid4()}", f"/identity/users/{uuid.uuid4()}/personas"):
        proof = signer.proof("GET", base + path, token)
        for due in (404, 401):
            try:
                Api.send("GET", path, {"Authorization": f"DPoP {token}", "DPoP": proof}, None)
                expect(False, f"{path} answers")
            except urllib.error.HTTPError as error:
                expect(error.code == due, f"{path}: {error.code} and not {due}: {error.read()}")

    expect(
        by_assertion("introspect", {"token": token})[1]["active"] is True,
        "a good token is not active",
    )
    expect(by_assertion("revoke", {"token": token})[0] == 200, "a token is not revoked")
    expect(
        by_assertion("introspect", {"token": token})[1] == {"active": False},
        "a revoked token is active",
    )
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    expect(
        by_assertion("revoke", {"token": issued["refresh_token"]})[0] == 200,
        "a refresh token is not revoked",
    )
    expect(
        by_assertion("token", refresh)[1]["error"] == "invalid_grant",
        "a revoked refresh token is good",
    )

    wrong = grant | {"client_id": made["client_id"], "client_secret": "wrong"}
    statuses = [form("token", wrong)[0] for _ in range(24)]
    # Two windows may have been met.
    expect(statuses[0] == 401 and 429 in statuses, f"failures are not slowed down: {statuses}")
    api.ask("DELETE", f"/config/clients/{made['client_id']}")


def sweeping(api: Api) -> None:
    """The work that the sweeper finds by itself."""
    tag, workflow = api.ask(
        "POST", "/identity/config/workflows", {"name": "greeting", "script": script("Dear")}
    )
    define(api, "greeting", search="exact", derived={"workflow_id": workflow["id"]})
    define(api, "nickname")
    # The caches of the functions do not have this attribute. So the functions read the definitions
    # again, the derived one among them.
    named = {"common": {"nickname": ["J"]}}
    _, user = api.ask(
        "POST", "/identity/users", {"username": "an", "given_name": "An", "attributes": named}
    )
    path = f"/identity/users/{user['id']}"
    expect(
        user["attributes"]["common"].get("greeting") == ["Dear An"], f"nothing was derived: {user}"
    )

    api.ask(
        "PATCH",
        f"/identity/config/workflows/{workflow['id']}",
        {"script": script("Hello")},
        **{"If-Match": tag},
    )
    expect(sweep()["derived"] == 0, "functions may still write what the script before makes")
    older()
    expect(sweep()["changed"] == 1, "the user was not recomputed")
    _, user = api.ask("GET", path)
    expect(
        user["attributes"]["common"]["greeting"] == ["Hello An"], f"the user is as before: {user}"
    )
    filtered = {"filter": {"attributes.common.greeting": "Hello An"}}
    _, found = api.ask("POST", "/identity/users/query", filtered)
    expect([item["id"] for item in found["items"]] == [user["id"]], "the look-up is as before")

    api.ask("DELETE", path)
    forward = interrupt(user["id"])
    expect(sweep()["erasures"] == 1, "the erasure was not found")
    left = client("dynamodb").get_item(
        TableName=TABLE, Key={"pk": {"S": forward}, "sk": {"S": "-"}}, ConsistentRead=True
    )
    expect("Item" not in left, "something of the person is left")
    report = sweep()
    # The renewal of index entries has a time of its own.
    report.pop("reindexed")
    expect(not any(report.values()), f"there is something to do left: {report}")


class Changes:
    """A subscriber of change events: a queue behind a rule of the bus."""

    def __init__(self) -> None:
        self.queues = client("sqs")
        self.url = self.queues.create_queue(QueueName="changes")["QueueUrl"]
        attributes = self.queues.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["QueueArn"]
        )["Attributes"]
        client("events").put_rule(Name="changes", EventPattern=json.dumps({"source": ["kith"]}))
        client("events").put_targets(
            Rule="changes", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}]
        )

    def next_of(self, user: str, seconds: int = 60) -> tuple[str, int]:
        """The next event about a user."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in self.queues.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get(
                "Messages", []
            ):
                self.queues.delete_message(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
                )
                event = json.loads(message["Body"])
                detail = event["detail"]
                expect(
                    set(detail) == {"id", "tenant", "version"},
                    f"an event says something else: {event}",
                )
                if detail["id"] == user:
                    return event["detail-type"], detail["version"]
        raise SystemExit(f"beyond_the_tour: there is no event of {user}")


def changes(api: Api) -> None:
    """The events that the table's stream sends to the bus, and the answer of the function to a
    direct call."""
    subscriber = Changes()
    _, user = api.ask("POST", "/identity/users", {"username": "tess"})
    told = subscriber.next_of(user["id"])
    expect(told == ("user.created", 1), f"nobody was created: {told}")
    path = f"/identity/users/{user['id']}"
    api.ask("PATCH", path, {"given_name": "Tess"}, **{"If-Match": "*"})
    told = subscriber.next_of(user["id"])
    expect(told == ("user.updated", 2), f"nobody was updated: {told}")
    api.ask("DELETE", path)
    told = subscriber.next_of(user["id"])
    expect(told == ("user.deleted", 3), f"nobody was deleted: {told}")

    def record(sequence: str, user: str) -> dict:
        keys = {"pk": {"S": f"T#{TENANT}#U#{user}"}, "sk": {"S": "PROFILE"}}
        return {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "SequenceNumber": sequence}}

    batch = {"Records": [record("7", user["id"]), record("8", "damaged"), record("9", user["id"])]}
    answer = client("lambda").invoke(
        FunctionName=os.environ["KITH_STREAM"], Qualifier="live", Payload=json.dumps(batch)
    )
    failures = json.loads(answer["Payload"].read())
    expect(
        failures == {"batchItemFailures": [{"itemIdentifier": "8"}]},
        f"another record is at fault: {failures}",
    )


class Issuer:
    """An identity provider that the tenant trusts, with this subject type."""

    def __init__(self, api: Api, name: str, subject_type: str) -> None:
        self.key, self.name, self.url = Signer(), name, f"https://{name}.example/realm"
        server = {
            "id": name,
            "name": name,
            "subject_type": subject_type,
            "issuer": self.url,
            "audience": "kith",
        }
        api.ask(
            "POST",
            "/api/v1/sso/authentication-servers",
            server | {"jwks": {"keys": [self.key.public]}},
        )

    def base(self, subject: str) -> str:
        return sha256(f"{subject}|{self.url}|{TENANT}".encode()).hexdigest()

    def token(self, subject: str, **claims) -> str:
        due = {
            "iss": self.url,
            "sub": subject,
            "aud": "kith",
            "tenant": TENANT,
            "exp": int(time.time()) + 300,
            "scope": "openid",
        }
        return self.key.sign(due | claims)

    def person(
        self, method: str, path: str, subject: str, body=None, headers=None, **claims
    ) -> tuple[int, dict]:
        """A request with a person's token; returns its status and its answer."""
        headers = {
            "Authorization": f"Bearer {self.token(subject, **claims)}",
            "Content-Type": "application/json",
        } | (headers or {})
        try:
            return (
                200,
                Api.send(
                    method, path, headers, json.dumps(body).encode() if body is not None else None
                )[1],
            )
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def people(api: Api) -> None:
    """Every way in which people are found, linked, shown, changed and forgotten: each needs rights
    of its own."""
    shop = f"/api/v1/tenants/{TENANT}/systems/depot/users"
    declared = [{"name": "points", "classifier": "LOW"}]
    api.ask(
        "POST",
        "/identity/config/systems",
        {"id": "depot", "name": "Depot", "attributes_definition": declared},
    )
    mail, names, ids, mapped = (
        Issuer(api, f"by-{kind}", kind) for kind in ("email", "username", "userid", "predefined")
    )
    _, user = api.ask(
        "POST",
        "/identity/users",
        {"username": "mina", "preferred_email": "mina@example.org", "given_name": "Mina"},
    )
    mapping = {"authentication_server_id": mapped.name, "subject": "M-1", "user_id": user["id"]}
    api.ask("POST", "/api/v1/sso/authentication-server-subjects", mapping)
    proved = {"email": "mina@example.org", "email_verified": True}
    seen = set()
    for issuer, subject, claims in [
        (mail, "1", proved),
        (names, "mina", {}),
        (ids, user["id"], {}),
        (mapped, "M-1", {}),
    ]:
        status, profile = issuer.person("POST", shop, subject, **claims)
        expect(status == 200, f"{issuer.name} does not let in: {profile}")
        seen.add(profile["id"])
        _, found = api.ask("GET", f"/identity/users/{issuer.base(subject)}")
        expect(found["id"] == user["id"], f"{issuer.name} found somebody else")
    expect(len(seen) == 1, "the person has several profiles in one system")
    strangers = [
        (mail, "2", {"email": "els@example.org", "email_verified": True}),
        (mail, "3", {}),
        (names, "els", {}),
    ]
    strangers += [(ids, str(uuid.uuid4()), {}), (mapped, "M-2", {})]
    for issuer, subject, claims in strangers:
        status, made = issuer.person("POST", shop, subject, **claims)
        expect(status == 200, f"{issuer.name} makes nobody: {made}")

    profile, base = f"{shop}/{seen.pop()}", mail.base("1")
    for claim in (
        {"authentication_server_id": mail.name, "subject": "mina@example.org"},
        {"authentication_server_id": names.name, "subject": "mina"},
    ):
        _, found = api.ask("POST", "/api/v1/sso/authentication-server-subjects/resolve", claim)
        expect(found["id"] == user["id"], f"{claim} finds somebody else")
    api.ask(
        "POST",
        "/api/v1/sso/applications",
        {"id": "depot-app", "name": "Depot", "subject_type": "email"},
    )
    _, known = api.ask(
        "POST",
        "/api/v1/sso/application-subjects/resolve",
        {"application_id": "depot-app", "user_id": base},
    )
    expect(
        known["subject"] == "mina@example.org", f"the application gets another subject: {known}"
    )
    api.ask("GET", f"/identity/users/{base}/personas")
    api.ask("GET", f"/api/v1/sso/authentication-server-subjects?user_id={base}")

    tag, _ = api.ask("GET", profile)
    patch = {"given_name": "Mien", "system_attributes": {"points": ["7"]}}
    tag, _ = api.ask("PATCH", profile, patch, **{"If-Match": tag})
    named = urllib.parse.quote('given_name eq "Mien"')
    _, found = api.ask("GET", f"{shop}?filter={named}")
    expect(found["overrides"] == ["given_name"], f"the override was not found: {found}")
    _, bulk = api.ask(
        "POST",
        f"{shop}:bulk-search",
        {"ids": [found["id"], base, mail.base("2")], "select": ["given_name"]},
    )
    expect(len(bulk["items"]) == 3, f"not all were found: {bulk}")
    api.ask("PUT", profile, {"system_attributes": {"points": ["8"]}}, **{"If-Match": tag})
    api.ask("GET", f"{shop}/{base}")

    principal = f"/identity/users/{user['id']}/principals"
    api.ask("POST", f"{principal}/{mail.name}/unlink")
    expect(mail.person("GET", "/identity/me", "1")[0] == 403, "who is unlinked is let in")
    api.ask("POST", f"{principal}/{mail.name}/link")
    _, listed = api.ask("GET", principal)
    expect(all(item["linked"] for item in listed["items"]), f"not all are linked: {listed}")
    status, refused = names.person("GET", "/idhub/oidc/v1/userinfo", "mina", scope="profile")
    expect(status == 403, f"no scope is due: {refused}")
    expect(
        names.person("GET", "/idhub/oidc/v1/userinfo", "mina")[1]["sub"] == names.base("mina"),
        "somebody else's user info",
    )
    expect(mapped.person("DELETE", profile, "M-1")[0] == 200, "the system does not forget")
    expect(mail.person("POST", shop, "1", **proved)[0] == 200, "nobody comes back")
    expect(mail.person("DELETE", "/identity/me", "1")[0] == 200, "nobody is forgotten")
    expect(mail.person("POST", shop, "1", **proved)[0] == 200, "nobody comes back as somebody new")
    for issuer, subject, _ in [*strangers, (mail, "1", {})]:
        api.ask("DELETE", f"/identity/users/{issuer.base(subject)}")


def read(path: str, **headers: str) -> tuple[int, Message, bytes]:
    """A request without a token; returns status, headers and content."""
    request = urllib.request.Request(os.environ["KITH_URL"] + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def site() -> None:
    """The site: pages, compressed files, health, and unknown paths."""
    browser = "text/html,application/xhtml+xml,*/*;q=0.8"
    for path in ("/", "/docs", "/problems/not-found"):
        status, headers, page = read(path, Accept=browser)
        expect(
            (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            and page.startswith(b"<!DOCTYPE html>"),
            f"{path} is no page: {status} {headers}",
        )
        for asset in re.findall(rb'"(/assets/[^"]+)"', page):
            status, headers, packed = read(asset.decode(), **{"Accept-Encoding": "gzip"})
            expect(
                status == 200 and "immutable" in headers["Cache-Control"],
                f"{asset} is not kept: {status} {headers}",
            )
            _, _, plain = read(asset.decode())
            expect(gzip.decompress(packed) == plain, f"{asset} differs when it is compressed")
    expect(json.loads(read("/")[2])["reference"] == "/docs", "the root is no JSON for programs")
    _, _, description = read("/openapi.json")
    expect("/health" in json.loads(description)["paths"], "the description lacks an operation")
    status, _, health = read("/health")
    expect((status, json.loads(health)) == (200, {"status": "ok"}), f"not healthy: {health}")
    status, _, unknown = read("/nowhere")
    expect(
        (status, json.loads(unknown)["type"]) == (404, "/problems/not-found"),
        f"an unknown path is another problem: {status} {unknown}",
    )


def main() -> None:
    site()
    api = Api(*sys.argv[1:])
    people(api)
    sweeping(api)
    changes(api)
    requests(api)
    hashes(api)
    finding(api)
    importing(api)
    clients(api)
    tokens(api)


if __name__ == "__main__":
    main()
