"""Makes a person who can sign in, and prints the variables by which the suites know the person.

    enrol.py               invites a person over the API, and takes the link of the mail that the
                           service leaves in KITH_OUTBOX
    enrol.py NAME LINK     sets the password of the person with this username by this link
"""

import email
import email.policy
import os
import re
import sys
import time
import uuid
from pathlib import Path

from conftest import Service
from visitor import Visitor

PASSWORD = "brass-lantern-quiet-meadow"


def mailed(outbox: Path, address: str) -> str:
    """The link of the mail to an address, once it is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for path in sorted(outbox.glob("*.eml")):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if address in mail["To"]:
                text = mail.get_body(("plain",)).get_content()
                return re.search(r"https?://\S+/idhub/login/link\S*#\S+", text)[0]
        time.sleep(0.1)
    raise SystemExit(f"enrol: no mail to {address} in {outbox}")


def invited(service: Service) -> tuple[str, str]:
    """The username and the link of a new person."""
    username = f"an.{uuid.uuid4().hex[:8]}"
    address = f"{username}@example.org"
    person = {
        "username": username, "given_name": "An", "preferred_email": address, "invite": True,
    }  # fmt: skip
    made = service.web.post(service.users, json=person, headers=service.administrator, timeout=10)
    assert made.status_code == 201, made.text
    return username, mailed(Path(os.environ["KITH_OUTBOX"]), address)


def main() -> None:
    service = Service()
    username, link = sys.argv[1:] or invited(service)
    browser = Visitor(service.url).set_password(link, PASSWORD)
    assert browser.status == 200 and 'role="status"' in browser.text, browser.text
    print(f"KITH_PERSON_USERNAME={username}")
    print(f"KITH_PERSON_PASSWORD={PASSWORD}")


if __name__ == "__main__":
    main()
