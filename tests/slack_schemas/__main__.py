"""Makes `slack.json` anew from npm's types: `make schemas` (needs Node and npm)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.slack_schemas import SCHEMA

PACKAGES = ["@slack/types@3.2.0", "@slack/web-api@8.2.0", "ts-json-schema-generator@2.4.0", "typescript@5.9"]
OPTIONS = {"strict": True, "module": "nodenext", "moduleResolution": "nodenext", "skipLibCheck": True}


def made(folder: Path) -> Any:
    """The schemas of every type that `sent.ts` exports."""
    shutil.copy(SCHEMA.with_name("sent.ts"), folder)
    (folder / "package.json").write_text("{}", encoding="utf-8")
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "files": ["sent.ts"]}), "utf-8")
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES], cwd=folder, check=True)
    generate = ["npx", "ts-json-schema-generator", "--path", "sent.ts", "--tsconfig", "tsconfig.json", "--type", "*"]
    said = subprocess.run([*generate, "--no-type-check"], cwd=folder, check=True, capture_output=True)
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


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory(prefix="rollcall-schemas-") as folder:
        schema = without_prose(made(Path(folder)))
    SCHEMA.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{SCHEMA.name}: {len(schema['definitions'])} types, {SCHEMA.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
