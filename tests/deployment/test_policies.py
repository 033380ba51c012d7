"""How requests are judged. The expected rights of the roles are in rights.txt."""

import unittest

from policies import Access, accesses, allowed, sealings, sendings, storings

KEY = {None: "pk", "gsi1": "gsi1pk"}


def statement(action: str, *keys: str) -> dict:
    return {
        "Effect": "Allow",
        "Action": f"dynamodb:{action}",
        "Resource": "arn:aws:dynamodb:us-east-1:123456789012:table/kith",
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }


def transaction(**writes: list[str]) -> dict:
    """Writes of items with these partition keys, by kind."""
    field = {"Put": "Item", "Delete": "Key"}
    return {
        "TransactItems": [
            {kind: {"TableName": "kith", field[kind]: {"pk": {"S": key}}}}
            for kind, keys in writes.items()
            for key in keys
        ]
    }


def granted(statements: list[dict], request: dict) -> bool:
    asked = accesses("TransactWriteItems", request, KEY)
    return all(allowed(statements, access) for access in asked)


class Transactions(unittest.TestCase):
    def test_each_part_is_judged_and_all_keys_of_an_action_are(self) -> None:
        asked = accesses("TransactWriteItems", transaction(Put=["a", "b"], Delete=["c"]), KEY)
        self.assertEqual(
            asked,
            [
                Access("PutItem", "kith", None, ("a",)),
                Access("PutItem", "kith", None, ("b",)),
                Access("DeleteItem", "kith", None, ("c",)),
                Access("PutItem", "kith", None, ("a", "b")),
            ],
        )

    def test_rights_in_several_statements_are_not_enough(self) -> None:
        divided = [statement("PutItem", "a"), statement("PutItem", "b")]
        self.assertFalse(granted(divided, transaction(Put=["a", "b"])))
        self.assertTrue(granted([statement("PutItem", "a", "b")], transaction(Put=["a", "b"])))

    def test_rights_to_one_key_are_not_rights_to_another(self) -> None:
        self.assertFalse(granted([statement("PutItem", "a")], transaction(Put=["a", "b"])))
        self.assertFalse(granted([statement("PutItem", "a")], transaction(Delete=["a"])))

    def test_a_request_without_a_key_is_refused(self) -> None:
        self.assertFalse(allowed([statement("Scan", "*")], Access("Scan", "kith", None, ())))


class Keys(unittest.TestCase):
    def test_a_key_is_for_its_action_and_its_context(self) -> None:
        arn = "arn:aws:kms:us-east-1:123456789012:key/1"
        seal = {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": arn,
            "Condition": {"StringEquals": {"kms:EncryptionContext:kith": "private-keys"}},
        }
        own = {"KeyId": arn, "EncryptionContext": {"kith": "private-keys"}}
        both = {"StringEquals": {"kms:EncryptionContext:kith": ["audit", "private-keys"]}}
        (access,) = sealings("Decrypt", own)
        self.assertTrue(allowed([seal | {"Condition": both}], access))
        for operation, request, due in (
            ("Decrypt", own, True),
            ("Encrypt", own, False),
            ("Decrypt", own | {"KeyId": arn + "2"}, False),
            ("Decrypt", own | {"EncryptionContext": {}}, False),
        ):
            (access,) = sealings(operation, request)
            self.assertEqual(allowed([seal], access), due, (operation, request))


class Objects(unittest.TestCase):
    def test_an_object_is_stored_in_its_bucket_alone(self) -> None:
        store = {
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::audit/*",
        }
        for path, due in (("/audit/acme/1.json", True), ("/other/acme/1.json", False)):
            (access,) = storings(path)
            self.assertEqual(allowed([store], access), due, path)


class Mails(unittest.TestCase):
    def test_a_mail_leaves_from_its_address_alone_and_a_whole_message_needs_two_rights(self) -> None:
        arn = "arn:aws:ses:us-east-1:123456789012:identity/example.com"
        send = {
            "Effect": "Allow",
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Resource": arn,
            "Condition": {"StringEquals": {"ses:FromAddress": "no-reply@example.com"}},
        }
        for sender, kind, due in (
            ("no-reply@example.com", "Raw", True),
            ("ceo@example.com", "Raw", False),
            ("no-reply@example.org", "Simple", False),
        ):
            asked = sendings({"FromEmailAddress": sender, "Content": {kind: {}}})
            self.assertEqual([allowed([send], access) for access in asked], [due] * len(asked))
            self.assertEqual(len(asked), 2 if kind == "Raw" else 1)


if __name__ == "__main__":
    unittest.main()
