"""Packages, deploys and connects the stack of template.yaml on ministack."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

import loopback
from machine import HERE, REGION, ROOT, Failed
from template import Template, transform

NAME = "kith"
# A template of an earlier version, unchanged. Resources with state must survive the update.
OLDER = HERE / "older_template.yaml"
LASTING = ("Api", "Table", "UntoldQueue", "AccessLogs", "UsersLogs")
PROGRAMS = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
BUILT = ROOT / "target" / "deployment"
PARAMETERS = {"Architecture": "x86_64"}
# Types that ministack does not have.
UNKNOWN = ("AWS::Backup::BackupSelection", "AWS::CodeDeploy::")


def sam(programs: Path, variables: dict[str, str], *arguments: str) -> None:
    settings = {
        "SAM_CLI_TELEMETRY": "0",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "AWS_DEFAULT_REGION": REGION,
        "SAM_CLI_POLL_DELAY": "1",
    }
    command = [str(programs / "sam"), *arguments]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, env=variables | settings, cwd=ROOT, check=False, **output)
    if done.returncode:
        # Each reason stands in the last column, over several lines.
        reasons = re.findall(r"^\w*FAILED.*\n(?: .*\n)*", done.stdout, re.MULTILINE)
        said = "".join(reasons) + done.stdout[-2000:]
        raise Failed(f"`sam {arguments[0]}` failed:\n{said}")


def package(text: str, folder: str, parameters: dict[str, str]) -> Path:
    """Packages the functions as `cargo build --workspace` left them, and returns the template that
    names them. `sam build` would compile each function again, with its own features.

    SAM's part is done here: ministack would do it without the parameters.
    """
    source = yaml_parse(text)
    template = transform(source, parameters)
    built = BUILT / folder
    shutil.rmtree(built, ignore_errors=True)
    resources = template["Resources"]
    for name in [n for n, r in resources.items() if r["Type"].startswith(UNKNOWN)]:
        del resources[name]
    for name, resource in resources.items():
        # A policy for a deployment by CodeDeploy.
        resource.pop("UpdatePolicy", None)
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            resource["Properties"] = without_metric_math(resource["Properties"])
        if resource["Type"] == "AWS::Lambda::Function":
            bootstrap = built / name / "bootstrap"
            bootstrap.parent.mkdir(parents=True)
            binary = source["Resources"][name]["Metadata"]["BuildProperties"]["Binary"]
            subprocess.run(["strip", "-o", bootstrap, PROGRAMS / binary], check=True)
    packaged = built / "template.yaml"
    packaged.write_text(yaml_dump(template))
    return packaged


def without_metric_math(alarm: dict) -> dict:
    """An alarm that ministack can make: on the first metric of the expression."""
    if "Metrics" not in alarm:
        return alarm
    of = next(query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query)
    plain = of["Metric"] | {"Period": of["Period"], "Statistic": of["Stat"]}
    return {name: value for name, value in alarm.items() if name != "Metrics"} | plain


def deploy(
    programs: Path,
    text: str,
    variables: dict[str, str],
    endpoint: str,
    parameters: dict[str, str] | None = None,
) -> "Stack":
    parameters = PARAMETERS | (parameters or {})
    template = package(text, "parameters" if len(parameters) > 1 else "defaults", parameters)
    sam(
        programs, variables, "deploy",
        "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()),
        "--template-file", str(template), "--stack-name", NAME,
        "--resolve-s3", "--capabilities", "CAPABILITY_IAM",
        "--no-confirm-changeset", "--no-progressbar",
    )  # fmt: skip
    return Stack(endpoint)


class Stack:
    """The deployed stack, as ministack describes it."""

    def __init__(self, endpoint: str) -> None:
        address = urlsplit(endpoint)
        self.endpoint = endpoint
        self.backend = (address.hostname, address.port)
        session = boto3.Session("test", "test", region_name=REGION)
        self.client = lambda service: session.client(service, endpoint_url=endpoint)
        formation = self.client("cloudformation")
        resources = formation.describe_stack_resources(StackName=NAME)["StackResources"]
        self.physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        stack = formation.describe_stacks(StackName=NAME)["Stacks"][0]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self.parameters = {
            p["ParameterKey"]: p["ParameterValue"] for p in stack.get("Parameters", [])
        }
        self.template = yaml_parse(formation.get_template(StackName=NAME)["TemplateBody"])
        self.api = self.physical["Api"]
        self.table = self.outputs["TableName"]
        self._denied: list[str] = []

    def denied(self) -> Counter[str]:
        """The requests of functions that their roles do not allow, and how often."""
        return Counter(self._denied)

    def of_type(self, kind: str) -> list[str]:
        return [
            name
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == kind and name in self.physical
        ]

    def outlived_by(self, later: "Stack") -> None:
        """Demands that an update has left everything in place that holds state."""
        lost = [name for name in LASTING if self.physical[name] != later.physical.get(name)]
        if lost:
            raise Failed(f"the update has replaced {', '.join(lost)}")

    @contextlib.contextmanager
    def reachable(self) -> Iterator[str]:
        """Connects routes and table for as long as the block lasts, and yields the base URL."""
        self.add_routes()
        # The command calls the sweeper and the mailer when it wants to see what they do.
        for name in ("Sweeper", "Mailer"):
            rule = self.physical.get(f"{name}FunctionEachMinute")
            if rule:
                self.client("events").disable_rule(Name=rule)
        roles = {name: self.statements(name) for name in self.of_type("AWS::Lambda::Function")}
        guard = loopback.table_guard(self.backend, roles, self.partition_keys(), self._denied)
        front = loopback.front(self.backend, f"{self.api}.execute-api.localhost")
        with loopback.serving(guard) as table, loopback.serving(front) as url:
            self.point_at(table)
            yield url

    def add_routes(self) -> None:
        """Adds what the OpenAPI body of the API says: ministack does not read it."""
        gateway = self.client("apigatewayv2")
        body = self.template["Resources"]["Api"]["Properties"]["Body"]
        cors = Template(self.template, self.parameters).resolve(
            [body.get("x-amazon-apigateway-cors", {})]
        )
        if cors and cors[0]:
            upper = {name[0].upper() + name[1:]: value for name, value in cors[0].items()}
            gateway.update_api(ApiId=self.api, CorsConfiguration=upper)
        if gateway.get_routes(ApiId=self.api)["Items"]:
            return
        integrations: dict[str, str] = {}
        for path, methods in body["paths"].items():
            for method, operation in methods.items():
                uri = json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
                alias = re.search(r"\$\{(\w+Aliaslive)\}", uri)[1]
                if alias not in integrations:
                    integrations[alias] = gateway.create_integration(
                        ApiId=self.api,
                        IntegrationType="AWS_PROXY",
                        IntegrationUri=self.physical[alias],
                        IntegrationMethod="POST",
                        PayloadFormatVersion="2.0",
                    )["IntegrationId"]
                verb = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                key = "$default" if operation.get("isDefaultRoute") else f"{verb} {path}"
                gateway.create_route(
                    ApiId=self.api, RouteKey=key, Target=f"integrations/{integrations[alias]}"
                )

    def statements(self, function: str) -> list[dict]:
        """All statements of the role of a function, as deployed."""
        iam = self.client("iam")
        role = (
            self.client("lambda")
            .get_function_configuration(FunctionName=self.physical[function])["Role"]
            .rsplit("/", 1)[-1]
        )
        found: list[dict] = []
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            found += iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"][
                "Statement"
            ]
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found += iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
                "Document"
            ]["Statement"]
        return found

    def partition_keys(self) -> dict[str | None, str]:
        table = self.client("dynamodb").describe_table(TableName=self.table)["Table"]
        indexes = table.get("GlobalSecondaryIndexes", [])
        return {None: table["KeySchema"][0]["AttributeName"]} | {
            i["IndexName"]: i["KeySchema"][0]["AttributeName"] for i in indexes
        }

    def point_at(self, table: str) -> None:
        """Publishes a version of each function with the guard as its endpoint, and points the alias
        at it."""
        functions = self.client("lambda")
        for logical in self.of_type("AWS::Lambda::Function"):
            name = self.physical[logical]
            variables = functions.get_function_configuration(FunctionName=name)["Environment"][
                "Variables"
            ]
            variables["AWS_ENDPOINT_URL"] = f"{table}/{logical}"
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": variables}
            )
            functions.get_waiter("function_updated_v2").wait(
                FunctionName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100}
            )
            version = functions.publish_version(FunctionName=name)["Version"]
            functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def show_logs(self, lines: int = 40) -> None:
        """Prints the last lines that each function logged."""
        logs = self.client("logs")
        for logical in self.of_type("AWS::Logs::LogGroup"):
            group = self.physical[logical]
            events = logs.filter_log_events(logGroupName=group).get("events", [])
            for event in events[-lines:]:
                print(f"{group}: {event['message'].rstrip()}", file=sys.stderr)
