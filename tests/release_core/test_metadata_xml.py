"""XML read fast, yet never otherwise than the slow and careful way would read it."""

from __future__ import annotations

import gc
import threading
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release_core import collector
from release_core.errors import Unclear
from release_core.metadata_xml import DEEP_AT_MOST, NAMESPACE, canonical, check, fingerprint, parse, surely_differ

TAGS = st.sampled_from(["CustomObject", "Layout", "fields", "fullName", "name", "label"])
TEXTS = st.sampled_from(["", "a", "b", " a", "a & b", "<a>", "]]>", "line\r\nend", "é"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Element:
    element = Element(draw(TAGS), draw(st.dictionaries(st.sampled_from(["x", "y"]), TEXTS, max_size=1)))
    children = draw(st.lists(trees(depth - 1), max_size=3)) if depth else []
    element.text = draw(TEXTS)
    element.extend(children)
    return element


@settings(max_examples=150, deadline=None)
@given(trees(), trees(), st.randoms(use_true_random=False))
def test_fingerprints_agree_exactly_where_canonical_texts_do(one: Element, other: Element, chance: object) -> None:
    shuffled = Element(one.tag, dict(one.items()))
    shuffled.text = one.text
    children = list(one)
    chance.shuffle(children)  # type: ignore[attr-defined]
    shuffled.extend(children)
    for left, right in ((one, other), (one, shuffled), (one, one)):
        same = canonical(left) == canonical(right)
        assert (fingerprint(left) == fingerprint(right)) == same
        if same:
            assert not surely_differ(tostring(left), tostring(right))


@settings(max_examples=60, deadline=None)
@given(trees(), st.sampled_from(["", "\n", "\n    "]), st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]))
def test_layout_and_encoding_of_a_file_never_count_as_a_difference(tree: Element, gap: str, encoding: str) -> None:
    plain = tostring(tree)
    written = tostring(tree, "unicode").replace("<fields", f"{gap}<fields")
    again = f'<?xml version="1.0" encoding="{encoding}"?>{gap}<!-- x -->{written}'.encode(encoding)
    if canonical(parse(plain, "a")) == canonical(parse(again, "a")):
        assert not surely_differ(plain, again)
    else:  # the gap became part of a text
        assert gap


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize(
    "declared", ["<!DOCTYPE a>", '<!DOCTYPE a [<!ENTITY b "c">]>', '<!DOCTYPE a SYSTEM "file:///x">']
)
def test_document_type_is_refused_in_every_encoding(encoding: str, declared: str) -> None:
    name = encoding.removesuffix("-sig")
    data = f'<?xml version="1.0" encoding="{name}"?>{declared}<a>b</a>'.encode(encoding)
    for read in (parse, check):
        with pytest.raises(Unclear, match="declares a document type"):
            read(data, "a.xml")


def test_document_type_hidden_in_an_encoding_of_its_own_is_refused() -> None:
    """The declaration is read in ASCII, what follows in the code page that it names; "<!DOCTYPE" is nowhere in it."""
    hidden = b'<?xml version="1.0" encoding="cp037"?>' + '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("cp037")
    assert b"<!DOCTYPE" not in hidden
    for read in (parse, check):
        with pytest.raises(Unclear):
            read(hidden, "a.xml")


def nested(depth: int, opening: str = "<a>") -> str:
    return opening * depth + "</a>" * depth


@pytest.mark.parametrize("read", [parse, check])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1252"])
@pytest.mark.parametrize("opening", ["<a>", "<a x='/&gt;'><b/>"])
def test_what_is_nested_too_deep_is_refused_in_every_encoding(read: object, encoding: str, opening: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    for depth in (DEEP_AT_MOST + 1, 50_000):
        with pytest.raises(Unclear, match=r"objects/A\.object nests its elements more than 100 deep"):
            read((declared + nested(depth, opening)).encode(encoding), "objects/A.object")  # type: ignore[operator]
    read((declared + nested(DEEP_AT_MOST - 1, opening)).encode(encoding), "objects/A.object")  # type: ignore[operator]


def test_many_elements_side_by_side_are_not_deep() -> None:
    check(("<a>" + "<b><c/></b>" * 5000 + "</a>").encode(), "x")
    assert len(parse(("<a>" + "<b><c/></b>" * 5000 + "</a>").encode(), "x")) == 5000


def test_undeclared_entity_is_named_with_its_line() -> None:
    with pytest.raises(Unclear, match=r"line 2, undefined entity"):
        parse(b"<a>\n&lol;</a>", "a.xml")


@pytest.mark.parametrize("read", [parse, check])
def test_unknown_encoding_is_a_sentence(read: object) -> None:
    with pytest.raises(Unclear):
        read(b'<?xml version="1.0" encoding="no-such"?><a/>', "a.xml")  # type: ignore[operator]


def test_namespace_is_left_out_wherever_it_is_declared() -> None:
    root = f'<a xmlns="{NAMESPACE}"><b xmlns:x="y"><x:c/></b><d xmlns="{NAMESPACE}"/>xmlns="{NAMESPACE}"</a>'
    assert [element.tag for element in parse(root.encode(), "a").iter()] == ["a", "b", "c", "d"]
    prefixed = f'<m:a xmlns:m="{NAMESPACE}"><m:b/></m:a>'
    assert [element.tag for element in parse(prefixed.encode(), "a").iter()] == ["a", "b"]


def test_text_that_only_looks_like_a_namespace_stays() -> None:
    data = f'<a xmlns="{NAMESPACE}"><b>&lt;a xmlns="{NAMESPACE}"></b></a>'.encode()
    assert parse(data, "a").findtext("b") == f'<a xmlns="{NAMESPACE}">'


def test_collector_works_again_after_the_last_rests() -> None:
    assert gc.isenabled()
    inside, leave = threading.Event(), threading.Event()

    def rest() -> None:
        with collector.at_rest():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=rest)
    with collector.at_rest():
        other.start()
        assert inside.wait(10)
    assert not gc.isenabled(), "the other thread still reads"
    leave.set()
    other.join()
    assert gc.isenabled()
