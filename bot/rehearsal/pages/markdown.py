"""The Markdown of Slack's markdown block as HTML: the part of it that messages use."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from bot.rehearsal.pages.emoji import draw_text
from bot.rehearsal.pages.mrkdwn import draw_link

_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\[(?P<words>[^\[\]\n]+)\]\((?P<link>[^()\s]+)\)"
    r"|\*\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*\*"
    r"|~~(?P<strike>[^\s~](?:[^~\n]*[^\s~])?)~~"
    r"|(?<![A-Za-z0-9*])\*(?P<star>[^\s*](?:[^*\n]*[^\s*])?)\*(?![A-Za-z0-9*])"
    r"|(?<![A-Za-z0-9_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![A-Za-z0-9_])"
)
_TAGS = {"bold": "strong", "strike": "s", "star": "em", "italic": "em"}
_FENCE = re.compile(r"^```")
_HEADING = re.compile(r"^(#{1,6})\s+(.*)")
_RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
_ITEM = re.compile(r"^\s*(?:(?P<bullet>[-*+])|(?P<number>\d{1,9})[.)])\s+(?P<words>.*)")
_QUOTE = re.compile(r"^>\s?")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_DELIMITER = re.compile(r"^\s*\|[\s:|-]+\|\s*$")


def draw_markdown(text: str) -> Markup:
    """Draw headings, lists, quotes, fences, tables, rules and paragraphs; everything else stays text."""
    lines = text.split("\n")
    drawn: list[Markup] = []
    at = 0
    while at < len(lines):
        kind = _kind_of(lines[at])
        end = _end_of(lines, at, kind)
        drawn.append(_DRAW[kind](lines[at:end]))
        at = end
    return Markup("").join(drawn)


def _kind_of(line: str) -> str:
    for kind, pattern in _KINDS.items():
        if pattern.match(line):
            return kind
    return "paragraph" if line.strip() else "gap"


def _end_of(lines: list[str], start: int, kind: str) -> int:
    end = start + 1
    if kind == "fence":
        while end < len(lines) and not _FENCE.match(lines[end]):
            end += 1
        return min(end + 1, len(lines))
    if kind in ("heading", "rule"):
        return end
    while end < len(lines) and _kind_of(lines[end]) == kind:
        end += 1
    return end


def _draw_inline(text: str) -> Markup:
    drawn: list[Markup] = []
    end = 0
    for match in _INLINE.finditer(text):
        drawn.append(draw_text(text[end : match.start()]))
        name = match.lastgroup or ""
        if name == "code":
            drawn.append(Markup("<code>{}</code>").format(match.group("code")))
        elif name == "link":
            drawn.append(draw_link(match.group("link"), draw_text(match.group("words"))))
        else:
            drawn.append(Markup("<{0}>{1}</{0}>").format(_TAGS[name], _draw_inline(match.group(name))))
        end = match.end()
    drawn.append(draw_text(text[end:]))
    return Markup("").join(drawn)


def _draw_heading(lines: list[str]) -> Markup:
    found = _HEADING.match(lines[0])
    words = found.group(2) if found else lines[0]
    return Markup('<p class="heading">{}</p>').format(_draw_inline(words.rstrip("# ")))


def _draw_list(lines: list[str]) -> Markup:
    items = [found for found in map(_ITEM.match, lines) if found]
    tag = "ul" if items[0].group("bullet") else "ol"
    start = Markup(' start="{}"').format(items[0].group("number")) if items[0].group("number") else ""
    drawn = Markup("").join(Markup("<li>{}</li>").format(_draw_inline(item.group("words"))) for item in items)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, start, drawn)


def _draw_table(lines: list[str]) -> Markup:
    rows = [line.strip().strip("|").split("|") for line in lines if not _DELIMITER.match(line)]
    drawn = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<{0}>{1}</{0}>").format("th" if at == 0 else "td", _draw_inline(cell.strip())) for cell in row
            )
        )
        for at, row in enumerate(rows)
    )
    return Markup('<div class="table-scroll" tabindex="0"><table class="bk-table">{}</table></div>').format(drawn)


def _draw_paragraph(lines: list[str]) -> Markup:
    return Markup('<p class="rich">{}</p>').format(Markup("<br>").join(map(_draw_inline, lines)))


def _draw_fence(lines: list[str]) -> Markup:
    body = lines[1:-1] if len(lines) > 1 and _FENCE.match(lines[-1]) else lines[1:]
    return Markup("<pre><code>{}</code></pre>").format(escape("\n".join(body)))


def _draw_quote(lines: list[str]) -> Markup:
    inner = Markup("<br>").join(_draw_inline(_QUOTE.sub("", line)) for line in lines)
    return Markup("<blockquote>{}</blockquote>").format(inner)


_KINDS = {
    "fence": _FENCE,
    "heading": _HEADING,
    "rule": _RULE,
    "list": _ITEM,
    "quote": _QUOTE,
    "table": _ROW,
}
_DRAW: dict[str, Callable[[list[str]], Markup]] = {
    "fence": _draw_fence,
    "heading": _draw_heading,
    "rule": lambda _: Markup("<hr>"),
    "list": _draw_list,
    "quote": _draw_quote,
    "table": _draw_table,
    "paragraph": _draw_paragraph,
    "gap": lambda _: Markup(""),
}
