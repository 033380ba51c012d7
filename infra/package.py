#!/usr/bin/env python3
"""Makes a release: what an account needs to run Kith without a compiler.

    package.py [--architecture arm64|x86_64] [--built FOLDER] [--output FOLDER]

    token.zip, users.zip, …   the functions
    template.yaml             the template with these functions; `sam deploy` uploads them
    sbom.cdx.json             the crates that are compiled into the functions (CycloneDX 1.6)
    SHA256SUMS                checksums of all of them

It builds the functions with `cargo lambda`, or takes those of a folder that `cargo lambda` wrote.
It refuses programs for another processor, programs that need a newer C library than Lambda's, and
programs that are too large. The same sources give the same files.
"""

import argparse
import hashlib
import json
import re
import struct
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# By name: the number that ELF has for it, cargo-lambda's option, and Rust's name for the target.
ARCHITECTURES = {
    "arm64": (183, "--arm64", "aarch64-unknown-linux-gnu"),
    "x86_64": (62, "--x86-64", "x86_64-unknown-linux-gnu"),
}
# Of the runtime provided.al2023.
GLIBC = (2, 34)
LARGEST = 12_000_000
# The earliest time that a zip can hold: files do not differ by when they were made.
EPOCH = (1980, 1, 1, 0, 0, 0)


def refuse(why: str) -> None:
    raise SystemExit(f"package: {why}")


def functions(template: str) -> list[str]:
    """The programs of the template's functions."""
    return re.findall(r"^        Binary: (\w+)$", template, re.MULTILINE)


def build(names: list[str], architecture: str) -> Path:
    """Compiles the functions as `sam build` does."""
    folder = ROOT / "target" / "package" / f"build-{architecture}"
    packages = [option for name in names for option in ("--package", name)]
    command = ["cargo", "lambda", "build", "--release", ARCHITECTURES[architecture][1]]
    done = subprocess.run([*command, "--lambda-dir", folder, *packages], cwd=ROOT, check=False)
    if done.returncode:
        target = ARCHITECTURES[architecture][2]
        refuse(f"cargo lambda failed; if it lacks the target: rustup target add {target}")
    return folder


def check(name: str, program: bytes, architecture: str) -> str:
    """Refuses a program that Lambda cannot run; says what it is."""
    # ELF, 64 bits, little endian.
    if program[:6] != b"\x7fELF\x02\x01":
        refuse(f"{name} is no Linux program of 64 bits")
    (machine,) = struct.unpack_from("<H", program, 18)
    if machine != ARCHITECTURES[architecture][0]:
        refuse(f"{name} is not for {architecture} (its processor has the number {machine})")
    versions = {tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_(2\.\d+)", program)}
    needed = max(versions, default=(2, 0))
    if needed > GLIBC:
        refuse(f"{name} needs glibc {dotted(needed)}, Lambda has {dotted(GLIBC)}")
    if len(program) > LARGEST:
        refuse(f"{name} has {len(program)} bytes, at most {LARGEST} are allowed")
    return f"{len(program)} bytes, {architecture}, glibc {dotted(needed)}"


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def pack(path: Path, program: bytes) -> None:
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", compresslevel=9) as archive:
        archive.writestr(entry, program)


def packaged(template: str, architecture: str) -> str:
    """The template with the zips in place of the sources."""
    text = re.sub(r"^    Metadata:\n(      .*\n)+", "", template, flags=re.MULTILINE)
    text = re.sub(r"^(      CodeUri: )functions/(\w+)$", r"\1\2.zip", text, flags=re.MULTILINE)
    return re.sub(
        r"^(  Architecture:\n    Type: String\n)    Default: .*\n    AllowedValues: .*\n",
        rf"\1    Default: {architecture}\n    AllowedValues: [{architecture}]\n",
        text,
        flags=re.MULTILINE,
    )


def crates(names: list[str], architecture: str) -> set[tuple[str, str]]:
    """Name and version of each crate that is compiled into one of the functions."""
    packages = [option for name in names for option in ("--package", name)]
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none"]
    target = ["--target", ARCHITECTURES[architecture][2], "--format", "{p}"]
    done = subprocess.run([*command, *target, *packages], cwd=ROOT, check=True, capture_output=True)
    found = re.findall(r"^(\S+) v(\S+)", done.stdout.decode(), re.MULTILINE)
    return set(found)


def bill_of_materials(names: list[str], architecture: str) -> dict:
    """The crates in CycloneDX, with the checksums of Cargo.lock."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    used = crates(names, architecture)
    components = []
    for package in lock:
        name, version = package["name"], package["version"]
        # Without a source it is a crate of Kith.
        if (name, version) not in used or "source" not in package:
            continue
        components.append(
            {
                "type": "library",
                "bom-ref": f"pkg:cargo/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:cargo/{name}@{version}",
                "hashes": [{"alg": "SHA-256", "content": package["checksum"]}],
            }
        )
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    kith = {"type": "application", "bom-ref": "kith", "name": "kith", "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": kith},
        "components": components,
        "dependencies": [{"ref": "kith", "dependsOn": [c["bom-ref"] for c in components]}],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="arm64")
    parser.add_argument("--built", type=Path, help="a folder with <function>/bootstrap")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    template = (ROOT / "template.yaml").read_text()
    names = functions(template)
    built = args.built or build(names, args.architecture)
    output = args.output or ROOT / "target" / "package" / args.architecture
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        old.unlink()
    for name in names:
        program = (built / name / "bootstrap").read_bytes()
        print(f"{name}: {check(name, program, args.architecture)}")
        pack(output / f"{name}.zip", program)
    (output / "template.yaml").write_text(packaged(template, args.architecture))
    materials = bill_of_materials(names, args.architecture)
    (output / "sbom.cdx.json").write_text(json.dumps(materials, indent=1) + "\n")
    sums = [(hashlib.sha256(p.read_bytes()).hexdigest(), p.name) for p in sorted(output.iterdir())]
    (output / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for digest, name in sums))
    print(f"{len(sums) + 1} files in {output}", file=sys.stderr)


if __name__ == "__main__":
    main()
