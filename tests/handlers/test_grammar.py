from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.conversation import OPEN, SEPARATOR
from handlers.grammar import Root, SeveralTimes, UnknownVerb, parse, parse_said
from release_core.errors import NotFound, ReleaseError, Unclear

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@dataclass(frozen=True)
class AVerb:
    name: str
    root: str = "release"
    aliases: Sequence[str] = ()
    usage: str = ""


VERBS = {
    verb.name: verb
    for verb in (
        AVerb("status"),
        AVerb("stop"),
        AVerb("new"),
        AVerb("deploy", aliases=("ship",)),
        AVerb("audit_export"),
        AVerb("approve"),
        AVerb("freeze"),
        AVerb("incident_open", "incident"),
        AVerb("incident_status", "incident"),
    )
}


def heard(text: str, root: Root = "release") -> tuple[str, dict[str, Any]]:
    return parse(root, text, zone="Europe/Berlin", now=NOW, verbs=VERBS)


def said(text: str) -> tuple[str, dict[str, Any]]:
    return parse_said(text, zone="Europe/Berlin", now=NOW, verbs=VERBS)


def test_no_words_ask_for_the_menu() -> None:
    assert heard("  ") == ("menu", {})


@pytest.mark.parametrize("key", ["REL-1", "rel-1", "REL1", "#rel-1", "REL-01,"])
def test_keys_are_understood_however_they_are_written(key: str) -> None:
    assert heard(f"status {key}") == ("status", {"release": "REL-1"})


def test_every_clause_is_understood_in_any_order() -> None:
    one = heard("deploy REL-1 in uat at tomorrow 22:00 until 23:30 as qa -- for the quarter")
    other = heard("ship as qa until 23:30 in uat at tomorrow 22:00 REL-1 -- for the quarter")
    assert one == other
    assert one == (
        "deploy",
        {
            "release": "REL-1",
            "org": "uat",
            "at": datetime(2026, 11, 23, 21, tzinfo=UTC),
            "until": datetime(2026, 11, 23, 22, 30, tzinfo=UTC),
            "seat": "qa",
            "note": "for the quarter",
        },
    )


def test_an_end_is_read_in_the_zone_of_the_start() -> None:
    _, args = heard("freeze at Fri 6pm New York until 8pm")
    assert args["until"] - args["at"] == timedelta(hours=2)


def test_in_followed_by_a_duration_is_a_time_otherwise_an_org() -> None:
    assert heard("deploy in 2h")[1] == {"at": NOW + timedelta(hours=2)}
    assert heard("deploy at in 2h for 1h30m")[1] == {"at": NOW + timedelta(hours=2), "for": timedelta(minutes=90)}
    assert heard("deploy in “Prod EU”")[1] == {"org": "Prod EU"}


def test_people_teams_and_channels_arrive_as_ids() -> None:
    _, args = heard("freeze <@U0AB|anna> <!subteam^S012|@qa-team> to <#C0123|x> <@U0CD> for 2 days")
    assert args == {
        "people": ["U0AB", "U0CD"],
        "teams": ["S012"],
        "channels": ["C0123"],
        "for": timedelta(days=2),
    }


@pytest.mark.parametrize("dash", ["--", "—", "–"])
def test_everything_after_a_dash_is_the_note(dash: str) -> None:
    _, args = heard(f"approve REL-1 {dash} fine in uat at 25:99 &amp; “good”")
    assert args == {"release": "REL-1", "note": "fine in uat at 25:99 & “good”"}


def test_a_phones_dash_may_stick_to_the_note() -> None:
    assert heard("approve —because it’s good")[1] == {"note": "because it’s good"}


def test_a_note_reads_as_its_author_saw_it() -> None:
    _, args = heard("approve -- <@U0AB|anna> read <https://x.example/a|x.example/a> &lt;twice&gt;")
    assert args["note"] == "@anna read x.example/a <twice>"


def test_typographic_quotes_blanks_and_apostrophes_are_understood() -> None:
    assert heard("new\u00a0“Winter 27”\u200b 'Spring 27' don't stop")[1] == {
        "words": ["Winter 27", "Spring 27", "don't", "stop"]
    }


def test_a_quote_that_never_ends_is_a_character() -> None:
    assert heard('new "Winter 27')[1] == {"words": ['"Winter', "27"]}


