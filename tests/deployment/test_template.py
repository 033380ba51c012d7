"""The transformed template.yaml with the parameters of a small account, of a large company, and
with gradual deployments. Each test is about something that only an account would refuse, or that
would stay silent there."""

import copy
import json
import re
import subprocess
import sys
import unittest
from functools import cache
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from machine import ROOT
from policies import Access, allowed
from template import FUNCTION, Template, transform

SOURCE = yaml_parse((ROOT / "template.yaml").read_text())
GRADUAL = {"DeploymentType": "Canary10Percent5Minutes"}
ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
SET = GRADUAL | {
    "AlarmTopicArn": ARN.format("sns", "alarms"),
    "AllowedOrigins": "https://app.example.com,https://admin.example.com",
    "AuditBucket": "kith-audit",
    "AuditEvents": "true",
    "BackupLockDays": "14",
    "BackupRetentionDays": "35",
    "CertificateArn": ARN.format("acm", "certificate/1"),
    "DisableDefaultEndpoint": "true",
    "DomainName": "id.example.com",
    "ExistingTableArn": ARN.format("dynamodb", "table/restored"),
    "ExistingTableStreamArn": ARN.format("dynamodb", "table/restored/stream/1"),
    "HostedZoneId": "Z1",
    "LogKeyArn": ARN.format("kms", "key/1"),
    "MailBounceTopicArn": ARN.format("sns", "bounces"),
    "MailFrom": "no-reply@example.com",
    "MailIdentity": "example.com",
    "OperationMetrics": "true",
    "SealingKeyArn": ARN.format("kms", "key/3"),
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "TableKeyArn": ARN.format("kms", "key/2"),
}
READS = ("GetItem", "BatchGetItem", "Query", "Scan")
# The functions that leave audit entries.
AUDITING = ("Token", "Users", "Personas", "Definitions", "Subjects", "Login", "Sweeper")
# The functions that no route calls.
BACKGROUND = ("SweeperFunction", "StreamFunction", "MailerFunction")
FUNCTIONS = sorted(
    name
    for name, resource in SOURCE["Resources"].items()
    if resource["Type"] == FUNCTION
)


@cache
def transformed(**parameters: str) -> Template:
    """The template as CloudFormation gets it from SAM."""
    return Template(transform(SOURCE, parameters), parameters)


def refused(parameter: str, value: str) -> bool:
    return not re.fullmatch(SOURCE["Parameters"][parameter]["AllowedPattern"], value)


def gradual(value):
    """The template with its conditions resolved for gradual deployments. Otherwise SAM makes none
    of the resources that need the condition."""
    if isinstance(value, list):
        return [gradual(part) for part in value]
    if not isinstance(value, dict):
        return value
    match value.get("Fn::If"):
        case ["IsGradual", then, _]:
            return gradual(then)
    kept = {key: part for key, part in value.items() if part != "IsGradual"}
    return {key: gradual(part) for key, part in kept.items()}


class Parameters(unittest.TestCase):
    def test_a_base_url_has_no_path(self) -> None:
        self.assertFalse(refused("BaseUrl", "https://id.example.com"))
        self.assertTrue(refused("BaseUrl", "https://id.example.com/kith"))
        self.assertTrue(refused("BaseUrl", "https://id.example.com/"))

    def test_iam_takes_the_arn_of_a_key_and_not_of_an_alias(self) -> None:
        for name in ("TableKeyArn", "SealingKeyArn", "LogKeyArn"):
            self.assertFalse(refused(name, ARN.format("kms", "key/1")))
            self.assertTrue(refused(name, ARN.format("kms", "alias/kith")))

    def test_the_name_of_a_bucket_is_one_label(self) -> None:
        for name in ("", "kith-audit", "123"):
            self.assertFalse(refused("AuditBucket", name), name)
        for name in ("kith.audit", "Kith", "a", "-kith", "kith/", "arn:aws:s3:::kith"):
            self.assertTrue(refused("AuditBucket", name), name)

    def test_sam_reads_every_parameter_of_samconfig(self) -> None:
        config = (ROOT / "samconfig.toml").read_text()
        for name in re.findall(r'"(\w+)=', config):
            self.assertIn(name, SOURCE["Parameters"])

    def test_the_page_and_the_trial_demand_the_versions_that_ci_uses(self) -> None:
        pins = (ROOT / "tests" / "deployment" / "requirements.txt").read_text()
        page = (ROOT / "docs" / "operating" / "deploy.md").read_text()
        trial = (ROOT / "infra" / "trial.sh").read_text()
        for package in ("aws-sam-cli", "cargo-lambda"):
            version = re.search(rf"^{package}==(\d+\.\d+)", pins, re.MULTILINE)[1]
            self.assertIn(f"| {version} or newer |", page)
            self.assertIn(f"newer {version} ", trial)

    def test_every_parameter_is_in_a_group(self) -> None:
        groups = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(SOURCE["Parameters"]))


