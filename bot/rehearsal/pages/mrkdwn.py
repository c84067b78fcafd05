"""Slack's mrkdwn as HTML: pure functions in which every character of the input is escaped."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from bot.rehearsal.pages.emoji import draw_text
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.times import draw_instant, instant_of, say_instant

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_CONTROL = re.compile(r"<([^<>\n]+)>")
_URL = re.compile(r"(?<![\w/])https?://[^\s<>|`*~\"']*[^\s<>|`*~\"'.,;:!?)\]]")
_ATOM = re.compile(rf"`(?P<code>[^`\n]+)`|{_CONTROL.pattern.replace('(', '(?P<control>', 1)}|(?P<url>{_URL.pattern})")
_PLACED = re.compile("\x00(\\d+)\x01")
_STYLES = {"*": "strong", "_": "em", "~": "s"}
_STYLED = re.compile(
    r"(?<![A-Za-z0-9*])\*(?P<b>[^\s*](?:[^*\n]*[^\s*])?)\*(?![A-Za-z0-9*])"
    r"|(?<![A-Za-z0-9_])_(?P<i>[^\s_](?:[^_\n]*[^\s_])?)_(?![A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9~])~(?P<s>[^\s~](?:[^~\n]*[^\s~])?)~(?![A-Za-z0-9~])"
)
_QUOTE = re.compile(r"^(?:&gt;|>) ?")
_DEEPEST = 4


def draw_mrkdwn(text: str, reader: Reader) -> Markup:
    """Draw a mrkdwn text for one reader; an empty text gives empty markup."""
    drawn: list[Markup] = []
    end = 0
    clean = text.replace("\x00", "").replace("\x01", "")
    for fence in _FENCE.finditer(clean):
        drawn.append(_draw_lines(clean[end : fence.start()].removesuffix("\n"), reader))
        drawn.append(Markup("<pre><code>{}</code></pre>").format(_plain(fence.group(1))))
        end = fence.end()
    drawn.append(_draw_lines(clean[end:].removeprefix("\n") if end else clean, reader))
    return Markup("").join(drawn)


def draw_plain(text: str) -> Markup:
    """Draw a plain_text object's text: escaped, with its emoji and line ends."""
    return Markup("<br>").join(draw_text(line) for line in text.split("\n"))


def safe_href(address: str) -> str | None:
    """The address when it is an absolute http, https or mailto one; None for everything else."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    if parts.scheme in ("http", "https") and parts.netloc:
        return address.strip()
    return address.strip() if parts.scheme == "mailto" and parts.path else None


def draw_link(address: str, words: Markup | str = "") -> Markup:
    """A link that opens in a new tab; an address we do not follow is shown as text."""
    href = safe_href(address)
    if href is None:
        return escape(f"{words} ({address})") if words else escape(address)
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(href, words or address)


def draw_person(user_id: str, reader: Reader) -> Markup:
    """A mention of a person, marked when it is the reader."""
    name = reader.people.get(user_id, user_id)
    mine = " mine" if user_id == reader.user_id else ""
    return Markup('<span class="mention{}" title="{}">@{}</span>').format(mine, user_id, name)


def draw_channel(channel_id: str, reader: Reader, label: str = "") -> Markup:
    """A mention of a channel; a known one can be opened."""
    name = reader.channels.get(channel_id) or label or channel_id
    if channel_id not in reader.channels:
        return Markup('<span class="mention">#{}</span>').format(name)
    return Markup('<a class="mention" href="?as={}&amp;channel={}" data-goto="{}">#{}</a>').format(
        reader.user_id, channel_id, channel_id, name
    )


def draw_date(seconds: str, template: str, fallback: str, reader: Reader) -> Markup:
    """A date token in the reader's zone; the fallback when the instant cannot be read."""
    instant = instant_of(seconds)
    if instant is None:
        return draw_text(fallback)
    return draw_instant(say_instant(template, instant, reader), instant, reader)


