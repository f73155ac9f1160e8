"""Completes a program's CycloneDX document to that of its image. usage: sbom.py SOURCES BASE < PROGRAM > IMAGE

SOURCES is the folder that cargo-cyclonedx worked in, whose path goes; BASE holds one file of fields for each Debian package."""

import json
import pathlib
import sys
import urllib.parse


def fields(file: pathlib.Path) -> dict[str, str]:
    lines = (line.split(": ", 1) for line in file.read_text().splitlines() if ": " in line and not line.startswith(" "))
    return dict(lines)


def debian(package: dict[str, str]) -> dict:
    """As in https://github.com/package-url/purl-spec/blob/main/types-doc/deb-definition.md"""
    name, version = package["Package"], package["Version"]
    purl = f"pkg:deb/debian/{name}@{urllib.parse.quote(version, safe='.~-')}?arch={package['Architecture']}"
    return {
        "type": "library",
        "bom-ref": purl,
        "supplier": {"name": package["Maintainer"]},
        "name": name,
        "version": version,
        "description": package["Description"],
        "scope": "required",
        "purl": purl,
    }


def complete(document: dict, packages: list[dict]) -> dict:
    document["components"] += packages
    program = document["metadata"]["component"]["bom-ref"]
    for entry in document["dependencies"]:
        if entry["ref"] == program:
            entry["dependsOn"] = sorted(entry.get("dependsOn", []) + [package["bom-ref"] for package in packages])
    document["dependencies"] += [{"ref": package["bom-ref"]} for package in packages]
    return document


def main(sources: str, base: pathlib.Path) -> None:
    document = json.loads(sys.stdin.read().replace(f"path+file://{sources}/", "path+file:///"))
    files = sorted((base / "var/lib/dpkg/status.d").iterdir())
    json.dump(complete(document, [debian(fields(file)) for file in files]), sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


main(sys.argv[1], pathlib.Path(sys.argv[2]))
