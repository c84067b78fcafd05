"""Exchanges without what changes from run to run."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"00D\w{12,15}!AQ[\w.]+")
_ID = re.compile(
    r"\b((?:00D|005)[0-9A-Za-z]{4}0000[0-9A-Za-z]{4}|[0-9a-zA-Z]{3}(?:Kd|Ua)0000[0-9A-Za-z]{6})([A-Z0-5]{3})?\b"
)
_ADDRESS = re.compile(r"(?:http://)?(?:127\.0\.0\.1|localhost):\d+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|\+0000)")
_MILLIS = re.compile(
    r"(<(?:time|totalTime)>|\"(?:time|totalTime|RunTime|TestTime)\": ?)-?[\d.]+|(\"issued_at\": ?)\"\d+\""
)
_CALLS_LEFT = re.compile(r"(\"DailyApiRequests\": ?\{\"Max\": ?\d+, ?\"Remaining\": ?)\d+")
_ASSERTION = re.compile(r"(?<=assertion=)[^&]+")
_ZIP = re.compile(r"(?<=<zipFile>)UEsDB[A-Za-z0-9+/=\s]+")
_MARK = re.compile(r"\{([0-9a-zA-Z]{3}):(\d+)(:15)?\}")


@dataclass
class Names:
    """Marks for ids, in the order in which they are met: the same story gives the same marks in any org."""

    marks: dict[str, str] = field(default_factory=dict)  # the 15 characters -> "0Af:1"
    ids: dict[str, str] = field(default_factory=dict)  # "0Af:1" -> the longest form seen
    counts: dict[str, int] = field(default_factory=dict)

    def mark(self, short: str, suffix: str) -> str:
        """The mark of an id, e.g. `{0Af:1}`; `{0Af:1:15}` for its short form."""
        if short not in self.marks:
            prefix = short[:3]
            self.counts[prefix] = self.counts.get(prefix, 0) + 1
            self.marks[short] = f"{prefix}:{self.counts[prefix]}"
        name = self.marks[short]
        self.ids[name] = max(self.ids.get(name, ""), short + suffix, key=len)
        return f"{{{name}}}" if suffix else f"{{{name}:15}}"

    def hide(self, text: str) -> str:
        """A text with marks instead of ids, tokens, addresses, instants, durations, zips."""
        text = _ZIP.sub(lambda found: zip_names(found.group(0)), text)
        text = _TOKEN.sub("{token}", text)
        text = _ADDRESS.sub(lambda found: "{instance}" if found.group(0).startswith("http") else "{host}", text)
        text = _INSTANT.sub("{instant}", text)
        text = _MILLIS.sub(
            lambda found: f"{found.group(1)}0" if found.group(1) else f'{found.group(2)}"{{millis}}"', text
        )
        text = _CALLS_LEFT.sub(lambda found: f"{found.group(1)}0", text)
        text = _ASSERTION.sub("{assertion}", text)
        return _ID.sub(lambda found: self.mark(found.group(1), found.group(2) or ""), text)

    def show(self, text: str, facts: dict[str, str]) -> str:
        """The reverse: a text for a living org, with its ids; `facts` are `{token}`, `{instance}` and so on."""
        for mark, value in facts.items():
            text = text.replace(mark, value)
        return _MARK.sub(self._id, text)

    def _id(self, found: re.Match[str]) -> str:
        whole = self.ids.get(f"{found.group(1)}:{found.group(2)}", found.group(0))
        return whole[:15] if found.group(3) else whole


def zip_names(text: str) -> str:
    """What a base64 zip holds, as one short text."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
        return f"{{zip: {', '.join(sorted(archive.namelist()))}}}"


def readable(body: bytes, kind: str, names: Names) -> Any:
    """An answer's body without what changes: parsed when it is JSON, a text otherwise."""
    text = names.hide(body.decode("utf-8", "replace"))
    return json.loads(text) if "json" in kind and text else text
