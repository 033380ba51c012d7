"""template.yaml as it would be deployed with certain parameters."""

import copy
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

FUNCTION = "AWS::Serverless::Function"
ABSENT = object()
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": ABSENT,
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/kith/1-2-3-4-5",
    "AWS::StackName": "kith",
    "AWS::URLSuffix": "amazonaws.com",
}
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/kith"


def transform(document: dict, parameters: dict[str, str]) -> dict:
    """A template as CloudFormation gets it from SAM, which resolves parameters meanwhile. The code
    of a function is in a folder of its name."""
    document = copy.deepcopy(document)
    functions = [n for n, r in document["Resources"].items() if r["Type"] == FUNCTION]
    for name in functions:
        document["Resources"][name]["Properties"]["CodeUri"] = f"s3://code/{name}"
    values = {name: p.get("Default") for name, p in document["Parameters"].items()} | parameters
    metrics = Metrics(metrics_publisher=DummyMetricsPublisher())
    # It tells of features that only the service of AWS has.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    session = boto3.Session(region_name=PSEUDO["AWS::Region"])
    done = Translator({}, Parser(), None, session, metrics).translate(document, values)
    metrics.publish()
    for name in functions:
        done["Resources"][name]["Properties"]["Code"] = name
    return done


@dataclass
class Template:
    """A template whose intrinsic functions can be resolved; knows those that template.yaml uses."""

    document: dict
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, **parameters: str) -> "Template":
        return cls(yaml_parse(path.read_text()), parameters)

    def of_type(self, kind: str) -> dict[str, dict]:
        """The resources of a type that the parameters bring about, resolved."""
        return {
            name: self.resolve(resource)
            for name, resource in self.document["Resources"].items()
            if resource["Type"] == kind and self.holds(resource.get("Condition"))
        }

    def policies(self) -> dict[str, list[dict]]:
        """The documents of each role's inline policies."""
        roles = self.of_type("AWS::IAM::Role").items()
        return {
            name: [p["PolicyDocument"] for p in role["Properties"].get("Policies", [])]
            for name, role in roles
        }

    def roles(self) -> dict[str, list[dict]]:
        """The statements of each role, those of managed policies of the template among them."""
        managed = self.of_type("AWS::IAM::ManagedPolicy")
        found = {}
        for name, role in self.of_type("AWS::IAM::Role").items():
            documents = list(self.policies()[name])
            for policy in role["Properties"].get("ManagedPolicyArns", []):
                if policy in managed:
                    documents.append(managed[policy]["Properties"]["PolicyDocument"])
            found[name] = [s for document in documents for s in document["Statement"]]
        return found

    def holds(self, condition: str | None) -> bool:
        return condition is None or self.judge(self.document["Conditions"][condition])

    def judge(self, test: Any) -> bool:
        ((name, of),) = test.items()
        if name == "Fn::Equals":
            left, right = (self.resolve(value) for value in of)
            return str(left) == str(right)
        if name == "Fn::Not":
            return not self.judge(of[0])
        if name == "Fn::And":
            return all(self.judge(part) for part in of)
        if name == "Fn::Or":
            return any(self.judge(part) for part in of)
        if name == "Condition":
            return self.holds(of)
        raise NotImplementedError(name)

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [r for part in value if (r := self.resolve(part)) is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, of),) = value.items()
            if name == "Ref":
                return self.named(of)
            if name == "Fn::If":
                return self.resolve(of[1] if self.holds(of[0]) else of[2])
            if name == "Fn::GetAtt":
                return self.attribute(*(of.split(".", 1) if isinstance(of, str) else of))
            if name == "Fn::Sub":
                text, local = (of, {}) if isinstance(of, str) else of
                return self.substitute(text, {k: self.resolve(v) for k, v in local.items()})
            if name == "Fn::Select":
                return self.resolve(of[1])[int(of[0])]
            if name == "Fn::Split":
                return self.resolve(of[1]).split(of[0])
            if name == "Fn::Join":
                return of[0].join(str(part) for part in self.resolve(of[1]))
        resolved = {key: self.resolve(part) for key, part in value.items()}
        return {key: part for key, part in resolved.items() if part is not ABSENT}

    def substitute(self, text: str, local: dict[str, str]) -> str:
        def found(match: re.Match) -> str:
            name = match[1]
            if name in local:
                return str(local[name])
            if "." in name:
                return self.attribute(*name.split(".", 1))
            return str(self.named(name))

        return re.sub(r"\$\{([\w.:]+)\}", found, text)

    def named(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        parameter = self.document["Parameters"].get(name)
        if parameter is None:
            # A resource; in the tests of this folder its logical name stands for it.
            return name
        text = self.parameters.get(name, parameter["Default"])
        return text.split(",") if parameter["Type"] == "CommaDelimitedList" else text

    @staticmethod
    def attribute(resource: str, attribute: str) -> str:
        return TABLE if (resource, attribute) == ("Table", "Arn") else f"{resource}.{attribute}"
