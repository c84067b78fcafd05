from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from handlers.conversation import at, bold, channel, code, link, person
from handlers.slack.mrkdwn import (
    Reader,
    mrkdwn_within,
    plain_within,
    size,
    split_mrkdwn,
    to_mrkdwn,
    to_plain,
)

INSTANT = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def test_meaning_becomes_slacks_own_marks() -> None:
    assert to_mrkdwn(f"{person('U0AB')} in {channel('C012')}") == "<@U0AB> in <#C012>"
    assert to_mrkdwn(person("S0QATEAM")) == "<!subteam^S0QATEAM>"
    assert to_mrkdwn(f"{bold('REL-1')} {code('Big`Deal__c')}") == "*REL-1* `BigDeal__c`"
    assert (
        to_mrkdwn(link("https://x.example/?a=1&b=2", "the > page")) == "<https://x.example/?a=1&amp;b=2|the &gt; page>"
    )


def test_an_instant_is_shown_in_each_readers_zone_with_utc_to_fall_back_on() -> None:
    drawn = to_mrkdwn(at(INSTANT))
    assert drawn == f"<!date^{int(INSTANT.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 21:00 UTC>"


def test_what_people_write_cannot_call_anybody() -> None:
    assert to_mrkdwn("<!channel> & <@U0AB>") == "&lt;!channel&gt; &amp; &lt;@U0AB&gt;"
    assert to_mrkdwn(person("U1|x> <!here")) == "U1|x&gt; &lt;!here"
    assert to_mrkdwn(link("javascript:alert(1)", "press")) == "press"
    assert to_mrkdwn(at(INSTANT).replace("2026", "soon")).startswith("soon")


def test_plain_places_get_names_and_the_readers_zone() -> None:
    reader = Reader("Europe/Berlin", {"U0AB": "Anna"}.__getitem__)
    assert to_plain(f"{person('U0AB')} at {at(INSTANT)}", reader) == "Anna at Mon 23 Nov 2026 22:00 CET"
    assert plain_within("a\n  b", 10) == "a b"
    assert plain_within("", 10) == "–"


@given(st.text(max_size=60), st.integers(2, 80))
def test_a_cut_never_breaks_a_mark_or_an_escape(text: str, limit: int) -> None:
    drawn = mrkdwn_within(f"{text}{person('U0ABCDEF')}<&>", limit)
    assert 0 < size(drawn) <= limit
    assert drawn.count("<") == drawn.count(">")
    assert "&" not in drawn.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@given(st.text(alphabet="ab <&\n🙂", max_size=400))
def test_splitting_loses_no_words(text: str) -> None:
    stretches = split_mrkdwn(text, 30)
    assert all(0 < size(stretch) <= 30 for stretch in stretches)
    assert "".join("".join(stretches).split()) == "".join(to_mrkdwn(text).split())