class Import(unittest.TestCase):
    """The API definition that API Gateway imports."""

    def body(self, **parameters: str) -> dict:
        template = transformed(**parameters)
        return template.resolve(template.document["Resources"]["Api"]["Properties"])["Body"]

    def test_a_warning_does_not_fail_the_stack(self) -> None:
        api = transformed().document["Resources"]["Api"]["Properties"]
        self.assertNotIn("FailOnWarnings", api)

    def test_no_route_holds_what_http_apis_may_refuse(self) -> None:
        for path in self.body()["paths"]:
            self.assertRegex(path, r"^(\$default|/|(/(\.?[\w-]+(\.[\w-]+)*|\{\w+\}))+)$")

    def test_cors_is_off_unless_an_origin_is_named(self) -> None:
        self.assertNotIn("x-amazon-apigateway-cors", self.body())
        cors = self.body(**SET)["x-amazon-apigateway-cors"]
        self.assertEqual(
            cors["allowOrigins"], ["https://app.example.com", "https://admin.example.com"]
        )
        self.assertIn("dpop", cors["allowHeaders"])
        self.assertIn("etag", cors["exposeHeaders"])

    def test_ec8_origins_are_as_browsers_write_them(self) -> None:
        pattern = SOURCE["Parameters"]["AllowedOrigins"]["AllowedPattern"]
        for good in (
            "", "*", "https://*", "https://app.example.com", "http://localhost:5173",
            "http://[::1]:5173,https://app.example.com",
        ):  # fmt: skip
            self.assertRegex(good, pattern)
        for wrong in (
            "app.example.com", "https://app.example.com/", "https://*.example.com", "https://App.example.com",
            "https://a.example, https://b.example", "*,https://app.example.com", "https://me@a.example",
        ):  # fmt: skip
            self.assertNotRegex(wrong, pattern)

    def test_the_default_endpoint_can_be_closed(self) -> None:
        for parameters, closed in (({}, False), (SET, True)):
            (server,) = self.body(**parameters)["servers"]
            endpoint = server["x-amazon-apigateway-endpoint-configuration"]
            self.assertIs(endpoint["disableExecuteApiEndpoint"], closed)


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        self.alarms = transformed(**SET).of_type("AWS::CloudWatch::Alarm")

    def metrics(self, alarm: dict) -> list[tuple[str, str]]:
        """Metrics with the function that they are about."""
        properties = alarm["Properties"]
        plain = [q["MetricStat"]["Metric"] for q in properties.get("Metrics", []) if "MetricStat" in q]
        return [
            (m["MetricName"], d["Value"])
            for m in plain or [properties]
            for d in m.get("Dimensions", [{"Value": ""}])
        ]

    def watched(self, metric: str) -> set[str]:
        found = {v for a in self.alarms.values() for m, v in self.metrics(a) if m == metric}
        return found & set(FUNCTIONS)

    def test_whoever_is_to_know_is_told_of_each(self) -> None:
        silent = {n for n, a in self.alarms.items() if "AlarmActions" not in a["Properties"]}
        self.assertEqual(silent, {f"{n.removesuffix('Function')}DeploymentAlarm" for n in FUNCTIONS})

    def test_none_waits_for_a_thousand_requests(self) -> None:
        for name, alarm in self.alarms.items():
            self.assertNotIn("ExtendedStatistic", alarm["Properties"], name)

    def test_a_function_that_the_schedule_does_not_call_rings(self) -> None:
        for name in ("Sweeper", "Mailer"):
            silent = self.alarms[f"{name}SilentAlarm"]["Properties"]
            self.assertEqual(silent["MetricName"], "Invocations")
            self.assertEqual(silent["TreatMissingData"], "breaching")

    def test_an_audit_that_nobody_verifies_rings(self) -> None:
        silent = self.alarms["AuditUnverifiedAlarm"]["Properties"]
        self.assertEqual(silent["Threshold"], 2 * 24 * 3600)
        self.assertEqual(silent["TreatMissingData"], "breaching")

    def test_functions_that_nobody_waits_for_are_watched(self) -> None:
        self.assertLessEqual(set(BACKGROUND), self.watched("Errors"))
        self.assertEqual(self.watched("AsyncEventsDropped"), {"SweeperFunction"})
        self.assertIn("PolledEventCount", dict(self.metrics(self.alarms["StreamSilentAlarm"])))
        mapping = transformed().document["Resources"]["StreamFunctionUsers"]["Properties"]
        self.assertEqual(mapping["MetricsConfig"], {"Metrics": ["EventCount"]})

    def test_each_function_is_watched_for_throttles(self) -> None:
        self.assertEqual(self.watched("Throttles"), set(FUNCTIONS))

    def test_one_failure_rolls_nothing_back(self) -> None:
        for name in FUNCTIONS:
            if name in BACKGROUND:
                continue
            alarm = self.alarms[f"{name.removesuffix('Function')}DeploymentAlarm"]["Properties"]
            (result,) = [q for q in alarm["Metrics"] if "Expression" in q]
            self.assertIn(">= 5", result["Expression"])
            self.assertEqual(alarm["Threshold"], 1)

    def test_the_error_budget_is_that_of_the_target(self) -> None:
        for name, burn in (("Fast", 14.4), ("Slow", 6)):
            alarm = self.alarms[f"Availability{name}BurnAlarm"]["Properties"]
            (result,) = [q for q in alarm["Metrics"] if "Expression" in q]
            self.assertIn("(1 - 99.9 / 100)", result["Expression"])
            self.assertEqual(alarm["Threshold"], burn)


