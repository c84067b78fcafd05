"""From the files of a package to the components they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from bot.rehearsal.org import catalog, markup
from bot.rehearsal.org.archives import Package
from bot.rehearsal.org.catalog import MetadataType

_ROOT_IS_CHECKED = {
    "CustomLabels",
    "CustomObject",
    "CustomTab",
    "Flow",
    "FlowDefinition",
    "Layout",
    "PermissionSet",
    "Profile",
}


@dataclass
class Incoming:
    """One component as a package brings it; `path` is what results call its file."""

    type: str
    name: str
    path: str
    files: dict[str, bytes] = field(default_factory=dict)
    member: tuple[str, str] = ("", "")  # how a package.xml lists it
    parent: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.member[0]:
            self.member = (self.type, self.name)


@dataclass(frozen=True)
class Problem:
    """Something wrong with one file or member, in the platform's words."""

    type: str
    name: str
    path: str
    text: str
    line: int | None = None
    column: int | None = None
    warning: bool = False


def read_components(package: Package) -> tuple[list[Incoming], list[Problem]]:
    """The components in the files, with what cannot be read."""
    found: dict[tuple[str, str], Incoming] = {}
    problems: list[Problem] = []
    for path in sorted(package.files):
        each = _locate(path)
        if each is None:
            problems.append(Problem("", path, path, "Not in package.xml"))
            continue
        known = found.setdefault((each.type, each.name), each)
        known.files[path] = package.files[path]
    whole: list[Incoming] = []
    for each in found.values():
        problem = _unfinished(each) or _unreadable(each)
        if problem:
            problems.append(problem)
        else:
            whole += _taken_apart(each)
    return whole, problems


def _locate(path: str) -> Incoming | None:
    directory, _, rest = path.partition("/")
    kind = catalog.by_directory().get(directory)
    if kind is None or not rest:
        return None
    if kind.bundle:
        name, _, inside = rest.partition("/")
        return Incoming(kind.name, name, f"{directory}/{name}") if inside else None
    if kind.in_folder and rest.endswith("-meta.xml") and _is_folder(kind, rest):
        folder = rest.removesuffix("-meta.xml").split(".")[0]
        return Incoming(catalog.FOLDER_TYPES[kind.name], folder, path, member=(kind.name, folder))
    main = rest.removesuffix("-meta.xml") if kind.meta else rest
    if kind.suffix and not main.endswith(f".{kind.suffix}"):
        return None
    name = main.removesuffix(f".{kind.suffix}") if kind.suffix else main
    if "/" in name and not kind.in_folder:
        return None
    return Incoming(kind.name, name, f"{directory}/{main}")


def _is_folder(kind: MetadataType, rest: str) -> bool:
    stem = rest.removesuffix("-meta.xml")
    return "/" not in stem or (
        not (kind.suffix and stem.endswith(f".{kind.suffix}")) and "." not in stem.rsplit("/", 1)[-1]
    )


def _unfinished(each: Incoming) -> Problem | None:
    kind = catalog.all_types().get(each.type)
    if kind is None:
        return None
    if kind.meta and f"{each.path}-meta.xml" not in each.files:
        return Problem(
            each.type, each.name, each.path, f"No -meta.xml file found for {each.path}: {each.path}-meta.xml is missing"
        )
    if kind.meta and each.path not in each.files:
        return Problem(
            each.type, each.name, each.path, f"{each.path}-meta.xml was found without the content file {each.path}"
        )
    if each.type == "LightningComponentBundle":
        base = f"{each.path}/{each.name}"
        if f"{base}.js-meta.xml" not in each.files:
            return Problem(
                each.type,
                each.name,
                each.path,
                f"Cannot find Lightning Component Bundle {each.name}: {each.name}.js-meta.xml is missing",
            )
        if not {f"{base}.js", f"{base}.html"} & set(each.files):
            return Problem(
                each.type, each.name, each.path, f"Bundle {each.name} must contain {each.name}.js or {each.name}.html"
            )
    return None


