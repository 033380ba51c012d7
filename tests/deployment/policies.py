"""The resources that a request to DynamoDB, EventBridge, KMS, S3 or SES touches, and whether a role's
policies allow it.

Knows the parts of IAM that template.yaml uses, and stops at any other rather than guess.
"""

import re
from dataclasses import dataclass
from email.utils import parseaddr

SINGLE = {"GetItem": "Key", "PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}
IN_TRANSACTION = {
    "Get": ("GetItem", "Key"),
    "Put": ("PutItem", "Item"),
    "Update": ("UpdateItem", "Key"),
    "Delete": ("DeleteItem", "Key"),
    "ConditionCheck": ("ConditionCheckItem", "Key"),
}


@dataclass(frozen=True)
class Access:
    """One action on a table or an index, with the partition keys that it names; or one on an event
    bus, by its name, with a KMS key, by its id, with the context as keys, on an object of S3, by its
    bucket and its key, or with an identity of SES, with the sender as key."""

    action: str
    table: str
    index: str | None
    keys: tuple[str, ...]
    service: str = "dynamodb"

    @property
    def resource(self) -> str:
        if self.service == "events":
            return f"event-bus/{self.table}"
        if self.service == "kms":
            return f"key/{self.table}"
        if self.service in ("s3", "ses"):
            return self.table
        return f"table/{self.table}" + (f"/index/{self.index}" if self.index else "")

    def __str__(self) -> str:
        return (
            f"{self.service}:{self.action} on {self.resource} with leading keys {list(self.keys)}"
        )


def accesses(operation: str, request: dict, key: dict[str | None, str]) -> list[Access]:
    """Returns what a request asks for; `key` names the partition key of the table (None) and of
    each index.

    A transaction needs the rights of its parts and none of its own; a batch needs the batch's. AWS
    does not say whether it judges the parts of a transaction one by one or all keys of an action
    together, so both are asked for.
    """
    table = request.get("TableName", "")
    if operation in SINGLE:
        return [Access(operation, table, None, (leading(request[SINGLE[operation]], key),))]
    if operation == "Query":
        index = request.get("IndexName")
        return [Access("Query", table, index, queried(request, key[index]))]
    if operation == "BatchGetItem":
        return [
            Access(operation, name, None, tuple(leading(item, key) for item in part["Keys"]))
            for name, part in request["RequestItems"].items()
        ]
    if operation in ("TransactWriteItems", "TransactGetItems"):
        parts = [in_transaction(part, key) for part in request["TransactItems"]]
        return parts + together(parts)
    return [Access(operation, table, request.get("IndexName"), ())]


def publications(request: dict) -> list[Access]:
    """Returns what a PutEvents asks for."""
    buses = {entry.get("EventBusName", "default") for entry in request["Entries"]}
    return [Access("PutEvents", bus, None, (), "events") for bus in sorted(buses)]


def storings(path: str) -> list[Access]:
    """Returns what a PutObject at `/<bucket>/<key>` asks for."""
    return [Access("PutObject", path.lstrip("/"), None, (), "s3")]


def sendings(request: dict) -> list[Access]:
    """Returns what a SendEmail of SES asks for, if the domain of the sender is the identity. For a
    whole message SES asks for another right too."""
    _, sender = parseaddr(request["FromEmailAddress"])
    actions = ["SendEmail"] + (["SendRawEmail"] if "Raw" in request["Content"] else [])
    identity = f"identity/{sender.rsplit('@', 1)[-1]}"
    return [Access(action, identity, None, (sender,), "ses") for action in actions]


def sealings(operation: str, request: dict) -> list[Access]:
    """Returns what a request to KMS asks for."""
    context = tuple(f"{k}={v}" for k, v in request.get("EncryptionContext", {}).items())
    return [Access(operation, request["KeyId"].rsplit("/", 1)[-1], None, context, "kms")]


def in_transaction(part: dict, key: dict[str | None, str]) -> Access:
    ((kind, content),) = part.items()
    action, field = IN_TRANSACTION[kind]
    return Access(action, content["TableName"], None, (leading(content[field], key),))


def together(parts: list[Access]) -> list[Access]:
    """The same parts as one access for each action and table, with all of its keys."""
    keys: dict[tuple[str, str], dict[str, None]] = {}
    for part in parts:
        keys.setdefault((part.action, part.table), {}).update(dict.fromkeys(part.keys))
    return [
        Access(action, table, None, tuple(several))
        for (action, table), several in keys.items()
        if len(several) > 1
    ]


def leading(item: dict, key: dict[str | None, str]) -> str:
    return item[key[None]]["S"]


def queried(request: dict, key: str) -> tuple[str, ...]:
    names = request.get("ExpressionAttributeNames", {})
    for name, value in re.findall(
        r"(#?[\w.]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression", "")
    ):
        if names.get(name, name) == key:
            return (request["ExpressionAttributeValues"][value]["S"],)
    return ()


def allowed(statements: list[dict], access: Access) -> bool:
    granted = False
    for statement in statements:
        if applies(statement, access):
            if statement["Effect"] == "Deny":
                return False
            granted = True
    return granted


def applies(statement: dict, access: Access) -> bool:
    action = f"{access.service}:{access.action}".lower()
    return (
        any(like(pattern.lower(), action) for pattern in several(statement["Action"]))
        # The part of an ARN before the account is the deployment's affair.
        and any(
            pattern == "*" or like(pattern.split(":", 5)[-1], access.resource)
            for pattern in several(statement["Resource"])
        )
        and all(
            holds(operator, tested, access)
            for operator, tested in statement.get("Condition", {}).items()
        )
    )


def holds(operator: str, tested: dict, access: Access) -> bool:
    ((name, wanted),) = tested.items()
    if (operator, name) == ("ForAllValues:StringLike", "dynamodb:LeadingKeys"):
        return all(any(like(pattern, key) for pattern in several(wanted)) for key in access.keys)
    if (operator, name) == ("Null", "dynamodb:LeadingKeys"):
        return (not access.keys) == (str(wanted).lower() == "true")
    if (operator, name) == ("StringEquals", "kms:ViaService"):
        # Functions ask KMS themselves here; what DynamoDB asks it for is not seen.
        return False
    if (operator, name) == ("StringEquals", "ses:FromAddress"):
        return access.keys == tuple(several(wanted))
    if operator == "StringEquals" and name.startswith("kms:EncryptionContext:"):
        context = name.rsplit(":", 1)[-1]
        return any(f"{context}={value}" in access.keys for value in several(wanted))
    raise NotImplementedError(f"condition {operator} on {name}")


def several(value) -> list[str]:
    return value if isinstance(value, list) else [value]


def like(pattern: str, text: str) -> bool:
    return (
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL)
        is not None
    )
