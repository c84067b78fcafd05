"""Checks that what the documents point to is there: `python -m tests.docs_links`.

Looked at are links to files, links to headings, `paths/in/backticks` whose first folder is ours, `make` targets.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)`*[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?P<text>.+?)\1")
_INLINE = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+(?P<target>\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$", re.MULTILINE)
_PATH = re.compile(r"\.?[\w-][\w.-]*(?:/[\w.-]+)+/?")
_TARGET = re.compile(r"make ([a-z]+)")
_NOT_OURS = {"node_modules", "var", "dist"}


def documents(root: Path) -> list[Path]:
    """Every Markdown file of the project, without what tools brought in."""
    return sorted(
        path
        for path in root.rglob("*.md")
        if not any(part.startswith(".") or part in _NOT_OURS for part in path.relative_to(root).parts)
    )


def mistakes(root: Path) -> list[str]:
    """One line "file:line: what is wrong" for each thing that a document points to in vain."""
    return [mistake for path in documents(root) for mistake in _mistakes_in(path, root)]


def _mistakes_in(path: Path, root: Path) -> Iterator[str]:
    text = _blank(_FENCE, path.read_text(encoding="utf-8"))
    prose = _blank(_CODE, text)
    for pattern in (_INLINE, _REFERENCE):
        for found in pattern.finditer(prose):
            problem = _link_problem(found["target"], path, root)
            if problem:
                yield f"{_where(path, root, text, found.start())}: {problem}"
    for found in _CODE.finditer(text):
        problem = _code_problem(found["text"], root)
        if problem:
            yield f"{_where(path, root, text, found.start())}: {problem}"


def _where(path: Path, root: Path, text: str, offset: int) -> str:
    return f"{path.relative_to(root)}:{text.count(chr(10), 0, offset) + 1}"


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def _link_problem(target: str, path: Path, root: Path) -> str:
    parts = urlsplit(target.strip("<>"))
    if parts.scheme or parts.netloc:
        return ""
    base = root if parts.path.startswith("/") else path.parent
    file = base / unquote(parts.path).lstrip("/") if parts.path else path
    if not file.exists():
        return f"the link {target} leads to nothing"
    if parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file.read_text(encoding="utf-8")):
        return f"the link {target} names a heading that is not there"
    return ""


def _code_problem(code: str, root: Path) -> str:
    target = _TARGET.fullmatch(code)
    if target and not re.search(rf"^{target[1]}:", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE):
        return f"there is no `{code}`"
    if _PATH.fullmatch(code) and (root / code.split("/")[0]).is_dir() and not (root / code).exists():
        return f"there is no file {code}"
    return ""


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a Markdown text."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in _HEADING.finditer(_blank(_FENCE, text)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["title"]).lower()
        anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def main() -> int:
    """Print every mistake; 1 when there is any."""
    root = Path(__file__).resolve().parents[1]
    found = mistakes(root)
    print(*found or [f"{len(documents(root))} documents point to nothing that is missing"], sep="\n")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
