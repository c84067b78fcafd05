"""The platform's own methods that tests lean on: strings, numbers, lists, sets, maps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation

from bot.rehearsal.org.apex.values import (
    UNKNOWN,
    ApexList,
    ApexMap,
    ApexSet,
    ApexThrow,
    EnumValue,
    Fault,
    Record,
    equal,
    holds_unknown,
    key_of,
    show,
)

Args = Sequence[object]


class NotKnown(Exception):
    """A method outside the subset."""


def fault(kind: str, message: str) -> ApexThrow:
    """A System exception, to be raised."""
    return ApexThrow(Fault(f"System.{kind}", message), [])


def call_method(value: object, name: str, args: Args) -> object:
    """The result of a method of a built-in type; NotKnown for others."""
    if isinstance(value, str):
        return _string(value, name, args)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return _number(Decimal(value), name, args)
    if isinstance(value, list):
        return _list(value, name, args)
    if isinstance(value, ApexSet):
        return _set(value, name, args)
    if isinstance(value, ApexMap):
        return _map(value, name, args)
    if isinstance(value, Record):
        return _record(value, name, args)
    if isinstance(value, Fault):
        return _fault(value, name, args)
    if isinstance(value, EnumValue) and name in ("name", "tostring"):
        return value.name
    raise NotKnown(name)


def _string(text: str, name: str, args: Args) -> object:
    if holds_unknown(list(args)):
        return UNKNOWN
    simple: dict[str, Callable[[], object]] = {
        "tolowercase": text.lower,
        "touppercase": text.upper,
        "trim": text.strip,
        "length": lambda: len(text),
        "capitalize": lambda: text[:1].upper() + text[1:],
        "reverse": lambda: text[::-1],
        "tostring": lambda: text,
        "isnumeric": lambda: text.isdigit(),
        "isalpha": lambda: text.isalpha(),
        "deletewhitespace": lambda: re.sub(r"\s", "", text),
    }
    if name in simple and not args:
        return simple[name]()
    words = [str(each) for each in args]
    with_words: dict[str, Callable[[], object]] = {
        "contains": lambda: words[0] in text,
        "containsignorecase": lambda: words[0].lower() in text.lower(),
        "startswith": lambda: text.startswith(words[0]),
        "endswith": lambda: text.endswith(words[0]),
        "equals": lambda: text == words[0],
        "equalsignorecase": lambda: text.lower() == words[0].lower(),
        "indexof": lambda: text.find(words[0]),
        "replace": lambda: text.replace(words[0], words[1]),
        "split": lambda: ApexList(re.split(words[0], text)),
        "removeend": lambda: text.removesuffix(words[0]),
        "removestart": lambda: text.removeprefix(words[0]),
        "repeat": lambda: text * int(words[0]),
        "left": lambda: text[: int(words[0])],
        "right": lambda: text[-int(words[0]) :],
        "leftpad": lambda: text.rjust(int(words[0]), words[1] if len(words) > 1 else " "),
        "rightpad": lambda: text.ljust(int(words[0]), words[1] if len(words) > 1 else " "),
        "substringafter": lambda: text.partition(words[0])[2],
        "substringbefore": lambda: text.partition(words[0])[0],
        "compareto": lambda: (text > words[0]) - (text < words[0]),
    }
    if name == "substring":
        return _substring(text, [int(word) for word in words])
    if name in with_words and words:
        return with_words[name]()
    raise NotKnown(name)


def _substring(text: str, bounds: list[int]) -> str:
    first, last = bounds[0], bounds[1] if len(bounds) > 1 else len(text)
    if not 0 <= first <= last <= len(text):
        raise fault("StringException", f"Ending position out of bounds: {last}")
    return text[first:last]


def _number(number: Decimal, name: str, args: Args) -> object:
    if holds_unknown(list(args)):
        return UNKNOWN
    if name == "setscale" and args:
        return number.quantize(Decimal(1).scaleb(-int(str(args[0]))), ROUND_HALF_EVEN)
    simple: dict[str, Callable[[], object]] = {
        "intvalue": lambda: int(number),
        "longvalue": lambda: int(number),
        "doublevalue": lambda: number,
        "round": lambda: int(number.quantize(Decimal(1), ROUND_HALF_EVEN)),
        "abs": lambda: abs(number),
        "format": lambda: show(number),
        "toplainstring": lambda: show(number),
        "tostring": lambda: show(number),
        "scale": lambda: max(0, -int(number.as_tuple().exponent)),
        "striptrailingzeros": lambda: number.normalize(),
    }
    if name in simple and not args:
        return simple[name]()
    raise NotKnown(name)


def at(items: list[object], index: object) -> object:
    """One element of a list; Apex's ListException when out of bounds."""
    place = int(str(index))
    if not 0 <= place < len(items):
        raise fault("ListException", f"List index out of bounds: {place}")
    return items[place]


