"""Names every public item that no product code uses: it is dead, or only tests hold it up.

The compiler finds dead items within a crate, but takes a library's public ones as used by somebody else. Here everybody is in
this repository, so a name that product code mentions only where it is defined is used by nobody. Names are compared as words: an
item that shares its name with another is not found.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

DEFINITION = re.compile(
    r"^\s*pub(?:\([^)]*\))? (?:const |async )*(?:fn|struct|enum|trait|const|static|type) (\w+)", re.MULTILINE
)
# Used by what a derive or serde's `with` writes.
CALLED_BY_MACROS = re.compile(r"^(?:de)?serialize$|^\w+Spec$")
# What tests of several crates need: a clock that stands, a checker of specifications that has found nothing yet, whether the
# operator still has something to try.
TEST_SUPPORT = {"starting_at", "afresh", "tries"}
INLINE_TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod \w+ \{.*", re.MULTILINE | re.DOTALL)
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\n(?:#\[path = \"(\w+)\.rs\"\]\n)?(?:pub(?:\([^)]*\))? )?mod (\w+);", re.MULTILINE)
COMMENT = re.compile(r"//.*")


def main() -> int:
    texts = {path: Path(path).read_text() for path in tracked() if Path(path).exists()}
    tests = {name for text in texts.values() for names in TEST_MODULE.findall(text) for name in names if name}
    product = {path: of_product(text) for path, text in texts.items() if not is_test(path, tests)}
    uses = Counter(word for text in product.values() for word in re.findall(r"\w+", text))
    definitions = [(name, path) for path, text in product.items() for name in DEFINITION.findall(text)]
    times = Counter(name for name, _ in definitions)
    unused = [
        (name, path)
        for name, path in definitions
        if uses[name] <= times[name] and name not in TEST_SUPPORT and not CALLED_BY_MACROS.match(name)
    ]
    for name, path in unused:
        print(f"{path}: no product code uses the public item {name}; delete it", file=sys.stderr)
    return 1 if unused else 0


def tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def is_test(path: str, test_modules: set[str]) -> bool:
    parts = Path(path).parts
    return parts[0] == "tests" or "tests" in parts or Path(path).stem in test_modules


def of_product(text: str) -> str:
    return COMMENT.sub("", INLINE_TESTS.sub("", text))


if __name__ == "__main__":
    sys.exit(main())