class Metrics(unittest.TestCase):
    """Metrics that CloudWatch makes of log lines."""

    def filters(self, **parameters: str) -> dict[str, dict]:
        return transformed(**parameters).of_type("AWS::Logs::MetricFilter")

    def test_a_filter_reads_what_the_log_line_has(self) -> None:
        lines = {
            "AccessLogs": "template.yaml",
            "MailerLogs": "functions/mailer/src",
            "SweeperLogs": "functions/sweeper/src",
        }
        for name, found in self.filters(**SET).items():
            properties = found["Properties"]
            source = lines.get(properties["LogGroupName"], "shared/src/http/edge.rs")
            path = ROOT / source
            files = sorted(path.glob("*.rs")) if path.is_dir() else [path]
            code = "".join(file.read_text() for file in files)
            (transformation,) = properties["MetricTransformations"]
            dimensions = [d["Value"] for d in transformation.get("Dimensions", [])]
            texts = [properties["FilterPattern"], transformation["MetricValue"], *dimensions]
            for field in re.findall(r"\$\.(\w+)", " ".join(texts)):
                self.assertRegex(code, rf'\b{field}( =|,|":)', f"{name}: {source}")

    def test_only_a_parameter_makes_metrics_of_each_operation(self) -> None:
        def dimensions(found: dict) -> list[str]:
            (transformation,) = found["Properties"]["MetricTransformations"]
            # CloudFormation refuses both.
            if "Dimensions" in transformation:
                self.assertNotIn("DefaultValue", transformation)
            return [d["Value"] for d in transformation.get("Dimensions", [])]

        self.assertEqual([d for f in self.filters().values() for d in dimensions(f)], [])
        # Ids, clients and methods are what callers choose: each would be a metric of its own.
        named = {d for f in self.filters(**SET).values() for d in dimensions(f)}
        self.assertEqual(named, {"$.operation"})

    def test_each_function_with_routes_tells_all_of_them(self) -> None:
        behind_routes = [n for n in FUNCTIONS if n not in BACKGROUND]
        for name in behind_routes:
            of = name.removesuffix("Function")
            own = [f for f in self.filters(**SET).values() if f["Properties"]["LogGroupName"] == f"{of}Logs"]
            made = {f["Properties"]["MetricTransformations"][0]["MetricName"] for f in own}
            each = {"ColdStarts", "Milliseconds", "ServerErrors", "ReadUnits", "WriteUnits"}
            self.assertEqual(made, each | {f"{of}ServerErrors"}, name)