def _unreadable(each: Incoming) -> Problem | None:
    kind = catalog.all_types().get(each.type)
    for path, content in each.files.items():
        if kind and not _is_xml(kind, path):
            continue
        try:
            root = markup.parse(content)
        except markup.Malformed as bad:
            return Problem(each.type, each.name, path, f"Error parsing file: {bad}", bad.line, bad.column)
        if each.type in _ROOT_IS_CHECKED and kind and markup.local(root.tag) != kind.root_name:
            element = f"{{{markup.METADATA}}}:{markup.local(root.tag)}"
            text = f"Error parsing file: Unexpected element {element}, expected {kind.root_name}"
            return Problem(each.type, each.name, path, text, 2, 1)
    return None


def _is_xml(kind: MetadataType, path: str) -> bool:
    return path.endswith("-meta.xml") or not (kind.meta or kind.bundle or kind.name == "Certificate")


def _taken_apart(each: Incoming) -> list[Incoming]:
    """A parent is split into what is its own, then its parts; anything else stays whole."""
    kind = catalog.all_types().get(each.type)
    if kind is None or not kind.parts:
        return [each]
    root = markup.parse(each.files[each.path])
    parts = {part.element: part for part in kind.parts}
    own = [child for child in root if isinstance(child.tag, str) and markup.local(child.tag) not in parts]
    own.sort(key=lambda child: markup.local(child.tag))
    pieces = [Incoming(each.type, each.name, each.path, {each.path: b"\n".join(map(markup.fragment, own))})]
    for child in markup.named(root, *parts):
        pieces.append(_part(each, parts[markup.local(child.tag)], child))
    return pieces


def _part(parent: Incoming, part: catalog.Part, child: Element) -> Incoming:
    bare = markup.text_of(child, part.key)
    name = bare if parent.type == "CustomLabels" else f"{parent.name}.{bare}"
    files = {f"{parent.path}#{part.type}/{name}": markup.fragment(child)}
    return Incoming(part.type, name, parent.path, files, parent=(parent.type, parent.name))


def against_manifest(package: Package, found: list[Incoming]) -> tuple[list[Incoming], list[Problem]]:
    """What the package really brings: named in package.xml as well as there; the rest are problems."""
    listed = package.manifest.members
    stars = {type_name for type_name, member in listed if member == "*"}
    named = set(listed)
    present = {each.member for each in found}
    unread = {each.path for each in found}
    wanted: list[Incoming] = []
    problems = _unknown_types(package)
    for each in found:
        by_parent = each.parent is not None and (each.parent in named or each.parent[0] in stars)
        if each.member in named or each.member[0] in stars or by_parent:
            wanted.append(each)
        elif not (_only_frames_parts(each, found, named, stars) or _is_automatic(each)):
            problems.append(
                Problem("", each.path if each.parent is None else each.name, each.path, "Not in package.xml")
            )
    for type_name, member in listed:
        if member != "*" and catalog.known_type(type_name) and (type_name, member) not in present:
            text = f"An object '{member}' of type {type_name} was named in package.xml, but "
            problems.append(Problem("", member, "package.xml", text + "was not found in zipped directory"))
    return (wanted if unread else []), problems


def _unknown_types(package: Package) -> list[Problem]:
    names = {type_name for type_name, _ in package.manifest.members if not catalog.known_type(type_name)}
    return [
        Problem("", "package.xml", "package.xml", f"Unknown type name '{name}' specified in package.xml")
        for name in sorted(names)
    ]


def _only_frames_parts(each: Incoming, found: list[Incoming], named: set[tuple[str, str]], stars: set[str]) -> bool:
    """An object file may be there only to carry fields that package.xml names one by one."""
    parts = [part for part in found if part.parent == (each.type, each.name)]
    return any(part.member in named or part.type in stars for part in parts)


def _is_automatic(each: Incoming) -> bool:
    return each.type in catalog.FOLDER_TYPES.values() and each.name == "unfiled$public"


def merged(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes]:
    """A parent's own elements: those named by the new file replace theirs, the others stay as they were."""
    (path, before), after = next(iter(old.items())), next(iter(new.values()))
    if not after:
        return {path: before}
    fresh = list(markup.parse(markup.document("x", [after])))
    tags = {markup.local(child.tag) for child in fresh}
    kept = [child for child in markup.parse(markup.document("x", [before])) if markup.local(child.tag) not in tags]
    rows = sorted([*kept, *fresh], key=lambda child: markup.local(child.tag))
    return {path: b"\n".join(map(markup.fragment, rows))}
