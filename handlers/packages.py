"""What people say about where a package comes from: a file, a commit, a sandbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from handlers.conversation import (
    Answer,
    ChoiceField,
    Field,
    FileField,
    Form,
    Note,
    Option,
    Request,
    SentFile,
    TextField,
    code,
)
from handlers.phrases import count, org_title, plainly, release_argument
from handlers.releases import facts_of
from release_core import attaching
from release_core.attaching import Origin
from release_core.errors import Refused, Unclear
from release_core.listings import ask_for_listing, find_listing
from release_core.manifest_words import read_wanted
from release_core.metadata_types import BY_TYPE, Component, members
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports

MOST_SHOWN = 400
"""How many components one form offers; more are reached by words of their names."""
MOST_KEPT = 2000
"""How many characters of earlier picks a form carries."""
_FIRST = ("ApexClass", "ApexTrigger", "CustomObject", "CustomField", "Flow", "Layout", "LightningComponentBundle")
_PICKED = "of_"


def attach(ports: Ports, request: Request) -> Answer:
    """`/release attach`: a form with a file; submitted, or with `from git REF`, the package is fetched and read."""
    require(ports.policy, request.actor.id, "attach")
    key = release_argument(ports, request)
    origin = _words_after_from(request)
    if origin and origin[0].casefold() == "git":
        return _attach_commit(ports, request, key, origin[1:])
    if origin:
        return retrieve(ports, request)
    files: list[SentFile] = list(request.args.get("package") or request.args.get("files") or [])
    if not files:
        facts_of(ports, key)
        hint = "A metadata-format zip with package.xml, at most 39 MB."
        fields = (FileField("package", "Package", ("zip",), hint),)
        intro = (Note(_other_ways(ports.policy, key)),)
        return Form(f"Attach to {key}", "release_attach", fields, "Attach", {"release": key}, intro)
    if len(files) > 1:
        raise Unclear("Send one zip; a release has one package.", field="package")
    file, name = files[0], files[0].name or "The file"
    attaching.attach_package(ports, request.actor.id, key, file_id=file.id, file_name=file.name or "package.zip")
    return plainly(f"{name} is being read for {key}. What it holds comes in the thread of {key}.", "wait")


def _other_ways(policy: Policy, key: str) -> str:
    ways = [code(f"/release retrieve {key}")] if policy.sources else []
    ways += [code(f"/release attach {key} from git REF")] if policy.git else []
    ways.append("a zip in its thread, with my name beside it")
    return f"Other ways: {', '.join(ways)}."


def _words_after_from(request: Request) -> list[str]:
    words = [str(word) for word in request.args.get("words", [])]
    return words[1:] if words and words[0].casefold() == "from" else []


def _attach_commit(ports: Ports, request: Request, key: str, words: Sequence[str]) -> Answer:
    if len(words) != 1:
        raise Unclear("Say which commit: from git REF, where REF is a branch, a tag or a whole SHA.", field="ref")
    ref = attaching.find_ref(ports.policy, words[0])
    attaching.attach_from(ports, request.actor.id, key, Origin("git", f"git {ref}", ref=ref))
    return plainly(f"{ref} is fetched from git for {key}. What it holds comes in the thread of {key}.", "wait")


def retrieve(ports: Ports, request: Request) -> Answer:
    """`/release retrieve`: a form for what is wanted; submitted, the org is asked for it, or for what there is."""
    require(ports.policy, request.actor.id, "attach")
    key = release_argument(ports, request)
    said = str(request.args.get("org") or " ".join(_words_after_from(request)))
    org = attaching.find_source(ports.policy, said) if said else ""
    ways = _ways_used(request)
    if not ways:
        if "manifest" in request.args:
            raise Unclear("Say what to take: paste or upload a package.xml, or choose types.", field="manifest")
        facts_of(ports, key)
        return _retrieve_form(ports.policy, key, org)
    if len(ways) > 1:
        raise Unclear(f"Choose one way, not several: {' and '.join(ways)} were given.", field="manifest")
    if not org:
        raise Unclear("Say which org.", field="org")
    if request.args.get("types"):
        return _look_up(ports, request, key, org)
    files = list(request.args.get("manifest_file") or [])
    wanted = {} if files else read_wanted(str(request.args["manifest"]))
    return _ask_org(ports, request, key, Origin("org", "", ref=org, file_id=_id_of(files), manifest=wanted))


def _ways_used(request: Request) -> list[str]:
    ways = {"manifest": "a manifest", "manifest_file": "a file", "types": "types"}
    return [words for name, words in ways.items() if request.args.get(name)]


def _id_of(files: Sequence[SentFile]) -> str:
    if len(files) > 1:
        raise Unclear("Send one package.xml.", field="manifest_file")
    return files[0].id if files else ""


def _retrieve_form(policy: Policy, key: str, org: str) -> Form:
    sources = [Option(one, org_title(policy, one), policy.kind_of(one)) for one in policy.sources]
    if not sources:
        raise Refused("not_a_source", "The policy names no org that a package may be taken from (retrieve_from).")
    chosen = [org] if org else [sources[0].value] if len(sources) == 1 else []
    fields: tuple[Field, ...] = (
        ChoiceField("org", "From", sources, chosen),
        TextField(
            "manifest",
            "What to take",
            optional=True,
            long=True,
            hint="A package.xml, or lines such as “ApexClass: Discount, DiscountTest”. A longer one as a file:",
        ),
        FileField("manifest_file", "Or a package.xml", ("xml",), optional=True),
        ChoiceField("types", "Or look what is there, by type", _types(), many=True, optional=True, hint="At most 10."),
        TextField("filter", "Of these, only names with", optional=True, placeholder="discount"),
    )
    return Form(f"Retrieve for {key}", "release_retrieve", fields, "Go on", {"release": key})


def _types() -> list[Option]:
    listed = sorted(kind for kind, row in BY_TYPE.items() if not row.in_folders and kind not in _FIRST)
    return [Option(kind, kind) for kind in (*(one for one in _FIRST if one in BY_TYPE), *listed)]


def _look_up(ports: Ports, request: Request, key: str, org: str) -> Answer:
    types = [str(kind) for kind in request.args["types"]]
    ask_for_listing(ports, request.actor.id, key, org, types, str(request.args.get("filter") or ""))
    title = org_title(ports.policy, org)
    return plainly(f"{title} is asked what it holds of {', '.join(types)}. I send you the list to pick from.", "wait")


def _ask_org(ports: Ports, request: Request, key: str, origin: Origin) -> Answer:
    title = org_title(ports.policy, origin.ref)
    named = Origin("org", f"retrieve-from-{origin.ref}.zip", origin.ref, origin.file_id, manifest=origin.manifest)
    attaching.attach_from(ports, request.actor.id, key, named)
    asked = sum(len(names) for names in origin.manifest.values())
    what = count(asked, "name") if asked else "what the file lists"
    return plainly(f"{title} is asked for {what}. What comes back is told in the thread of {key}.", "wait")


def pick(ports: Ports, request: Request) -> Answer:
    """The button under a list: a form to pick from it; submitted, the org is asked for what was picked."""
    require(ports.policy, request.actor.id, "attach")
    key, number = str(request.args.get("release", "")), str(request.args.get("listing", ""))
    if not key or not number.isdecimal():
        raise Unclear("Press the button under the list that I sent you. To get one: /release retrieve")
    found = find_listing(ports, key, int(number))
    rows = [Component(*row) for row in json.loads(ports.artifacts.load(found.digest))]
    picked = _picked(request, len(rows))
    words, shown = str(request.args.get("filter") or ""), str(request.args.get("shown") or "")
    if "go" not in request.args or words != shown:
        return _pick_form(request, rows, picked, words)
    if not picked:
        raise Unclear("Choose at least one component.", field="filter")
    wanted = members(rows[index] for index in picked)
    return _ask_org(ports, request, key, Origin("org", "", ref=found.org, manifest=wanted))


def _picked(request: Request, rows: int) -> list[int]:
    """The picks of this form and of those before it, as places in the list."""
    chosen = [value for name, values in request.args.items() if name.startswith(_PICKED) for value in values]
    kept = str(request.args.get("kept") or "").split(",")
    return sorted({int(one) for one in (*chosen, *kept) if one.isdecimal() and int(one) < rows})


def _pick_form(request: Request, rows: Sequence[Component], picked: Sequence[int], words: str) -> Form:
    kept = ",".join(str(index) for index in picked)
    if len(kept) > MOST_KEPT:
        raise Unclear(
            "More is picked than one form can carry. Take these first, or send a package.xml.", field="filter"
        )
    fitting = [i for i, row in enumerate(rows) if all(w in row.name.casefold() for w in words.casefold().split())]
    shown = [index for index in fitting if index not in set(picked)][:MOST_SHOWN]
    fields: list[Field] = [_choice(kind, rows, shown) for kind in dict.fromkeys(rows[i].type for i in shown)]
    hint = "Other words here show other names; what you picked is kept."
    fields.append(TextField("filter", "Show only names with", words, hint, optional=True))
    more = len(fitting) - len(shown) - len(set(fitting) & set(picked))
    told = [f"{count(len(picked), 'component')} picked so far."] if picked else []
    told += [f"{more:,} more fit; type words of their names to reach them."] if more > 0 else []
    args: dict[str, Any] = {"release": request.args["release"], "listing": request.args["listing"]}
    args |= {"kept": kept, "shown": words, "go": "yes"}
    return Form("Pick components", "release_pick", fields, "Take", args, [Note(" ".join(told))] if told else ())


def _choice(kind: str, rows: Sequence[Component], shown: Sequence[int]) -> ChoiceField:
    options = [Option(str(index), rows[index].name) for index in shown if rows[index].type == kind]
    return ChoiceField(f"{_PICKED}{kind}", kind, options, many=True, optional=True)