class Dashboard(unittest.TestCase):
    def setUp(self) -> None:
        self.text = self.body()
        self.widgets = json.loads(self.text)["widgets"]

    def body(self, **parameters: str) -> str:
        (dashboard,) = transformed(**parameters).of_type("AWS::CloudWatch::Dashboard").values()
        return dashboard["Properties"]["DashboardBody"]

    def test_it_shows_every_alarm_and_every_metric_of_log_lines(self) -> None:
        for name in transformed().of_type("AWS::CloudWatch::Alarm"):
            self.assertIn(f'"{name}.Arn"', self.text)
        with_bucket = self.body(AuditBucket="kith-audit")
        json.loads(with_bucket)
        self.assertIn('"AuditExportAlarm.Arn"', with_bucket)
        for found in Metrics().filters().values():
            (transformation,) = found["Properties"]["MetricTransformations"]
            self.assertIn(f'"Kith/kith","{transformation["MetricName"]}"', self.text)

    def test_it_shows_each_operation_of_each_function(self) -> None:
        (query,) = [
            w["properties"]["query"] for w in self.widgets if w["properties"]["title"] == "Operations"
        ]
        for name in FUNCTIONS:
            if name not in BACKGROUND:
                self.assertIn(f"SOURCE '{name.removesuffix('Function')}Logs'", query)

    def test_no_widget_covers_another(self) -> None:
        places = [
            (x, y)
            for w in self.widgets
            for x in range(w["x"], w["x"] + w["width"])
            for y in range(w["y"], w["y"] + w["height"])
        ]
        self.assertEqual(len(places), len(set(places)))
        self.assertLessEqual(max(x for x, _ in places), 23)


class Gradual(unittest.TestCase):
    maxDiff = None

    def test_each_function_has_an_alarm_of_its_own_and_no_role_is_made_beside(self) -> None:
        template = transformed(**SET)
        groups = template.of_type("AWS::CodeDeploy::DeploymentGroup")
        self.assertEqual(sorted(groups), [f"{name}DeploymentGroup" for name in FUNCTIONS])
        for name, group in groups.items():
            properties = group["Properties"]
            of = name.removesuffix("FunctionDeploymentGroup")
            alarms = [a["Name"] for a in properties["AlarmConfiguration"]["Alarms"]]
            self.assertEqual(alarms, [f"{of}DeploymentAlarm"])
            self.assertEqual(properties["ServiceRoleArn"], "DeploymentRole.Arn")

    def test_nothing_of_it_is_there_otherwise(self) -> None:
        template = transformed()
        self.assertEqual(template.of_type("AWS::CodeDeploy::DeploymentGroup"), {})
        names = template.of_type("AWS::CloudWatch::Alarm")
        self.assertEqual([name for name in names if name.endswith("DeploymentAlarm")], [])

    def test_cfn_lint_has_nothing_to_say(self) -> None:
        folder = ROOT / "target" / "deployment"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "gradual.json"
        document = copy.deepcopy(transformed(**GRADUAL).document)
        code = {"S3Bucket": "code-of-kith", "S3Key": "key"}
        for name in FUNCTIONS:
            document["Resources"][name]["Properties"]["Code"] = code
        path.write_text(json.dumps(gradual(document)))
        # Parameters, a mapping and a condition that are resolved.
        program = Path(sys.executable).with_name("cfn-lint")
        lint = [program, "-i", "W2001", "W7001", "W8001", "--", path]
        done = subprocess.run(lint, check=False, capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), "")


