"""What an image must be, read from its layout. usage: check.py LAYOUT PROGRAM VERSION REVISION SOURCE SBOM MOST_BYTES"""

import json
import pathlib
import sys
import tarfile

from describe import blob

LABELS = ("title", "description", "version", "revision", "created", "licenses", "vendor", "source", "url", "documentation")
BASE = {"ca-certificates", "gcc-12-base", "libc6", "libgcc-s1"}
# Each is one crate of which the program is surely made.
CRATES = {"acivnet": {"acivnet-operator", "kube", "rustls", "aws-lc-sys"}, "acivnet-simulator": {"acivnet-simulator", "axum", "rustls"}}
# The C library and its loader can be started, but give no shell.
EXECUTABLES = ("ld-linux", "libc.so.6")

failed = 0


def check(right: bool, message: str) -> None:
    global failed
    if not right:
        failed = 1
        print(f"image: {message}", file=sys.stderr)


class Image:
    def __init__(self, layout: pathlib.Path) -> None:
        (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
        self.name = entry["annotations"].get("io.containerd.image.name")
        self.manifest = blob(layout, entry)
        self.config = blob(layout, self.manifest["config"])
        self.size = self.manifest["config"]["size"] + sum(layer["size"] for layer in self.manifest["layers"])
        self.members: list[tarfile.TarInfo] = []
        self.text: dict[str, bytes] = {}
        for layer in self.manifest["layers"]:
            self.read(layout / "blobs" / layer["digest"].replace(":", "/"))

    def read(self, file: pathlib.Path) -> None:
        with tarfile.open(file) as layer:
            for member in layer:
                member.name = member.name.removeprefix("./")
                self.members.append(member)
                if member.isfile() and member.size < 1 << 20:
                    self.text[member.name] = layer.extractfile(member).read()


def check_config(image: Image, program: str, labels: dict[str, str]) -> None:
    config = image.config["config"]
    check(config["User"] == "65532:65532", f"user {config['User']}")
    check(config["Entrypoint"] == [f"/usr/local/bin/{program}"], f"entrypoint {config['Entrypoint']}")
    check(config.get("Env") == ["MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=131072"], f"environment {config.get('Env')}")
    for place, have in (("label", config["Labels"]), ("annotation", image.manifest["annotations"])):
        for word in LABELS:
            check(bool(have.get(f"org.opencontainers.image.{word}")), f"{place} {word} is missing")
        for word, value in labels.items():
            said = have.get(f"org.opencontainers.image.{word}")
            check(said == value, f"{place} {word} is {said}, not {value}")


def check_files(image: Image, program: str) -> None:
    for member in image.members:
        name = member.name
        check((member.uid, member.gid) == (0, 0), f"{name} belongs to {member.uid}:{member.gid}")
        check(not member.mode & 0o6022, f"{name} has mode {member.mode:o}")
        if member.isfile() and member.mode & 0o111:
            last = name.rsplit("/", 1)[-1]
            check(last == program or last.startswith(EXECUTABLES), f"{name} can be executed")
    certificates = image.text.get("etc/ssl/certs/ca-certificates.crt", b"").count(b"BEGIN CERTIFICATE")
    check(certificates > 100, f"{certificates} certificate authorities")


def check_contents(image: Image, program: str, beside: bytes) -> None:
    check(image.text.get(f"usr/share/doc/{program}/{program}.cdx.json") == beside, "the list of contents inside is not that beside")
    components = {component["name"]: component for component in json.loads(beside)["components"]}
    listed = set(components) | {program_crate(beside)}
    lacks = (CRATES[program] | BASE) - listed
    check(not lacks, f"the list of contents lacks {sorted(lacks)}")
    for name in BASE:
        check(f"usr/share/doc/{name}/copyright" in image.text, f"{name} has no copyright file")
        status = image.text.get(f"var/lib/dpkg/status.d/{name}", b"").decode()
        version = components.get(name, {}).get("version")
        check(f"\nVersion: {version}\n" in status, f"{name}: the list of contents says {version}")


def program_crate(document: bytes) -> str:
    return json.loads(document)["metadata"]["component"]["purl"].removeprefix("pkg:cargo/").split("@")[0]


def main(layout: str, program: str, version: str, revision: str, source: str, sbom: str, most: str) -> None:
    image = Image(pathlib.Path(layout))
    check_config(image, program, {"title": program, "version": version, "revision": revision, "source": source, "licenses": "Apache-2.0"})
    check(image.name == f"docker.io/library/{program}:{version}", f"a node would import it as {image.name}")
    check_files(image, program)
    check_contents(image, program, pathlib.Path(sbom).read_bytes())
    check(image.size <= int(most), f"{program} has {image.size} bytes compressed, more than {most}")
    print(f"{program}: {image.size} bytes compressed, {len(image.members)} files and folders")
    sys.exit(failed)


main(*sys.argv[1:])
