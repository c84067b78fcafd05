"""What people say about comparing a package with its target: show what differs, look once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from handlers.conversation import (
    Actions,
    Answer,
    Attachment,
    Listing,
    Menu,
    Message,
    Option,
    Paragraph,
    Part,
    Request,
    Verbatim,
    at,
    bold,
    clean,
    code,
)
from handlers.phrases import do, note_argument, org_title, plainly, release_argument
from handlers.release_words import change_lines, changes_words
from handlers.releases import facts_of
from release_core import comparing
from release_core.differences import read_section
from release_core.errors import NotFound, Refused, Unclear
from release_core.facts import ReleaseFacts
from release_core.metadata_types import Component
from release_core.models import ReleasePackage
from release_core.ports import Ports
from release_core.risks import is_compared

SHOWN_AT_MOST = 2500  # characters of one diff; what is longer comes as a file too
CHOICES = 25


def compare(ports: Ports, request: Request) -> Answer:
    """`/release compare`: look into the target once more."""
    key = release_argument(ports, request)
    comparing.request_comparison(ports, request.actor.id, key)
    return plainly(f"{key} is being compared again. What comes of it stands in its thread.", "wait")


def diff(ports: Ports, request: Request) -> Answer:
    """`/release diff`: one component's difference to read, or all of them as a file."""
    key = release_argument(ports, request)
    facts = facts_of(ports, key)
    package = _compared(facts, ports)
    text = clean(ports.artifacts.load(package.diff_digest).decode())
    asked = str(request.args.get("component") or note_argument(request)).strip()
    title = org_title(ports.policy, facts.release.target_org)
    if asked:
        return _one(key, title, package, text, asked)
    return _all(key, title, package, [_file(key, title, text), *_earlier_files(ports, key, package)])


def _compared(facts: ReleaseFacts, ports: Ports) -> ReleasePackage:
    key, title = facts.release.key, org_title(ports.policy, facts.release.target_org)
    if facts.package is None:
        raise NotFound(f"{key} has no package, so nothing differs. Attach one: /release attach {key}")
    if not is_compared(facts.package, facts.release.target_org) or not facts.package.diff_digest:
        if since := facts.comparing_since:
            sentence = f"{key} is being compared with {title}, since {at(since)}. Its thread shows what comes of it."
            raise Refused("not_compared", sentence)
        sentence = f"{key} is not compared with {title} yet. Have it compared: /release compare {key}"
        raise Refused("not_compared", sentence)
    return facts.package


def _one(key: str, title: str, package: ReleasePackage, text: str, asked: str) -> Message:
    kind, name, change = _row_named(package.comparison, asked)
    said = read_section(text, Component(kind, name))
    summary = f"{key}: {kind} {name} is {change} in {title}."
    parts: list[Part] = [Paragraph(f"{bold(key)}: {kind} {code(name)} is {change} in {title}.")]
    parts += [Listing(lines)] if (lines := change_lines(package, only=(kind, name))) else []
    parts += [Verbatim(said)] if said else []
    parts.append(
        Actions([do("All differences", "release_diff", release=key), do("Package", "release_package", release=key)])
    )
    is_long = len(said) > SHOWN_AT_MOST
    file = Attachment(f"{key}-{name.replace('/', '-')}.diff", said.encode(), f"{kind} {name}")
    return Message(summary, parts, attachments=[file] if is_long else [])


def _file(key: str, title: str, text: str, name: str = "differences") -> Attachment:
    return Attachment(f"{key}-{name}.txt", text.encode(), f"Differences of {key} in {title}")


def _earlier_files(ports: Ports, key: str, package: ReleasePackage) -> Iterator[Attachment]:
    """What a staged release was found to change in each org that it has gone on from."""
    for org, digest in package.earlier_diffs:
        try:
            text = clean(ports.artifacts.load(digest).decode())
        except NotFound as lost:
            text = str(lost)
        yield _file(key, f"{org_title(ports.policy, org)}, before it went there", text, f"differences-{org}")


def _all(key: str, title: str, package: ReleasePackage, files: Sequence[Attachment]) -> Message:
    earlier = " The orgs before it have a file each, as they were then." if len(files) > 1 else ""
    sentence = f"{key} in {title}: {changes_words(package)}. Every difference is in the file.{earlier}"
    parts: list[Part] = [Paragraph(sentence)]
    parts += [Listing(lines)] if (lines := change_lines(package)) else []
    parts.append(Actions([*difference_menu(key, package), do("Compare again", "release_compare", release=key)]))
    return Message(sentence, parts, attachments=files)


def difference_menu(key: str, package: ReleasePackage) -> list[Menu]:
    """A choice among what the package changes, for which there is something to read line by line."""
    kinds = ("changed", "deleted", "new")
    names = [f"{row[0]} {row[1]}" for kind in kinds for row in package.comparison if row[2] == kind]
    options = [Option(name, name[:75]) for name in names if len(name) <= 150][:CHOICES]
    return [Menu("One difference…", "release_diff", "component", options, {"release": key})] if options else []


def _row_named(rows: Sequence[Sequence[str]], asked: str) -> Sequence[str]:
    names = {f"{row[0]} {row[1]}": row for row in rows}
    wanted = asked.casefold()
    found = [name for name in names if name.casefold() == wanted]
    found = found or [name for name, row in names.items() if row[1].casefold() == wanted]
    found = found or [name for name in names if wanted in name.casefold()]
    if not found:
        nearest = get_close_matches(asked, [*names, *(row[1] for row in rows)], n=3, cutoff=0.4)
        hint = f" Near to it: {', '.join(nearest)}." if nearest else ""
        sentence = f"The package has nothing called “{clean(asked)[:80]}”.{hint} /release package lists what it holds."
        raise NotFound(sentence, nearest=nearest, field="component")
    if len(found) > 1:
        more = f" and {len(found) - 6} more" if len(found) > 6 else ""
        sentence = f"“{clean(asked)[:80]}” could be {', '.join(found[:6])}{more}. Say the type with the whole name."
        raise Unclear(sentence, field="component")
    return names[found[0]]
