"""A release of programs that only look like programs: what is in it, and what is refused."""

import hashlib
import json
import struct
import subprocess
import sys
import tempfile
import tomllib
import unittest
import zipfile
from pathlib import Path

from machine import ROOT
from template import Template, transform
from samcli.yamlhelper import yaml_parse

FUNCTIONS = sorted(p.name for p in (ROOT / "functions").iterdir())
ARM, X86 = 183, 62


def program(machine: int = ARM, needs: bytes = b"GLIBC_2.17\0GLIBC_2.34\0") -> bytes:
    """The start of an ELF file, and the versions of the C library that it names."""
    return b"\x7fELF\x02\x01" + bytes(12) + struct.pack("<H", machine) + bytes(44) + needs


class Package(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.built, self.output = Path(folder.name) / "built", Path(folder.name) / "release"

    def package(self, programs: dict[str, bytes], architecture: str = "arm64"):
        for name in FUNCTIONS:
            path = self.built / name / "bootstrap"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(programs.get(name, program(X86 if architecture == "x86_64" else ARM)))
        command = [sys.executable, ROOT / "infra" / "package.py", "--architecture", architecture]
        places = ["--built", self.built, "--output", self.output]
        return subprocess.run([*command, *places], check=False, capture_output=True, text=True)

    def test_a_release_holds_all_functions_and_checks_itself(self) -> None:
        done = self.package({})
        self.assertEqual(done.returncode, 0, done.stderr)
        zips = sorted(p.stem for p in self.output.glob("*.zip"))
        self.assertEqual(zips, FUNCTIONS)
        with zipfile.ZipFile(self.output / "token.zip") as archive:
            (entry,) = archive.infolist()
            self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))
            self.assertEqual(archive.read(entry), program())
        lines = (self.output / "SHA256SUMS").read_text().splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        files = {p.name for p in self.output.iterdir()} - {"SHA256SUMS"}
        self.assertEqual(set(sums), files)
        for name, digest in sums.items():
            content = (self.output / name).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), digest)
        before = lines
        self.package({})
        self.assertEqual((self.output / "SHA256SUMS").read_text().splitlines(), before)

    def test_its_template_deploys_its_functions(self) -> None:
        self.package({}, "x86_64")
        path = self.output / "template.yaml"
        document = yaml_parse(path.read_text())
        for name, resource in document["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                code = resource["Properties"]["CodeUri"]
                self.assertTrue((self.output / code).is_file(), name)
                self.assertNotIn("Metadata", resource)
        architecture = document["Parameters"]["Architecture"]
        self.assertEqual((architecture["Default"], architecture["AllowedValues"]), ("x86_64", ["x86_64"]))
        template = Template(transform(document, {}))
        self.assertEqual(len(template.of_type("AWS::Lambda::Function")), len(FUNCTIONS))

    def test_its_bill_of_materials_names_what_is_compiled_in(self) -> None:
        self.package({})
        bill = json.loads((self.output / "sbom.cdx.json").read_text())
        lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
        checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock}
        components = bill["components"]
        for component in components:
            (digest,) = component["hashes"]
            self.assertEqual(digest["content"], checksums[component["name"], component["version"]])
        names = {component["name"] for component in components}
        self.assertLessEqual({"aws-sdk-dynamodb", "ring", "rquickjs", "rustls"}, names)
        # Of the laptop, of tests, and of the program `kith`.
        self.assertEqual(names & {"dynoxide-rs", "rusqlite", "proptest", "clap"}, set())
        self.assertEqual(len(components), len({component["bom-ref"] for component in components}))

    def test_what_lambda_cannot_run_is_refused(self) -> None:
        for wrong, why in (
            (program(X86), "users is not for arm64"),
            (program(needs=b"GLIBC_2.38\0"), "users needs glibc 2.38, Lambda has 2.34"),
            (b"#!/bin/sh\n", "users is no Linux program"),
            (program() + bytes(12_000_000), "users has 12000"),
        ):
            done = self.package({"users": wrong})
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main()
