#!/usr/bin/env python3
"""The stack with every parameter set, on a table that was restored as docs/operating/restore.md
says.

    every_parameter.py REPLACED   inside deploy_local.py; REPLACED is the table before
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.utils import parseaddr

import boto3

from authenticator import Authenticator
from machine import ROOT, dummy_aws

sys.path.append(str(ROOT / "tests" / "clients" / "python"))

from visitor import Visitor  # noqa: E402

DOMAIN, ORIGIN, BUS, RESTORED = "id.example.com", "https://app.example.com", "people", "kith-restored"
BUCKET, SENDER = "kith-audit", "no-reply@example.com"
PASSWORD = "brass-lantern-quiet-meadow"
# The values of parameters whose resources are not created here.
PLAIN = {
    "AllowedOrigins": f"{ORIGIN},https://admin.example.com",
    "AuditBucket": BUCKET,
    "AuditEvents": "true",
    "AvailabilityTarget": "99.5",
    "BackupCopyVaultArn": "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies",
    "BackupLockDays": "14",
    "BackupRetentionDays": "35",
    "DeletionProtection": "true",
    "DeploymentType": "Canary10Percent5Minutes",
    "DisableDefaultEndpoint": "true",
    "DomainName": DOMAIN,
    "EventBusName": BUS,
    "ImportThrottlingRate": "2",
    "LatencyThresholdMs": "300",
    "LoginMemorySize": "1024",
    "LoginReservedConcurrency": "20",
    "LogRetentionDays": "90",
    "MailFrom": SENDER,
    "MailIdentity": "example.com",
    "MemorySize": "1024",
    "OperationMetrics": "true",
    "SystemRoots": "true",
    "ThrottlingBurst": "200",
    "ThrottlingRate": "100",
    "TokenReservedConcurrency": "50",
    "TokenThrottlingRate": "20",
    "Tracing": "Active",
    "UsersReservedConcurrency": "100",
}


def prepare(deployed) -> dict[str, str]:
    """Makes what the parameters name, restores the table of a stack, and returns the parameters."""
    of = deployed.client
    of("events").create_event_bus(Name=BUS)
    of("s3").create_bucket(Bucket=BUCKET)
    key = of("kms").create_key()["KeyMetadata"]["Arn"]
    certificate = of("acm").request_certificate(DomainName=DOMAIN)["CertificateArn"]
    zone = of("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    boundary = of("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))
    topic = of("sns").create_topic(Name="alarms")["TopicArn"]
    of("ses").verify_domain_identity(Domain="example.com")
    table, stream = restore(deployed)
    return PLAIN | {
        "AlarmTopicArn": topic,
        "CertificateArn": certificate,
        "ExistingTableArn": table,
        "ExistingTableStreamArn": stream,
        "HostedZoneId": zone["HostedZone"]["Id"].rsplit("/", 1)[-1],
        "LogKeyArn": key,
        "MailBounceTopicArn": of("sns").create_topic(Name="bounces")["TopicArn"],
        "PermissionsBoundaryArn": boundary["Policy"]["Arn"],
        "SealingKeyArn": of("kms").create_key()["KeyMetadata"]["Arn"],
        "TableKeyArn": key,
    }


def restore(deployed) -> tuple[str, str]:
    """Follows the steps of docs/operating/restore.md, in order. Returns the ARNs of the new table
    and of its stream."""
    dynamodb, table = deployed.client("dynamodb"), deployed.table
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=RESTORED, UseLatestRestorableTime=True
    )
    dynamodb.get_waiter("table_exists").wait(TableName=RESTORED)
    where = {"KITH_TABLE": RESTORED, **dummy_aws(deployed.endpoint)}
    made = json.loads(kith("table", "create", where=where))
    expect(len(made["did"]) > 1, f"the restored table lacked nothing: {made}")
    again = json.loads(kith("table", "create", where=where))
    expect(again["did"] == [], f"something was done twice: {again}")
    described = dynamodb.describe_table(TableName=RESTORED)["Table"]
    for name, arn in (("arn", "TableArn"), ("stream_arn", "LatestStreamArn")):
        expect(made[name] == described[arn], f"another {arn} is printed: {made}")
    expect(described["DeletionProtectionEnabled"], "the table is not protected")
    return made["arn"], made["stream_arn"]


def client(service: str):
    return boto3.client(service, endpoint_url=os.environ["KITH_ENDPOINT"])


def expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise SystemExit(f"every_parameter: {otherwise}")


def kith(*arguments: str, where: Mapping[str, str] = os.environ, check: bool = True) -> str:
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "kith"
    table = ["--table", where["KITH_TABLE"], "--endpoint", where["KITH_ENDPOINT"]]
    done = subprocess.run(
        [program, "--json", *table, *arguments],
        env={**os.environ, **where},
        check=check,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def send(method: str, path: str, headers: dict[str, str], body: bytes | None = None):
    """An answer with its headers, whatever its status."""
    request = urllib.request.Request(
        os.environ["KITH_URL"] + path, data=body, headers=headers, method=method
    )
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


def data(replaced: str) -> dict[str, str]:
    """The restored table holds what the replaced one held and serves it; returns headers with a
    token of a new client."""
    expect(os.environ["KITH_TABLE"] == RESTORED, "the stack uses another table")
    dynamodb = client("dynamodb")
    dynamodb.describe_table(TableName=replaced)
    kith("forget", "--tenant", "acme", "--replay-from", replaced)
    kith("check", "--tenant", "acme")
    made = json.loads(
        kith("client", "create", "--tenant", "acme", "--name", "new", "--scope", "administrator")
    )
    form = f"grant_type=client_credentials&client_id={made['client_id']}"
    body = f"{form}&client_secret={made['client_secret']}".encode()
    answer = send(
        "POST",
        "/idhub/oidc/v1/token",
        {"Content-Type": "application/x-www-form-urlencoded"},
        body,
    )
    token = json.load(answer)["access_token"]
    operation(made["client_id"], made["client_secret"])
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def events(headers: dict[str, str]) -> None:
    """The stream of the restored table reaches the bus of the parameter."""
    queues = client("sqs")
    url = queues.create_queue(QueueName="restored")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    rule = {"Name": "restored", "EventBusName": BUS}
    client("events").put_rule(**rule, EventPattern=json.dumps({"source": ["kith"]}))
    client("events").put_targets(
        Rule="restored", EventBusName=BUS, Targets=[{"Id": "1", "Arn": arn["QueueArn"]}]
    )
    made = json.load(send("POST", "/identity/users", headers, b'{"username": "after.restore"}'))
    deadline, due = time.monotonic() + 60, {"user.created", "kith.audit"}
    while time.monotonic() < deadline:
        for message in queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            event = json.loads(message["Body"])
            if made["id"] in (event["detail"].get("id"), event["detail"].get("user")):
                due.discard(event["detail-type"])
        if not due:
            return
    raise SystemExit(f"every_parameter: the stream of the restored table does not tell {due}")


def export() -> None:
    """The sweeper exports the hour before this one once that has ended for five minutes. What a
    call has no time for, the next one does: a schedule calls it each minute."""
    sweeper = {"FunctionName": os.environ["KITH_SWEEPER"], "Qualifier": "live"}
    minute = time.gmtime().tm_min
    for _ in range(6):
        answer = client("lambda").invoke(**sweeper)
        expect("FunctionError" not in answer, f"the sweeper fails: {answer['Payload'].read()}")
        listed = client("s3").list_objects_v2(Bucket=BUCKET)
        stored = [o["Key"] for o in listed.get("Contents", [])]
        digests = [key for key in stored if "/digests/" in key]
        if digests or minute < 6:
            break
    if minute >= 6:
        expect(bool(digests), f"no digest of the audit: {stored}")
    elif not digests:
        print(f"every_parameter: the export is not due in minute {minute} of the hour: not checked")


def sealing() -> None:
    """The keys that the replaced stack left in the clear are sealed, and serve."""
    items = [
        item
        for partition in ("K#private", "K#login")
        for item in client("dynamodb").query(
            TableName=RESTORED,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
        )["Items"]
    ]
    expect(len(items) > 3, f"too few keys: {items}")
    for item in items:
        expect("secret" not in item, f"{item['sk']} is not sealed")
        expect(item["sealed_by"]["S"].startswith("arn:"), f"{item['sk']} is sealed by {item}")


def address(headers: dict[str, str]) -> None:
    """Domain and CORS."""
    metadata = json.load(send("GET", "/idhub/oidc/.well-known/openid-configuration", {}))
    expect(metadata["issuer"] == f"https://{DOMAIN}/idhub/oidc", f"the issuer is {metadata}")
    expect(client("apigatewayv2").get_api_mappings(DomainName=DOMAIN)["Items"], "no API mapping")
    preflight = send(
        "OPTIONS",
        "/identity/me",
        {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    expect(preflight.status in (200, 204), f"preflight: {preflight.status}")
    allowed = preflight.headers.get_all("Access-Control-Allow-Origin")
    expect(allowed == [ORIGIN], f"preflight allows {allowed}")
    answer = send("GET", "/identity/users?limit=1", headers | {"Origin": ORIGIN})
    named = answer.headers.get_all("Access-Control-Allow-Origin")
    expect((answer.status, named) == (200, [ORIGIN]), f"{answer.status}, origins {named}")
    other = send("GET", "/identity/users?limit=1", headers | {"Origin": "https://evil.example"})
    expect(not other.headers.get_all("Access-Control-Allow-Origin"), "any origin is allowed")


def operation(client_id: str, secret: str) -> None:
    """The doctor finds nothing wrong with a stack whose alarms notify somebody, and says so if one
    rings."""
    access = {"KITH_URL": os.environ["KITH_URL"], "KITH_CLIENT_ID": client_id}
    where = os.environ | access | {"KITH_CLIENT_SECRET": secret}
    found = consult(where)
    for check in ("alarms", "alarm topic"):
        expect(found[check]["ok"], f"the doctor says: {found[check]}")
    # The emulator's account has few calls at once left.
    expect("calls at once" in found["concurrency"]["detail"], f"{found['concurrency']}")
    cloudwatch = client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="kith-UntoldAlarm")["MetricAlarms"]
    cloudwatch.set_alarm_state(
        AlarmName=alarms[0]["AlarmName"], StateValue="ALARM", StateReason="a test"
    )
    found = consult(where)["alarms"]
    rings = not found["ok"] and "UntoldAlarm rings" in found["detail"]
    expect(rings, f"the doctor overlooks an alarm that rings: {found}")


def consult(where: Mapping[str, str]) -> dict[str, dict]:
    """The results of the doctor for each check."""
    doctor = ("doctor", "--stack", "kith", "--base-url", f"https://{DOMAIN}")
    text = kith(*doctor, where=where, check=False)
    return {entry["check"]: entry for entry in json.loads(text)}


def mails(headers: dict[str, str]) -> None:
    """The mailer sends an invitation from the address of the parameter, with a link to the domain
    by which a person sets a password and signs in; and no mail to an address that bounced."""
    person = {
        "username": "mia", "given_name": "Mia", "preferred_email": "mia@example.org", "invite": True,
    }  # fmt: skip
    made = json.load(send("POST", "/identity/users", headers, json.dumps(person).encode()))
    (mail,) = sent_to("mia@example.org")
    expect(parseaddr(mail["Source"])[1] == SENDER, f"another sender: {mail}")
    links = re.findall(rf"https://{DOMAIN}/idhub/login/link\S*#\S+", mail["BodyText"])
    expect(len(links) == 1, f"no link to the domain: {mail}")
    browser = Visitor(f"https://{DOMAIN}", os.environ["KITH_URL"])
    browser.set_password(links[0], PASSWORD)
    browser.open(f"https://{DOMAIN}/idhub/login/acme").sign_in("mia", PASSWORD)
    expect(browser.url.endswith("/idhub/account"), f"nobody is signed in: {browser.text}")
    expect(browser.call("GET", "/identity/me").json()["id"] == made["id"], "somebody else")
    passkeys(browser)
    notification = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": "mia@example.org"}],
            "timestamp": "2026-11-21T10:00:02.000Z",
        },
        "mail": {"tags": {"tenant": ["acme"], "user": [made["id"]]}},
    }
    topics = client("sns").list_topics()["Topics"]
    (topic,) = [t["TopicArn"] for t in topics if t["TopicArn"].endswith(":bounces")]
    client("sns").publish(TopicArn=topic, Message=json.dumps(notification))
    login = {"pk": {"S": f"T#acme#U#{made['id']}"}, "sk": {"S": "LOGIN"}}
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        item = client("dynamodb").get_item(TableName=RESTORED, Key=login).get("Item", {})
        if "bounced" in repr(item):
            break
        time.sleep(0.5)
    else:
        raise SystemExit(f"every_parameter: the bounce was not noted: {item}")
    send("POST", f"/identity/users/{made['id']}/invite", headers)
    mailer = {"FunctionName": os.environ["KITH_MAILER"], "Qualifier": "live"}
    client("lambda").invoke(**mailer, Payload=b"{}")
    again = [m["Subject"] for m in sent_to("mia@example.org") if "/login/link" in m["BodyText"]]
    expect(len(again) == 1, f"mail goes to an address that bounced: {again}")


def passkeys(browser: Visitor) -> None:
    """A person who is signed in adds a passkey, signs in with it, and removes it."""
    device = Authenticator(f"https://{DOMAIN}", DOMAIN)
    account = f"https://{DOMAIN}/idhub/account"
    options = browser.call("POST", "/idhub/account/passkeys/options").json()
    browser.open(account).send(
        "/idhub/account/passkeys", credential=device.create(options), name="Laptop"
    )
    expect("Laptop" in browser.open(account).text, f"no passkey: {browser.text}")
    other = Visitor(browser.base, os.environ["KITH_URL"])
    other.open(f"https://{DOMAIN}/idhub/login/acme")
    options = other.call("POST", "/idhub/login/passkey/options").json()
    other.send("/idhub/login/passkey", credential=device.get(options))
    expect(other.url == account, f"the passkey does not sign in: {other.text}")
    other.send("/idhub/account/passkeys/rename", name="Old laptop")
    other.open(account).send("/idhub/account/passkeys/remove")
    expect("laptop" not in other.open(account).text, "the passkey is not removed")


def sent_to(address: str) -> list[dict]:
    """The mails that SES has for an address, once there is one."""
    deadline = time.monotonic() + 30
    found: list[dict] = []
    while time.monotonic() < deadline and not found:
        url = f"{os.environ['KITH_ENDPOINT']}/_ministack/ses/messages"
        with urllib.request.urlopen(url, timeout=10) as answer:
            messages = json.load(answer)["messages"].values()
        found = [mail for each in messages for mail in each if address in mail["To"]]
        time.sleep(0.2)
    expect(bool(found), f"no mail to {address} was sent")
    return found


def settings() -> None:
    """Checks the settings of functions and logs, and the backup plan. ministack gives roles no
    boundary; test_template.py checks it."""
    for function in client("lambda").list_functions()["Functions"]:
        name = function["FunctionName"]
        variables = function["Environment"]["Variables"]
        expect(variables["KITH_SYSTEM_ROOTS"] == "1", f"{name}: trusts {variables}")
        expect(function["MemorySize"] == 1024, f"{name}: {function['MemorySize']} MB")
    for group in client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/kith-")[
        "logGroups"
    ]:
        expect(bool(group.get("kmsKeyId")), f"{group['logGroupName']} has no key")
    expect(client("backup").list_backup_plans()["BackupPlansList"], "no plan of backups")


def main() -> None:
    headers = data(sys.argv[1])
    events(headers)
    export()
    address(headers)
    mails(headers)
    sealing()
    settings()
    print("every_parameter: a restored table with every parameter serves as before")


if __name__ == "__main__":
    main()