def _plain(text: str) -> str:
    """The three entities Slack uses, and control sequences without their angle brackets, as a person reads them."""
    bare = _CONTROL.sub(lambda found: found.group(1).split("|")[0], text)
    return _unescape(bare)


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _draw_lines(text: str, reader: Reader) -> Markup:
    if not text:
        return Markup("")
    runs: list[tuple[bool, list[str]]] = []
    rest_is_quoted = False
    for line in text.split("\n"):
        if re.match(r"(?:&gt;|>){3}", line):
            rest_is_quoted = True
            line = re.sub(r"^(?:&gt;|>){3} ?", "", line)
        quoted = rest_is_quoted or bool(_QUOTE.match(line))
        words = line if rest_is_quoted else _QUOTE.sub("", line)
        if runs and runs[-1][0] == quoted:
            runs[-1][1].append(words)
        else:
            runs.append((quoted, [words]))
    return Markup("").join(_draw_run(quoted, lines, reader) for quoted, lines in runs)


def _draw_run(quoted: bool, lines: list[str], reader: Reader) -> Markup:
    drawn = Markup("<br>").join(_draw_inline(line, reader) for line in lines)
    return Markup("<blockquote>{}</blockquote>").format(drawn) if quoted else drawn


def _draw_inline(line: str, reader: Reader) -> Markup:
    """Put code, control sequences and addresses aside first, so that styles cannot break them."""
    placed: list[Markup] = []

    def put_aside(match: re.Match[str]) -> str:
        if match.group("code"):
            placed.append(Markup("<code>{}</code>").format(_plain(match.group("code"))))
        elif match.group("url"):
            placed.append(draw_link(_unescape(match.group("url"))))
        else:
            placed.append(_draw_control(match.group("control"), reader))
        return f"\x00{len(placed) - 1}\x01"

    return _draw_styled(_ATOM.sub(put_aside, line), placed, 0)


def _draw_styled(text: str, placed: list[Markup], depth: int) -> Markup:
    drawn: list[Markup] = []
    end = 0
    for match in _STYLED.finditer(text) if depth < _DEEPEST else ():
        drawn.append(_draw_placed(text[end : match.start()], placed))
        inner = _draw_styled(match.group(match.lastgroup or 0), placed, depth + 1)
        drawn.append(Markup("<{0}>{1}</{0}>").format(_STYLES[match.group(0)[0]], inner))
        end = match.end()
    drawn.append(_draw_placed(text[end:], placed))
    return Markup("").join(drawn)


def _draw_placed(text: str, placed: list[Markup]) -> Markup:
    drawn: list[Markup] = []
    end = 0
    for match in _PLACED.finditer(text):
        drawn.append(draw_text(_unescape(text[end : match.start()])))
        drawn.append(placed[int(match.group(1))])
        end = match.end()
    drawn.append(draw_text(_unescape(text[end:])))
    return Markup("").join(drawn)


def _draw_control(inside: str, reader: Reader) -> Markup:
    """One `<…>` sequence: mention, date, broadcast or link; anything else is shown as it was written."""
    target, _, label = inside.partition("|")
    label = _unescape(label)
    if re.fullmatch(r"@[UW][A-Z0-9]+", target):
        return draw_person(target[1:], reader)
    if re.fullmatch(r"#[CGD][A-Z0-9]+", target):
        return draw_channel(target[1:], reader, label)
    if target.startswith("!"):
        return _draw_special(target[1:], label, reader)
    if safe_href(_unescape(target)):
        return draw_link(_unescape(target), draw_text(label))
    return draw_text(_unescape(f"<{inside}>"))


def _draw_special(target: str, label: str, reader: Reader) -> Markup:
    kind, *parts = target.split("^")
    if kind == "date" and len(parts) >= 2:
        date = draw_date(parts[0], _unescape(parts[1]), label, reader)
        return draw_link(parts[2], date) if len(parts) > 2 and safe_href(parts[2]) else date
    if kind == "subteam" and parts:
        name = reader.groups.get(parts[0]) or label.lstrip("@") or parts[0]
        return Markup('<span class="mention">@{}</span>').format(name)
    if kind in ("here", "channel", "everyone"):
        return Markup('<span class="mention loud">@{}</span>').format(kind)
    return draw_text(label or f"<!{target}>")
