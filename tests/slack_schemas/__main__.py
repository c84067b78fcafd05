"""Makes the schemas anew from npm's types: `make schemas` (needs Node and npm)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.slack_schemas import FOLDER

PACKAGES = [
    "@slack/bolt@5.1.0",
    "@slack/types@3.2.0",
    "@slack/web-api@8.2.0",
    "ts-json-schema-generator@2.4.0",
    "typescript@5.9",
]
OPTIONS = {"strict": True, "module": "nodenext", "moduleResolution": "nodenext", "skipLibCheck": True}
# What is made of what. Each answer of the Web API has types of its own under the same names, so those are written out
# where they stand.
MADE = {
    "slack.json": ("sent.ts", ["--type", "*"]),
    "delivered.json": ("delivered.ts", ["--type", "*"]),
    "answered.json": ("answered.ts", ["--type", "Answers", "--expose", "none"]),
}
_WORTH_SHARING = 150  # characters


def prepare(folder: Path) -> None:
    """Bring npm's types and the generator into the folder, beside our sources."""
    sources = [source for source, _ in MADE.values()]
    for source in sources:
        shutil.copy(FOLDER / source, folder)
    (folder / "package.json").write_text("{}", encoding="utf-8")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": sources}), "utf-8")
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True)


def made(folder: Path, source: str, what: list[str]) -> Any:
    """The schemas of what a source exports."""
    generate = ["npx", "ts-json-schema-generator", "--path", source, "--tsconfig", "tsconfig.json", "--no-type-check"]
    said = subprocess.run([*generate, *what], cwd=folder, check=True, capture_output=True)
    return json.loads(said.stdout)


def without_prose(schema: Any) -> Any:
    """The same schema without its sentences, which check nothing."""
    if isinstance(schema, list):
        return [without_prose(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: without_prose(value)
        for key, value in schema.items()
        if not (key in ("description", "deprecated") and isinstance(value, str))
    }


def shared(schema: Any) -> Any:
    """The same schema with what stands in it several times kept once, under `definitions`."""
    counts = Counter(json.dumps(each, sort_keys=True) for each in _schemas(schema))
    often = {text for text, count in counts.items() if count > 1 and len(text) > _WORTH_SHARING}
    definitions: dict[str, Any] = {}

    def kept(part: Any, top: bool = False) -> Any:
        if isinstance(part, list):
            return [kept(each) for each in part]
        if not isinstance(part, dict):
            return part
        text = json.dumps(part, sort_keys=True)
        if top or text not in often:
            return {key: kept(value) for key, value in part.items()}
        name = sha256(text.encode()).hexdigest()[:12]
        if name not in definitions:
            definitions[name] = kept(part, top=True)
        return {"$ref": f"#/definitions/{name}"}

    own = {name: kept(each) for name, each in schema["definitions"].items()}
    return {**schema, "definitions": {**own, **definitions}}


def _schemas(part: Any) -> Iterator[Any]:
    if isinstance(part, list):
        for each in part:
            yield from _schemas(each)
    elif isinstance(part, dict):
        if isinstance(part.get("type"), str) or isinstance(part.get("anyOf"), list):
            yield part
        for each in part.values():
            yield from _schemas(each)


def main() -> None:
    """Write the files."""
    with tempfile.TemporaryDirectory(prefix="rollcall-schemas-") as folder:
        prepare(Path(folder))
        for name, (source, what) in MADE.items():
            schema = without_prose(made(Path(folder), source, what))
            if "none" in what:
                schema = shared(schema)
            path = FOLDER / name
            path.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            sys.stdout.write(f"{name}: {len(schema['definitions'])} types, {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
