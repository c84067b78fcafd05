"""What people read when Slack's mrkdwn is drawn."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal.pages.mrkdwn import draw_link, draw_mrkdwn, safe_href
from bot.rehearsal.pages.reader import Reader

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
READER = Reader(
    "U0RELMGR",
    ZoneInfo("Europe/Berlin"),
    NOON,
    people={"U0RELMGR": "Anna Keller", "U0TESTER": "Tomás <b>Silva"},
    channels={"C0RELEASES": "releases"},
    groups={"S0QATEAM": "qa-team"},
)


def drawn(text: str) -> str:
    return str(draw_mrkdwn(text, READER))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold*", "<strong>bold</strong>"),
        ("_slanted_ and ~gone~", "<em>slanted</em> and <s>gone</s>"),
        ("*bold with _both_ inside*", "<strong>bold with <em>both</em> inside</strong>"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("* not bold *", "* not bold *"),
        ("`a *b* <c>`", "<code>a *b* c</code>"),
        ("one\ntwo", "one<br>two"),
        ("Tom &amp; Jerry &lt;3", "Tom &amp; Jerry &lt;3"),
    ],
)
def test_styles_are_drawn(text: str, html: str) -> None:
    """Each style of mrkdwn becomes its element, and what is no style stays as it was typed."""
    assert drawn(text) == html


def test_fence_keeps_lines_and_marks() -> None:
    """Between fences nothing is a style, and line ends are kept."""
    assert drawn("before\n```\n*a*\nb\n```\nafter") == "before<pre><code>*a*\nb</code></pre>after"


def test_quotes_are_drawn_with_either_mark() -> None:
    """A quote may begin with the escaped sign, and three signs quote the rest."""
    assert drawn("&gt; one\n&gt; two\nthree") == "<blockquote>one<br>two</blockquote>three"
    assert drawn(">>> one\ntwo") == "<blockquote>one<br>two</blockquote>"


def test_mentions_show_names() -> None:
    """People, channels and groups are shown by name; the reader's own mention is marked."""
    assert "@Anna Keller" in drawn("<@U0RELMGR>")
    assert "mention mine" in drawn("<@U0RELMGR>")
    assert 'data-goto="C0RELEASES"' in drawn("<#C0RELEASES|old-name>")
    assert "#releases" in drawn("<#C0RELEASES|old-name>")
    assert "@qa-team" in drawn("<!subteam^S0QATEAM>")
    assert "@here" in drawn("<!here>")


def test_date_is_shown_in_the_readers_zone() -> None:
    """18:30 UTC is 19:30 in Berlin in November; the day is said as people say it."""
    at = int(datetime(2026, 11, 22, 18, 30, tzinfo=UTC).timestamp())
    html = drawn(f"<!date^{at}^{{date_short_pretty}} at {{time}}|at some time>")
    assert ">today at 19:30</time>" in html
    assert "Europe/Berlin" in html
    tomorrow = drawn(f"<!date^{at + 86400}^{{date_pretty}}|x>")
    assert ">tomorrow</time>" in tomorrow


def test_unreadable_date_shows_its_fallback() -> None:
    """A date token whose seconds are no number says what its author wrote for this case."""
    assert drawn("<!date^soon^{time}|some time>") == "some time"
    assert drawn("<!date^99999999999999999^{time}|some time>") == "some time"


def test_links_go_only_to_the_web_and_to_mail() -> None:
    """http, https and mailto are links; every other scheme is text."""
    assert 'href="https://example.com/a?b=1&amp;c=2"' in drawn("<https://example.com/a?b=1&amp;c=2|there>")
    assert 'href="mailto:anna@example.com"' in drawn("<mailto:anna@example.com|Anna>")
    assert 'rel="noopener noreferrer"' in drawn("see https://example.com/x.")
    for bad in ("<javascript:alert(1)|click>", "<data:text/html,x|click>", "<vbscript:x>", "<//evil.example|x>"):
        assert "href" not in drawn(bad)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "http://", "file:///etc/passwd", "//x"]
)
def test_unsafe_address_is_no_link(address: str) -> None:
    """An address that a page must not follow is shown, not linked."""
    assert safe_href(address) is None
    assert "<a" not in draw_link(address, "words")


def test_emoji_are_drawn_by_name_or_character() -> None:
    """A shortcode and the character it stands for look alike; an unknown shortcode stays text."""
    assert 'href="#e-rocket"' in drawn(":rocket:")
    assert 'href="#e-rocket"' in drawn("🚀")
    assert drawn("at 10:30:15 :no_such_emoji:") == "at 10:30:15 :no_such_emoji:"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)>',
        "*<b onclick=x>*",
        "`<i>`",
        "```<u>```",
        '<https://example.com/"onmouseover="alert(1)|x>',
        "<@U0TESTER>",
        "<!subteam^S1|<img>>",
        "\x000\x01<script>\x00",
    ],
)
def test_hostile_text_stays_text(text: str) -> None:
    """No character of a message opens a tag or an attribute of its own."""
    html = drawn(text)
    for opened in ("<script", "<img", "<svg onload", "<b", "<i>", "<u>", '"onmouseover', "onclick=x>*"):
        assert opened not in html.replace("<blockquote", "").replace("<br", "")


@given(st.text(alphabet="<>&*_~`|^!@#:\"'\n aU0\x00\x01/\\", max_size=80))
def test_whatever_is_typed_only_our_own_tags_appear(text: str) -> None:
    """Every tag in the drawing is one of ours, for any text."""
    html = drawn(text)
    allowed = {"strong", "em", "s", "code", "pre", "blockquote", "br", "span", "a", "time", "svg", "use"}
    tags = {piece.split(">")[0].split()[0].strip("/") for piece in html.split("<")[1:]}
    assert tags <= allowed


def test_a_long_hostile_text_is_drawn_quickly() -> None:
    """Forty thousand marks are drawn in far less than a second, so that no text can hang the page."""
    started = datetime.now(UTC)
    for text in ("*a " * 13000, "*_~" * 13000, "<" * 40000, "`" * 40000, "> " * 20000, ":" * 40000, "_ a" * 13000):
        drawn(text)
    assert (datetime.now(UTC) - started).total_seconds() < 5
