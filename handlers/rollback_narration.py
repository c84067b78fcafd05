"""The sentences about going back, and forward again."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.conversation import bold, clean, code, people
from handlers.phrases import VERDICTS, count
from handlers.telling import Telling

BY_HAND = {"new": "delete it", "changed": "put back what it was", "deleted": "create it again"}


def returned(t: Telling) -> str:
    """An org is what it was before a release, or what of it is not."""
    found = t.names("differences")
    if t.get("ended_as"):
        return f"{_although(t)} {bold(t.get('release'))} is rolled back.{_except(found)}{_left(t)}"
    if t.get("not_compared"):
        return f"{t.get('key')} rolled back {bold(t.get('release'))} in {t.org()}.{_not_compared(t)}{_left(t)}"
    if not found:
        what = "part by part" if not t.entry.details.get("left") else "but for what was left"
        return (
            f"{t.get('key')} rolled back: {t.org()} is what it was before {bold(t.get('release'))}, {what}.{_left(t)}"
        )
    return f"{t.get('key')} rolled back {bold(t.get('release'))}, except: {', '.join(found[:8])}.{_left(t)}"


def _although(t: Telling) -> str:
    """What an org said of a rollback that landed all the same, at least in part."""
    said = {
        "Canceled": "was cancelled, but it had landed already",
        "FinalizingFailed": "could not be finished, but it has landed",
        "SucceededPartial": "landed only in part",
    }
    parts = t.names("landed")
    named = f" Read back, {', '.join(parts[:8])}{' and others' if len(parts) > 8 else ''} changed there."
    return f"{t.org()} says that {t.get('key')} {said[t.get('ended_as')]}.{named}"


def _except(found: Sequence[str]) -> str:
    return f" Not as it was before: {', '.join(found[:8])}." if found else ""


def _not_compared(t: Telling) -> str:
    """Why nobody could look whether it is as it should be, with what to do; nothing when somebody could."""
    if not t.get("not_compared"):
        return ""
    look = code(f"/release package {t.get('release')}")
    return f" Not compared: {t.get('not_compared')} Look at its parts in Setup of {t.org()}: {look} lists them."


def _left(t: Telling) -> str:
    parts = t.entry.details.get("left") or []
    named = ", ".join(clean(f"{part[0]} {part[1]}") for part in parts[:5])
    more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
    return f" Left as it was, by choice: {named}{more}." if parts else ""


def wish(t: Telling) -> str:
    """What was asked for."""
    what = "undoing the rollback" if t.entry.details.get("undo") else "the rollback"
    return f"{what} of {t.get('release')}"


def asked_back(t: Telling) -> str:
    """Somebody wants to go back."""
    what = "undo the rollback of" if t.entry.details.get("undo") else "roll back"
    left = t.entry.details.get("leave") or []
    parts = f" {count(len(left), 'part')} would be left as {_it(left)}." if left else ""
    reason = t.get("reason") if not parts or t.get("reason").endswith((".", "!", "?")) else f"{t.get('reason')}."
    return f"{t.by} asked to {what} {t.get('release')}: {reason}{parts}"


def _it(parts: Sequence[object]) -> str:
    return "it is" if len(parts) == 1 else "they are"


def armed(t: Telling) -> str:
    """A way back passed its check, as a whole or with parts left out."""
    left = t.entry.details.get("leave") or []
    what = f"The way back that leaves {count(len(left), 'part')} as {_it(left)}" if left else "The way back"
    return (
        f"{what} is armed until {t.instant('until')}: it passed a check-only run with tests, so going back is a quick "
        f"deploy ({t.get('key')})."
    )


def not_armed(t: Telling) -> str:
    """A way back is not proven; that of a choice says nothing about the whole."""
    again = f" It is tried again {t.instant('again_at')}." if t.get("again_at") else ""
    if left := t.entry.details.get("leave"):
        return (
            f"{t.get('key')} did not prove the way back that leaves {count(len(left), 'part')} as {_it(left)}: "
            f"{t.get('problem').rstrip('. ')}. Choose other parts under the request; the way back as a whole counts as "
            "before."
        )
    return f"The way back is not armed: {t.get('problem')}{again}"


def begins(t: Telling) -> str:
    """It is confirmed, so it starts."""
    if t.entry.details.get("undo"):
        return f"{t.get('key')} begins to bring the release back into {t.org()}."
    return f"The rollback {t.get('key')} in {t.org()} begins."


def looked(t: Telling) -> str:
    """What was found in the org while people decide."""
    drift = t.names("drift")
    if not drift:
        return "The org was compared: nothing that would go back was changed since."
    return f"The org was compared. Somebody changed since: {'; '.join(drift[:8])}. Choose what is left as it is."


def way(t: Telling) -> str:
    """Which tests run on a way back that is not armed."""
    if t.get("next"):
        why = f"was refused for its tests alone ({t.get('problem')})"
        return f"{t.get('key')} {why}, so {t.get('next')} runs more of them."
    tests = f" ({', '.join(t.names('tests')[:5])})" if t.names("tests") else ""
    because = f" {t.get('because')}" if t.get("because") else ""
    return f"{t.get('key')} is not armed, so it goes by a deployment with {t.get('level')}{tests}.{because}"


def brought_back(t: Telling) -> str:
    """A rollback was undone."""
    found = t.names("differences")
    except_for = f" Not as expected: {', '.join(found[:5])}." if found else ""
    # Facts from before this was recorded speak of an org that nobody had looked at: locked, as a rollback leaves it.
    locked = " The org stays locked until somebody unlocks it." if t.entry.details.get("locked", True) else ""
    although = f"{_although(t)} " if t.get("ended_as") else ""
    goes_on = (
        ". Its rest stays given up, so nobody watches it" if t.entry.details.get("given_up") else " and is watched"
    )
    return (
        f"{although}{t.get('key')} undid the rollback: {bold(t.get('release'))} is live in {t.org()} again{goes_on}."
        f"{except_for}{_not_compared(t)}{_left(t)}{locked}"
    )


def held(t: Telling) -> str:
    """A rollback stopped before it changed anything."""
    drift = t.names("drift")
    listed = f" {'; '.join(drift[:8])}." if drift else ""
    problem = t.get("problem").removeprefix("The rollback did not start. ")
    if "parts" in t.entry.details:
        return f"The rollback {t.get('key')} was not started. {problem} {_by_hand(t)}"
    return f"The rollback {t.get('key')} was not started. {problem}{listed}{'' if drift else _asked_anew(t)}"


def _by_hand(t: Telling) -> str:
    """Who could do what in Setup where Rollcall has nothing left to go by."""
    rows, release = t.entry.details["parts"], t.get("release") or t.entry.stream
    told = "; ".join(_part_by_hand(row) for row in rows[:10])
    more = f"; and {len(rows) - 10} more ({code(f'/release package {release}')})" if len(rows) > 10 else ""
    ask = code(f"/release rollback {release}{_where(t)} -- reason")
    again = f"Have the files put back from a backup and ask again ({ask})."
    if t.entry.details.get("undo"):
        return f"{again} Else plan a new release with the same package: {code('/release new')}"
    who_may = people(t.names("people")[:5], last="or")
    return f"{again} Else {who_may} can take it back by hand in Setup of {t.org()}: {told or 'part by part'}{more}."


def _part_by_hand(row: Sequence[str]) -> str:
    kind, name, did, verdict, todo = row
    act = BY_HAND.get(did, "compare it with what it was")
    verdicts = [VERDICTS[verdict]] if verdict in VERDICTS else []
    return clean(f"{kind} {name}: {', '.join([act, *verdicts])}{f' ({todo.rstrip(chr(46))})' if todo else ''}")


def failed(t: Telling) -> str:
    """The org refused a rollback."""
    unchanged = " Read back, nothing was changed there." if t.entry.details.get("unchanged") else ""
    return (
        f"The rollback {t.get('key')} failed in {t.org()}: {t.get('problem').rstrip('.')}.{unchanged}{_asked_anew(t)}"
    )


def _asked_anew(t: Telling) -> str:
    release = t.get("release") or t.entry.stream
    return f" Ask again, with other parts left if need be: {code(f'/release rollback {release}{_where(t)} -- reason')}"


def _where(t: Telling) -> str:
    """Which org of a staged release is meant, in words that can be typed."""
    return f" in {t.policy.title_of(t.get('org'))}" if t.entry.details.get("staged") else ""
