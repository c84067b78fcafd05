"""What is shown about where a package comes from."""

from __future__ import annotations

from handlers.conversation import Actions, Message, Paragraph, clean, code, person
from handlers.phrases import count, do, org_title
from release_core.models import ReleasePackage, TimelineEntry
from release_core.policy import Policy


def origin_words(package: ReleasePackage, policy: Policy) -> str:
    """Where a package comes from; "" for one that was uploaded, whose author says it."""
    ref = clean(package.source_ref)
    asked = sum(len(names) for names in package.manifest.values())
    match package.source:
        case "org":
            title = org_title(policy, ref)
            return f"Taken out of {title} by {person(package.author_id)}, who asked for {count(asked, 'name')}."
        case "git":
            return f"Made of commit {code(ref)}."
        case "file" | "url":
            return f"Handed in by the command line, from {code(ref)}."
    return ""


def listing_card(policy: Policy, entry: TimelineEntry) -> Message:
    """What an org holds of some types, with the button to pick from it."""
    title, found = org_title(policy, str(entry.details["org"])), int(entry.details["count"])
    types = ", ".join(str(kind) for kind in entry.details["types"])
    key, number = entry.stream, str(entry.number)
    if not found:
        sentence = f"{key}: {title} holds nothing of {types} that fits. Choose other types or words."
        again = do("Choose again…", "release_retrieve", release=key, org=str(entry.details["org"]))
        return Message(sentence, [Paragraph(sentence), Actions([again])])
    sentence = f"{key}: {title} holds {count(found, 'component')} of {types} that fit. Pick what to take."
    button = do("Pick components…", "release_pick", release=key, listing=number)
    return Message(sentence, [Paragraph(sentence), Actions([button])])
