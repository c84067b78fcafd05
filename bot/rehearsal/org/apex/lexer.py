"""Apex source text cut into tokens, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass


class CompileError(Exception):
    """Source that Salesforce's compiler would refuse; lines as well as columns count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Token:
    """`kind` is name, number, string, op or end; a string's text is its value without quotes."""

    kind: str
    text: str
    line: int
    column: int

    @property
    def low(self) -> str:
        """The text in lower case: Apex has no case. Empty for a string literal."""
        return "" if self.kind == "string" else self.text.lower()


_PATTERN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>'(?:\\.|[^'\\\n])*')
    |(?P<number>\d+\.\d+[dD]?|\d+[lLdD]?)|(?P<name>[A-Za-z_]\w*)
    |(?P<op>===|!==|==|!=|<>|<=|>=|&&|\|\||\+\+|--|\+=|-=|\*=|/=|\|=|&=|=>|\?\.|\?\?|[-+*/%<>=!&|^~?:;,.(){}\[\]@])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_PAIRS = {")": "(", "]": "[", "}": "{"}


def tokens_of(source: str) -> list[Token]:
    """All tokens, ended by one of kind `end`; CompileError for text that is none."""
    found: list[Token] = []
    line, line_start, place = 1, 0, 0
    while place < len(source):
        match = _PATTERN.match(source, place)
        column = place - line_start + 1
        if match is None:
            raise _stray(source, place, line, column)
        kind, text = str(match.lastgroup), match.group()
        if kind not in ("space", "comment"):
            found.append(Token(kind, _unescaped(text) if kind == "string" else text, line, column))
        if "\n" in text:
            line += text.count("\n")
            line_start = place + text.rindex("\n") + 1
        place = match.end()
    found.append(Token("end", "<EOF>", line, place - line_start + 1))
    return found


def _stray(source: str, place: int, line: int, column: int) -> CompileError:
    if source[place] == "'":
        return CompileError("Illegal string literal: missing closing quote", line, column)
    if source.startswith("/*", place):
        return CompileError("Unterminated comment", line, column)
    return CompileError(f"Unrecognized symbol '{source[place]}', which is not a valid Apex identifier.", line, column)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(1)), text[1:-1])


def check_brackets(found: list[Token]) -> None:
    """CompileError when brackets do not pair up."""
    open_ones: list[Token] = []
    for token in found:
        if token.kind != "op":
            continue
        if token.text in "([{":
            open_ones.append(token)
        elif token.text in _PAIRS:
            if not open_ones:
                raise CompileError(f"Extra '{token.text}', at '{token.text}'.", token.line, token.column)
            if open_ones.pop().text != _PAIRS[token.text]:
                raise CompileError(f"Unexpected token '{token.text}'.", token.line, token.column)
    if open_ones:
        closing = next(close for close, opening in _PAIRS.items() if opening == open_ones[-1].text)
        raise CompileError(f"Missing '{closing}' at '<EOF>'", found[-1].line, found[-1].column)