def test_a_dash_inside_quotes_starts_no_note() -> None:
    assert heard('new "Winter -- 27"')[1] == {"words": ["Winter -- 27"]}


def test_short_words_are_completed_when_only_one_fits() -> None:
    assert heard("dep REL-1")[0] == "deploy"
    assert heard("AUDIT export")[0] == "audit_export"
    assert heard("audit-export")[0] == "audit_export"
    with pytest.raises(NotFound, match=r"`/release status` or `/release stop`") as refused:
        heard("st")
    assert refused.value.nearest == ("status", "stop")


def test_misspelt_words_are_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"Did you mean `/release deploy`\?"):
        heard("deplyo REL-1")
    with pytest.raises(NotFound, match="help"):
        heard("frobnicate")


def test_the_subject_may_come_first() -> None:
    assert heard("REL-3 status") == ("status", {"release": "REL-3"})


def test_a_mention_needs_no_root_where_the_words_tell_it() -> None:
    assert said("status REL-1") == ("status", {"release": "REL-1"})
    assert said("open Payments are down")[0] == "incident_open"
    assert said("status INC-2") == ("incident_status", {"incident": "INC-2"})
    assert said("incident status")[0] == "incident_status"
    assert said("/release status")[0] == "status"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("deploy in", "org"),
        ("deploy in REL-1", "org"),
        ("approve as", "seat"),
        ("deploy at", "at"),
        ("deploy at 22:00 Brlin", "at"),
        ("deploy at 22:00 until never", "until"),
        ("deploy in uat in prod", "org"),
        ("deploy for 3 parsecs", "for"),
    ],
)
def test_clauses_that_cannot_be_read_name_what_is_at_fault(text: str, field: str) -> None:
    with pytest.raises(Unclear) as refused:
        heard(text)
    assert refused.value.field == field


def test_nobody_can_forge_our_marks() -> None:
    _, args = heard(f"new {OPEN}person{SEPARATOR}U0AB -- {OPEN}bold")
    assert args == {"words": ["personU0AB"], "note": "bold"}


def test_a_verb_takes_the_clauses_of_its_usage_alone() -> None:
    verbs = {"tick": AVerb("tick", usage="[REL-1] ITEM [-- evidence]"), "test": AVerb("test", usage="[REL-1] [in ORG]")}
    ticked = parse("release", "tick 3 done at 22:00 in uat as qa", zone="UTC", now=NOW, verbs=verbs)
    assert ticked == ("tick", {"words": ["3", "done", "at", "22:00", "in", "uat", "as", "qa"]})
    assert parse("release", "test in uat at 22:00", zone="UTC", now=NOW, verbs=verbs)[1] == {
        "org": "uat",
        "words": ["at", "22:00"],
    }


def test_a_key_alone_asks_how_it_stands() -> None:
    assert heard("REL-3") == ("status", {"release": "REL-3"})
    assert said("INC-2") == ("incident_status", {"incident": "INC-2"})
    assert said("https://rollcall.example.com/r/REL-3") == ("status", {"release": "REL-3"})


@pytest.mark.parametrize("key", ["rel 1", "REL\u20111", "REL_1", "`REL-1`", "*REL-1*", "_rel-1_", "ＲＥＬ-1", "REL-1!"])
def test_keys_are_understood_however_a_chat_decorates_them(key: str) -> None:
    assert said(f"status {key}") == ("status", {"release": "REL-1"})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "🚀 status REL-1",
            ":rocket: status REL-1",
            "please status REL-1",
            "release\nstatus REL-1",
            "`/release status REL-1`",
        ),
        *("ｓｔａｔｕｓ REL-1", "\u2067status\u2069 REL-1", "/release /release status REL-1", "release status REL-1,"),
    ],
)
def test_what_stands_before_and_around_the_words_does_not_matter(text: str) -> None:
    assert said(text) == ("status", {"release": "REL-1"})


@pytest.mark.parametrize("text", ["hi", "hello", "?", "👋", "thanks"])
def test_a_greeting_alone_opens_the_menu(text: str) -> None:
    assert said(text) == ("menu", {})


def test_a_dash_between_two_times_is_a_range_and_no_note() -> None:
    assert heard("freeze at 22:00 – 02:00 -- quiet")[1]["note"] == "quiet"
    _, args = heard("freeze at 22:00 – 02:00")
    assert args["until"] - args["at"] == timedelta(hours=4)
    assert heard("freeze from 22:00 to 02:00")[1] == args
    assert heard("freeze at 22:00 — the load job runs")[1]["note"] == "the load job runs"


