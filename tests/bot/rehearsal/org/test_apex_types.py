"""Which types and classes the local org's compiler misses."""

from __future__ import annotations

import pytest

from bot.rehearsal.org.apex.program import ApexCode

BASE = "public virtual class Base { public class Inner {} }"
POLICY = "public class Policy { public static Integer rate() { return 1; } }"


def problem(source: str, **classes: str) -> str | None:
    """What is wrong with the class Tried, beside a few classes that are there."""
    code = ApexCode({"Tried": source, "Base": BASE, "Policy": POLICY, **classes}, {})
    found = code.problems.get(("ApexClass", "Tried"))
    return str(found) if found else None


def body(statements: str) -> str:
    return "public class Tried {\n    public static void go(Policy given) {\n" + statements + "\n    }\n}"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (body("Integer a = Nowhere.rate();"), "Variable does not exist: Nowhere"),
        (body("Nowhere a = null;"), "Invalid type: Nowhere"),
        (body("Object a = new Nowhere();"), "Invalid type: Nowhere"),
        (body("Map<Id, List<Nowhere>> a;"), "Invalid type: Nowhere"),
        (body("try { go(null); } catch (NowhereError e) { return; }"), "Invalid type: NowhereError"),
        ("public class Tried extends Nowhere {}", "Invalid type: Nowhere"),
        ("public class Tried implements Nowhere {}", "Invalid type: Nowhere"),
        ("public class Tried { private Nowhere kept; }", "Invalid type: Nowhere"),
        (
            "public class Tried { public class In { public Nowhere go(String x) { return null; } } }",
            "Invalid type: Nowhere",
        ),
    ],
)
def test_a_type_that_is_nowhere_does_not_compile(source: str, told: str) -> None:
    found = problem(source)
    assert found is not None
    assert told in found


@pytest.mark.parametrize(
    "source",
    [
        body("Policy p = new Policy(); Integer a = Policy.rate(); Base.Inner i = new Base.Inner();"),
        body("Account a = new Account(); Thing__c t; ns__Other__c o; AccountShare s; Group g; AggregateResult r;"),
        body("Http h = new Http(); Messaging.SingleEmailMessage m = new Messaging.SingleEmailMessage();"),
        body("for (Policy Each : new List<Policy>()) { Each.toString(); }"),
        body("Object o = JSON.deserializeUntyped('{}'); Blob b = Crypto.generateDigest('MD5', Blob.valueOf('x'));"),
        "public class Tried extends Base { public Inner kept; public void go() { Anything.at(1); } }",
        "public class Tried extends Exception {}",
        "public class Tried implements Database.Batchable<SObject>, Queueable, Comparable {}",
        "public class Tried { public enum Size { SMALL } public Size kept; public void go() { Size.values(); } }",
    ],
)
def test_what_the_org_or_the_platform_has_compiles(source: str) -> None:
    assert problem(source) is None


def test_a_class_that_does_not_compile_is_not_called_missing() -> None:
    assert problem(body("Broken.go();"), Broken="public class Broken {") is None
