"""The parts of a multipart deployment: found by their content type, never by their name or order."""

from __future__ import annotations

import json

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.web.gate import Asked

_NO_BODY = Refusal("INVALID_MULTIPART_REQUEST", "The multipart request could not be read")


def deployment_parts(asked: Asked) -> tuple[dict[str, object], bytes | None]:
    """(the JSON object, the zip or None) of a POST to deployRequest."""
    kind, options = parse_options_header(asked.headers.get("content-type", ""))
    if kind == b"application/json":
        return _object(asked.body), None
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be multipart/form-data or application/json", 415)
    settings: dict[str, object] = {}
    archive: bytes | None = None
    for content_type, content in _split(asked.body, boundary):
        if content_type.startswith("application/json") or (not content_type and content.lstrip()[:1] == b"{"):
            settings = _object(content)
        else:
            archive = content
    return settings, archive


def _object(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except (ValueError, UnicodeDecodeError) as problem:
        raise Refusal("JSON_PARSER_ERROR", f"The JSON part could not be read: {problem}") from problem
    if not isinstance(found, dict):
        raise Refusal("JSON_PARSER_ERROR", "A JSON object is expected")
    return found


class _Collector:
    """Gathers the parts as the parser walks through them."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytes]] = []
        self._name = self._value = b""
        self._type = ""
        self._content = bytearray()

    def on_part_begin(self) -> None:
        self._type, self._content = "", bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._name.lower() == b"content-type":
            self._type = self._value.decode("latin-1").strip().lower()
        self._name = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def on_part_end(self) -> None:
        self.parts.append((self._type, bytes(self._content)))


def _split(body: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    collector = _Collector()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": collector.on_part_begin,
            "on_header_field": collector.on_header_field,
            "on_header_value": collector.on_header_value,
            "on_header_end": collector.on_header_end,
            "on_part_data": collector.on_part_data,
            "on_part_end": collector.on_part_end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as problem:
        raise _NO_BODY from problem
    if not collector.parts:
        raise _NO_BODY
    return collector.parts
