"""Bringing components out of an org: retrieve, list, describe."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bot.salesforce.advice import Asked, problem_from
from bot.salesforce.connection import Connection
from bot.salesforce.failures import Failure, Unreadable
from bot.salesforce.replies import instant, truth
from bot.salesforce.session import Patience
from bot.salesforce.soap import children, element, leaf, text_of
from release_core.errors import OrgUnavailable
from release_core.ports import FileProperty, Members, Retrieved

_TYPES_PER_LISTING = 3


@dataclass(frozen=True)
class MetadataType:
    """One kind of component that the org knows, with where its files lie in a package."""

    name: str
    folder: str
    suffix: str
    in_folder: bool
    meta_file: bool
    children: Sequence[str]


def retrieve(connection: Connection, members: Members) -> Retrieved:
    """Have the org pack the named components and wait for it, `retrieve_for` seconds at most."""
    act = "pack the components we asked for"
    retrieve_id = connection.soap(_retrieve_request(members, connection.api_version), _job_id, act)
    for pause in _looks(connection.patience):
        if _look(connection, retrieve_id, with_zip=False).done:
            break
        time.sleep(pause)
    else:
        raise OrgUnavailable(
            f"{connection.where} did not {act} within {connection.patience.retrieve_for / 60:.0f} minutes (job "
            f"{retrieve_id}). Repeat when the org is less busy, or ask for fewer components."
        )
    packed = _look(connection, retrieve_id, with_zip=True)
    failure = packed.failure or (None if packed.retrieved.archive else Failure(200, "UNREADABLE", "no archive came"))
    if failure is not None:
        raise problem_from(failure, Asked(connection.where, act))
    return packed.retrieved


def list_metadata(connection: Connection, types: Sequence[str]) -> Sequence[FileProperty]:
    """All components of the given types, with who last changed each; three types cost one call."""
    found: list[FileProperty] = []
    for start in range(0, len(types), _TYPES_PER_LISTING):
        queries = [element("queries", leaf("type", one)) for one in types[start : start + _TYPES_PER_LISTING]]
        body = element("listMetadata", *queries, leaf("asOfVersion", connection.api_version))
        found += connection.soap(body, _properties, "list its components")
    return tuple(found)


def describe(connection: Connection) -> Sequence[MetadataType]:
    """All kinds of components that the org knows."""
    body = element("describeMetadata", leaf("asOfVersion", connection.api_version))
    return connection.soap(body, _metadata_types, "describe its kinds of components")


def _metadata_types(results: Sequence[Element]) -> Sequence[MetadataType]:
    return tuple(
        MetadataType(
            name=text_of(one, "xmlName"),
            folder=text_of(one, "directoryName"),
            suffix=text_of(one, "suffix"),
            in_folder=truth(text_of(one, "inFolder")),
            meta_file=truth(text_of(one, "metaFile")),
            children=tuple(child.text or "" for child in children(one, "childXmlNames")),
        )
        for one in children(_only(results), "metadataObjects")
    )


def _retrieve_request(members: Members, api_version: str) -> str:
    types = [
        element("types", *(leaf("members", name) for name in sorted(names)), leaf("name", kind))
        for kind, names in sorted(members.items())
        if names
    ]
    return element(
        "retrieve",
        element(
            "retrieveRequest",
            leaf("apiVersion", api_version),
            leaf("singlePackage", "true"),
            element("unpackaged", *types, leaf("version", api_version)),
        ),
    )


def _looks(patience: Patience) -> Iterator[float]:
    """The pauses between two looks: short at first, then longer, until the patience is used up."""
    pause, waited = patience.first_look_after, 0.0
    while waited < patience.retrieve_for:
        yield pause
        waited += pause
        pause = min(pause * 1.6, patience.looks_at_most_every)


@dataclass(frozen=True)
class _Packing:
    """How far the org has packed what we asked for."""

    done: bool
    failure: Failure | None
    retrieved: Retrieved


def _look(connection: Connection, retrieve_id: str, *, with_zip: bool) -> _Packing:
    body = element(
        "checkRetrieveStatus",
        leaf("asyncProcessId", retrieve_id),
        leaf("includeZip", "true" if with_zip else "false"),
    )
    return connection.soap(body, _packing, "tell how far it has packed the components")


def _packing(results: Sequence[Element]) -> _Packing:
    result = _only(results)
    failed = text_of(result, "status") == "Failed"
    failure = Failure(200, text_of(result, "errorStatusCode"), text_of(result, "errorMessage"))
    try:
        archive = base64.b64decode(text_of(result, "zipFile"))
    except binascii.Error as error:
        raise Unreadable("the archive is not whole") from error
    return _Packing(
        done=truth(text_of(result, "done")),
        failure=failure if failed else None,
        retrieved=Retrieved(
            archive=archive,
            properties=_properties(children(result, "fileProperties")),
            messages=tuple(text_of(one, "problem") for one in children(result, "messages")),
        ),
    )


def _job_id(results: Sequence[Element]) -> str:
    found = text_of(_only(results), "id")
    if not found:
        raise Unreadable("the answer names no job")
    return found


def _properties(rows: Sequence[Element]) -> Sequence[FileProperty]:
    return tuple(
        FileProperty(
            type=text_of(one, "type"),
            name=text_of(one, "fullName"),
            file=text_of(one, "fileName"),
            changed_by=text_of(one, "lastModifiedByName"),
            changed_at=instant(text_of(one, "lastModifiedDate")),
            id=text_of(one, "id"),
        )
        for one in rows
    )


def _only(results: Sequence[Element]) -> Element:
    if not results:
        raise Unreadable("the answer has no result")
    return results[0]