class Resources(unittest.TestCase):
    def test_every_role_has_the_boundary(self) -> None:
        for name, role in transformed(**SET).of_type("AWS::IAM::Role").items():
            self.assertIn("PermissionsBoundary", role["Properties"], name)

    def test_only_the_token_function_may_use_the_key_that_seals_private_keys(self) -> None:
        """The others that write may use it for the key of the audit alone."""
        arn = SET["SealingKeyArn"]
        users = {
            **{f"{name}Role": "audit" for name in AUDITING},
            "TokenRole": ["private-keys", "audit", "digests"],
            "LoginRole": ["audit", "login"],
            "SweeperRole": ["audit", "digests"],
        }
        for name, statements in transformed(**SET).roles().items():
            own = [s["Condition"] for s in statements if s["Resource"] == arn]
            context = users.get(name)
            due = {"StringEquals": {"kms:EncryptionContext:kith": context}}
            self.assertEqual(own, [due] if context else [], name)
        functions = transformed(**SET).of_type("AWS::Lambda::Function")
        told = {n for n, f in functions.items() if arn in json.dumps(f["Properties"]["Environment"])}
        self.assertEqual(told, {f"{name}Function" for name in AUDITING})

    def test_only_the_sweeper_and_the_token_function_reach_the_key_that_signs_digests(self) -> None:
        """It signs with it; the token function seals it."""
        reach = {
            role
            for role, statements in transformed(**SET).roles().items()
            for action in ("GetItem", "PutItem", "UpdateItem", "Query", "DeleteItem", "BatchGetItem")
            if allowed(statements, Access(action, "restored", None, ("K#digests",)))
        }
        self.assertEqual(reach, {"SweeperRole", "TokenRole"})

    def reach(self, key: str, *actions: str) -> set[str]:
        """The roles that may do one of the actions to the items of a partition."""
        return {
            role
            for role, statements in transformed(**SET).roles().items()
            for action in actions or READS
            if allowed(statements, Access(action, "restored", None, (key,)))
        }

    def test_g31_only_the_login_function_reads_credentials_and_the_keys_that_seal_them(self) -> None:
        for key in ("T#acme#PW#1", "T#acme#PK#1", "T#acme#LK#1", "K#login"):
            self.assertEqual(self.reach(key), {"LoginRole"}, key)
        for key in ("T#acme#PW#1", "T#acme#PK#1", "K#login"):
            self.assertEqual(self.reach(key, "PutItem", "UpdateItem"), {"LoginRole"}, key)
        for key in ("T#acme#PW#1", "T#acme#PK#1", "T#acme#LK#1"):
            erase = {"LoginRole", "UsersRole", "SweeperRole"}
            self.assertLessEqual(self.reach(key, "DeleteItem"), erase | {"MailerRole"}, key)

    def test_g31_no_function_has_both_passwords_and_signing_keys(self) -> None:
        self.assertEqual(self.reach("K#private", *READS, "PutItem"), {"TokenRole"})

    def test_g44_only_the_mailer_makes_links_and_only_the_login_function_takes_them(self) -> None:
        self.assertEqual(self.reach("T#acme#LK#1", "PutItem"), {"MailerRole"})
        self.assertEqual(self.reach("OUTBOX#0"), {"MailerRole"})
        self.assertEqual(
            self.reach("OUTBOX#0", "PutItem"), {"LoginRole", "UsersRole", "MailerRole"}
        )

    def test_g6_only_the_login_function_makes_codes_and_the_token_function_takes_them(self) -> None:
        self.assertEqual(self.reach("T#acme#OC#1"), {"TokenRole"})
        self.assertEqual(self.reach("T#acme#OC#1", "PutItem"), {"LoginRole", "TokenRole"})

    def test_g23_functions_that_people_call_read_sessions_and_background_functions_do_not(self) -> None:
        calls = {f"{n}Role" for n in ("Token", "Users", "Personas", "Definitions", "Subjects", "Login")}
        self.assertEqual(self.reach("T#acme#SE#1", "GetItem"), calls)

    def test_g72_only_the_mailer_sends_and_from_one_address(self) -> None:
        for parameters in ({}, SET):
            sending = {
                name: statement
                for name, statements in transformed(**parameters).roles().items()
                for statement in statements
                if "ses:" in json.dumps(statement["Action"])
            }
            self.assertEqual(set(sending), {"MailerRole"} if parameters else set())
        condition = {"StringEquals": {"ses:FromAddress": "no-reply@example.com"}}
        self.assertEqual(sending["MailerRole"]["Condition"], condition)
        statements = transformed(**SET).roles()["MailerRole"]
        for sender, right in (("no-reply@example.com", True), ("ceo@example.com", False)):
            access = Access("SendEmail", "identity/example.com", None, (sender,), "ses")
            self.assertEqual(allowed(statements, access), right, sender)
        told = {
            name: function["Properties"]["Environment"]["Variables"].get("KITH_MAIL_FROM")
            for name, function in transformed(**SET).of_type("AWS::Lambda::Function").items()
        }
        self.assertEqual({k: v for k, v in told.items() if v}, {"MailerFunction": "no-reply@example.com"})

    def test_g72_a_topic_of_bounces_calls_the_mailer(self) -> None:
        self.assertEqual(transformed().of_type("AWS::SNS::Subscription"), {})
        (subscription,) = transformed(**SET).of_type("AWS::SNS::Subscription").values()
        (permission,) = (
            found["Properties"]
            for name, found in transformed(**SET).of_type("AWS::Lambda::Permission").items()
            if name == "BouncePermission"
        )
        self.assertEqual(permission["SourceArn"], SET["MailBounceTopicArn"])
        self.assertEqual(permission["FunctionName"], subscription["Properties"]["Endpoint"])

    def test_g72_a_bounce_that_cannot_be_noted_is_tried_again_and_then_kept(self) -> None:
        template = transformed(**SET)
        (config,) = (
            found["Properties"]
            for found in template.of_type("AWS::Lambda::EventInvokeConfig").values()
            if found["Properties"]["FunctionName"] == "MailerFunction"
        )
        self.assertEqual(config["MaximumRetryAttempts"], 2)
        queue = config["DestinationConfig"]["OnFailure"]["Destination"]
        senders = {
            role
            for role, statements in template.roles().items()
            for statement in statements
            if statement["Resource"] == queue and "sqs:SendMessage" in statement["Action"]
        }
        self.assertEqual(senders, {"MailerRole"})
        # Its messages name addresses of people, who may be forgotten meanwhile.
        kept = template.of_type("AWS::SQS::Queue")["MailerFailuresQueue"]["Properties"]
        self.assertLessEqual(kept["MessageRetentionPeriod"], 4 * 24 * 3600)

    def test_g47_mail_needs_an_identity_and_a_name_for_its_links(self) -> None:
        mail = {"MailFrom": "no-reply@example.com", "MailIdentity": "example.com"}
        named = mail | {"BaseUrl": "https://id.example.com"}
        for parameters, good in (
            ({}, True), (named, True), (mail, False),
            ({"MailFrom": mail["MailFrom"], "BaseUrl": named["BaseUrl"]}, False),
            ({"MailIdentity": "example.com"}, False),
            ({"MailBounceTopicArn": SET["MailBounceTopicArn"]}, False),
        ):  # fmt: skip
            template = Template(SOURCE, parameters)
            broken = [
                assertion["AssertDescription"]
                for rule in SOURCE["Rules"].values()
                if template.judge(rule["RuleCondition"])
                for assertion in rule["Assertions"]
                if not template.judge(assertion["Assert"])
            ]
            self.assertEqual(broken == [], good, parameters)
        for address, wrong in (
            ("no-reply@example.com", False), ("", False), ("Kith <no-reply@example.com>", True),
            ("example.com", True), ("a@b", True),
        ):  # fmt: skip
            self.assertEqual(refused("MailFrom", address), wrong, address)

    def test_only_an_export_reads_many_entries_of_the_ledger_at_once(self) -> None:
        for parameters, due in (({}, ["T#acme#U#1"]), (SET, ["T#acme#U#1", "T#acme#AU"])):
            table = "restored" if parameters else "kith"
            statements = transformed(**parameters).roles()["SweeperRole"]
            reach = [
                key
                for key in ("T#acme#U#1", "T#acme#AU", "T#acme#D", "K#audit")
                if allowed(statements, Access("BatchGetItem", table, None, (key,)))
            ]
            self.assertEqual(reach, due)

    def test_silence_of_the_export_rings(self) -> None:
        alarm = transformed(**SET).of_type("AWS::CloudWatch::Alarm")["AuditExportAlarm"]["Properties"]
        self.assertEqual((alarm["TreatMissingData"], alarm["Period"]), ("breaching", 3600))

    def test_the_sweeper_alone_stores_objects_and_in_one_bucket(self) -> None:
        for parameters in ({}, SET):
            storing = {
                (name, statement["Action"], statement["Resource"])
                for name, statements in transformed(**parameters).roles().items()
                for statement in statements
                if "s3:" in json.dumps(statement["Action"])
            }
            right = ("SweeperRole", "s3:PutObject", "arn:aws:s3:::kith-audit/*")
            self.assertEqual(storing, {right} if parameters else set())

    def test_only_a_parameter_publishes_audit_entries(self) -> None:
        for parameters, prefixes in (({}, 0), (SET, 1)):
            mapping = transformed(**parameters).document["Resources"]["StreamFunctionUsers"]
            filters = transformed(**parameters).resolve(mapping["Properties"])["FilterCriteria"]
            patterns = [json.loads(f["Pattern"]) for f in filters["Filters"]]
            keys = {"sk": {"S": [{"prefix": "AU#"}]}}
            of_entries = [p for p in patterns if p["dynamodb"]["Keys"] == keys]
            self.assertEqual([p["eventName"] for p in of_entries], [["INSERT"]] * prefixes)

    def test_every_log_group_has_the_key(self) -> None:
        for name, group in transformed(**SET).of_type("AWS::Logs::LogGroup").items():
            self.assertIn("KmsKeyId", group["Properties"], name)

    def test_a_lock_keeps_each_backup_as_long_as_the_plan(self) -> None:
        (vault,) = transformed(**SET).of_type("AWS::Backup::BackupVault").values()
        lock = {"MinRetentionDays": "35", "MaxRetentionDays": "35", "ChangeableForDays": "14"}
        self.assertEqual(vault["Properties"]["LockConfiguration"], lock)
        open_ = transformed(BackupRetentionDays="35").of_type("AWS::Backup::BackupVault")
        self.assertNotIn("LockConfiguration", open_["BackupVault"]["Properties"])
        for days, wrong in (("0", False), ("3", False), ("14", False), ("1", True), ("02", True)):
            self.assertEqual(refused("BackupLockDays", days), wrong, days)

    def test_an_existing_table_takes_the_place_of_the_stacks_own(self) -> None:
        template = transformed(**SET)
        self.assertEqual(template.of_type("AWS::DynamoDB::Table"), {})
        for name, function in template.of_type("AWS::Lambda::Function").items():
            table = function["Properties"]["Environment"]["Variables"]["KITH_TABLE"]
            self.assertEqual(table, "restored", name)
        of_roles = json.dumps(template.of_type("AWS::IAM::Role"))
        self.assertIn("table/restored/index/gsi1", of_roles)
        self.assertNotIn("table/kith", of_roles)

    def test_a_first_deployment_that_fails_takes_its_table_away(self) -> None:
        table = transformed().document["Resources"]["Table"]
        self.assertEqual(table["DeletionPolicy"], "RetainExceptOnCreate")
        self.assertEqual(table["UpdateReplacePolicy"], "Retain")

    def test_a_request_ends_before_the_gateway_gives_it_up(self) -> None:
        for name, function in transformed().of_type("AWS::Lambda::Function").items():
            if name not in BACKGROUND:
                self.assertLess(function["Properties"]["Timeout"], 30, name)

    def test_lambda_does_not_log_each_call(self) -> None:
        for name, function in transformed().of_type("AWS::Lambda::Function").items():
            logging = function["Properties"]["LoggingConfig"]
            self.assertEqual(logging["SystemLogLevel"], "WARN", name)

    def test_the_base_url_is_that_of_the_domain_unless_it_is_named(self) -> None:
        named = SET | {"BaseUrl": "https://cdn.example.com"}
        for parameters, due in (({}, ""), (SET, "https://id.example.com"), (named, named["BaseUrl"])):
            functions = transformed(**parameters).of_type("AWS::Lambda::Function")
            urls = {
                name: function["Properties"]["Environment"]["Variables"]["KITH_BASE_URL"]
                for name, function in functions.items()
            }
            # Nobody asks the mailer under a name from which it could take it.
            own = due or "https://Api.execute-api.us-east-1.amazonaws.com"
            self.assertEqual(urls.pop("MailerFunction"), own)
            self.assertEqual(set(urls.values()), {due})

    def test_the_stack_is_within_the_limits(self) -> None:
        document = transformed(**SET).document
        self.assertLess(len(document["Resources"]), 500)
        self.assertLess(len(json.dumps(document)), 1_000_000)


if __name__ == "__main__":
    unittest.main()