def _list(items: list[object], name: str, args: Args) -> object:
    if name == "add":
        items.insert(int(str(args[0])), args[1]) if len(args) == 2 else items.append(args[0])
        return True
    if name == "addall" and args:
        items.extend(elements(args[0]))
        return True
    if name == "get" and args:
        return at(items, args[0])
    if name == "set" and len(args) == 2:
        at(items, args[0])
        items[int(str(args[0]))] = args[1]
        return None
    if name == "remove" and args:
        at(items, args[0])
        return items.pop(int(str(args[0])))
    if name in ("contains", "indexof") and args:
        if holds_unknown(items) or holds_unknown(args[0]):
            return UNKNOWN
        places = [place for place, each in enumerate(items) if equal(each, args[0], exactly=True)]
        return bool(places) if name == "contains" else (places[0] if places else -1)
    simple: dict[str, Callable[[], object]] = {
        "size": lambda: len(items),
        "isempty": lambda: not items,
        "clear": items.clear,
        "clone": lambda: ApexList(items),
        "deepclone": lambda: ApexList(each.copy() if isinstance(each, Record) else each for each in items),
        "sort": lambda: _sort(items),
        "tostring": lambda: show(items),
    }
    if name in simple:
        return simple[name]()
    raise NotKnown(name)


def _sort(items: list[object]) -> None:
    if all(isinstance(each, str) for each in items):
        items.sort(key=str)
    elif all(isinstance(each, (int, Decimal)) for each in items):
        items.sort(key=lambda each: Decimal(str(each)))
    else:
        raise NotKnown("sort")