def test_from_is_an_ordinary_word_where_no_time_follows() -> None:
    assert heard("new Import from ERP")[1] == {"words": ["Import", "from", "ERP"]}


def test_an_end_is_read_after_a_start_that_was_said_without_at() -> None:
    _, args = heard("freeze tomorrow 22:00 until 23:30")
    assert args == {"words": ["tomorrow", "22:00"], "until": datetime(2026, 11, 23, 22, 30, tzinfo=UTC)}


@pytest.mark.parametrize(
    "text",
    [
        "deploy tomorrow at 22:00",
        "deploy at tomorrow 22:00",
        "deploy tomorrow from 22:00 to 23:00",
        "deploy tomorrow between 22:00 and 23:00",
    ],
)
def test_a_day_before_its_time_belongs_to_it(text: str) -> None:
    _, args = heard(text)
    assert args["at"] == datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert "words" not in args


def test_words_that_are_no_day_stay_before_a_time() -> None:
    assert heard("new Winter release at tomorrow 22:00")[1]["words"] == ["Winter", "release"]


def test_a_key_of_the_other_command_asks_for_its_verb() -> None:
    assert heard("status INC-1") == ("incident_status", {"incident": "INC-1"})
    assert heard("status REL-1", "incident") == ("status", {"release": "REL-1"})


def test_a_question_in_many_words_offers_the_verb_in_it() -> None:
    with pytest.raises(UnknownVerb) as unknown:
        said("what's the status of REL-2")
    assert [(b.verb, b.args["release"]) for b in unknown.value.instead] == [("status", "REL-2")]


def test_a_length_ends_where_ordinary_words_begin() -> None:
    assert heard("deploy in 30m all is well")[1] == {"at": NOW + timedelta(minutes=30), "words": ["all", "is", "well"]}
    assert heard("deploy in two hours")[1] == {"at": NOW + timedelta(hours=2)}


def test_an_instant_keeps_the_zone_in_which_it_was_read() -> None:
    _, args = heard("deploy at Fri 6pm New York")
    assert str(args["at"].tzinfo) == "America/New_York"


def test_a_misspelt_verb_offers_the_right_ones_with_all_other_words() -> None:
    with pytest.raises(UnknownVerb) as unknown:
        heard("deplyo REL-1 in uat -- now")
    [button] = unknown.value.instead
    assert (button.label, button.verb) == ("/release deploy", "deploy")
    assert button.args == {"release": "REL-1", "org": "uat", "note": "now"}


def test_an_ambiguous_time_offers_each_reading_with_all_other_words() -> None:
    with pytest.raises(SeveralTimes, match="Which one") as several:
        heard("deploy REL-1 at 12/5 10pm until 11pm -- quarter end")
    assert [button.args["at"].month for button in several.value.instead] == [12, 5]
    for button in several.value.instead:
        assert button.args["until"] - button.args["at"] == timedelta(hours=1)
        assert (button.verb, button.args["note"]) == ("deploy", "quarter end")


WORDS = [
    "status",
    "deploy",
    "REL-1",
    "in",
    "at",
    "until",
    "for",
    "as",
    "to",
    "--",
    "“",
    '"',
    "<@U1|a>",
    "<!subteam^S1>",
    "2h",
    *(
        "from",
        "between",
        "and",
        "every",
        "tomorrow",
        "Fri",
        "next",
        "22:00",
        "9",
        "pm",
        "–",
        "12/5",
        "PST",
        "IST",
        "EOD",
    ),
    *("please", "🚀", "rel", "1", "statsu", "`REL-1`", "22:00-02:00", "half", "past", "6"),
]


def requests(text: str, understand: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """What a line asks for, or what it is offered instead."""
    try:
        return [understand(text)]
    except (UnknownVerb, SeveralTimes) as offered:
        return [(button.verb, button.args) for button in offered.instead]
    except ReleaseError:
        return []


@given(st.text(max_size=80) | st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=9).map(" ".join))
def test_any_text_ends_in_a_request_or_a_sentence(text: str) -> None:
    for understand in (heard, said):
        for name, args in requests(text, understand):
            assert name in VERBS or name == "menu"
            assert all(value or value == "" for value in args.values())