def elements(value: object) -> list[object]:
    """What a collection yields when walked through; NotKnown when it is none."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, ApexSet):
        return list(value.items.values())
    raise NotKnown("elements")


def _set(items: ApexSet, name: str, args: Args) -> object:
    if name == "add" and args:
        fresh = key_of(args[0]) not in items.items
        items.items[key_of(args[0])] = args[0]
        return fresh
    if name == "addall" and args:
        items.items.update({key_of(each): each for each in elements(args[0])})
        return True
    if name == "contains" and args:
        return UNKNOWN if holds_unknown(args[0]) else key_of(args[0]) in items.items
    if name == "containsall" and args:
        return all(key_of(each) in items.items for each in elements(args[0]))
    if name == "remove" and args:
        return items.items.pop(key_of(args[0]), None) is not None
    if name == "size":
        return len(items.items)
    if name == "isempty":
        return not items.items
    raise NotKnown(name)


def _map(items: ApexMap, name: str, args: Args) -> object:
    if args and name in ("get", "containskey", "remove") and holds_unknown(args[0]):
        return UNKNOWN
    if name == "put" and len(args) == 2:
        before = items.items.get(key_of(args[0]))
        items.put(args[0], args[1])
        return before[1] if before else None
    if name == "get" and args:
        return items.items.get(key_of(args[0]), (None, None))[1]
    if name == "containskey" and args:
        return key_of(args[0]) in items.items
    if name == "remove" and args:
        return items.items.pop(key_of(args[0]), (None, None))[1]
    simple: dict[str, Callable[[], object]] = {
        "size": lambda: len(items.items),
        "isempty": lambda: not items.items,
        "keyset": lambda: ApexSet(key for key, _ in items.items.values()),
        "values": lambda: ApexList(value for _, value in items.items.values()),
    }
    if name in simple:
        return simple[name]()
    raise NotKnown(name)


def _record(record: Record, name: str, args: Args) -> object:
    if name == "get" and len(args) == 1 and isinstance(args[0], str):
        return record.fields.get(args[0].lower())
    if name == "put" and len(args) == 2 and isinstance(args[0], str):
        record.fields[args[0].lower()] = args[1]
        return None
    if name == "adderror" and args:
        record.errors.append(show(args[-1].message if isinstance(args[-1], Fault) else args[-1]))
        return None
    if name == "clone":
        copied = record.copy()
        copied.fields.pop("id", None)
        return copied
    raise NotKnown(name)


def _fault(value: Fault, name: str, args: Args) -> object:
    if name == "getmessage":
        return value.message
    if name == "gettypename":
        return value.type
    if name == "setmessage" and args:
        value.message = args[0]
        return None
    raise NotKnown(name)


def call_static(owner: str, name: str, args: Args) -> object:
    """A static method of a platform class, both names in lower case; NotKnown for others."""
    if holds_unknown(list(args)):
        return UNKNOWN
    first = args[0] if args else None
    if owner == "string":
        return _string_static(name, args)
    if owner in ("integer", "long", "decimal", "double") and name == "valueof":
        return _parsed(owner, first)
    if owner == "math" and args and all(isinstance(each, (int, Decimal)) for each in args):
        return _math(name, [Decimal(str(each)) for each in args])
    if owner == "boolean" and name == "valueof":
        return str(first).lower() == "true"
    raise NotKnown(f"{owner}.{name}")


def _string_static(name: str, args: Args) -> object:
    first = args[0] if args else None
    if name == "valueof" and args:
        return show(first)
    if name in ("isblank", "isnotblank", "isempty", "isnotempty"):
        text = "" if first is None else str(first)
        bare = not (text.strip() if "blank" in name else text)
        return not bare if "not" in name else bare
    if name == "join" and len(args) == 2:
        return show(args[1]).join(show(each) for each in elements(first))
    if name == "format" and len(args) == 2:
        values = [show(each) for each in elements(args[1])]
        return re.sub(
            r"\{(\d+)\}",
            lambda found: values[int(found.group(1))] if int(found.group(1)) < len(values) else found.group(),
            str(first),
        )
    if name == "escapesinglequotes":
        return str(first).replace("'", "\\'")
    raise NotKnown(name)


def _parsed(owner: str, given: object) -> object:
    if given is None:
        raise fault("NullPointerException", "Argument cannot be null.")
    try:
        number = Decimal(str(given))
    except InvalidOperation as problem:
        raise fault("TypeException", f"Invalid {owner}: {given}") from problem
    if owner in ("integer", "long"):
        if number != int(number) and isinstance(given, str):
            raise fault("TypeException", f"Invalid {owner}: {given}")
        return int(number)
    return number


def _math(name: str, numbers: list[Decimal]) -> object:
    whole = all(number == int(number) and int(number.as_tuple().exponent) >= 0 for number in numbers)
    if name in ("max", "min") and len(numbers) == 2:
        best = max(numbers) if name == "max" else min(numbers)
        return int(best) if whole else best
    if name == "abs":
        return int(abs(numbers[0])) if whole else abs(numbers[0])
    if name == "round":
        return int(numbers[0].quantize(Decimal(1), ROUND_HALF_UP))
    if name in ("floor", "ceil"):
        return numbers[0].to_integral_value("ROUND_FLOOR" if name == "floor" else "ROUND_CEILING")
    if name == "mod" and len(numbers) == 2:
        return int(numbers[0] % numbers[1])
    raise NotKnown(name)
